//! COM1, a 16550 UART behind I/O ports.

use super::port;

const DATA: u16 = 0x3f8;
const LINE_STATUS: u16 = DATA + 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// Sends one byte.
pub fn write(byte: u8) {
    // SAFETY: COM1's ports; neither access has a side effect on memory.
    unsafe {
        while port::read_u8(LINE_STATUS) & TRANSMITTER_EMPTY == 0 {}
        port::write_u8(DATA, byte);
    }
}
