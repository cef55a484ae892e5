//! Registers of QEMU's firmware configuration device (QEMU, "Firmware Configuration (fw_cfg)
//! Device"): I/O ports here.

use super::port;

/// Selects an item; the next reads give its bytes.
pub fn select(key: u16) {
    // SAFETY: the selector port.
    unsafe { port::write_u16(0x510, key) };
}

/// The next byte of the selected item.
pub fn read() -> u8 {
    // SAFETY: the data port.
    unsafe { port::read_u8(0x511) }
}
