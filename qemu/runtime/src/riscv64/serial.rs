//! A 16550 UART in memory.

use crate::mmio;

/// Where the `virt` machine has it.
pub const BASE: usize = 0x1000_0000;

const LINE_STATUS: usize = BASE + 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// Sends one byte.
pub fn write(byte: u8) {
    // SAFETY: the UART's registers.
    unsafe {
        while mmio::read::<u8>(LINE_STATUS) & TRANSMITTER_EMPTY == 0 {}
        mmio::write(BASE, byte);
    }
}
