//! Registers of QEMU's firmware configuration device (QEMU, "Firmware Configuration (fw_cfg)
//! Device"): in memory here, the selector big-endian.

use crate::mmio;

/// Where the `virt` machine has it.
pub const BASE: usize = 0x1010_0000;

/// Selects an item; the next reads give its bytes.
pub fn select(key: u16) {
    // SAFETY: the selector register.
    unsafe { mmio::write(BASE + 8, key.to_be()) };
}

/// The next byte of the selected item.
pub fn read() -> u8 {
    // SAFETY: the data register.
    unsafe { mmio::read(BASE) }
}
