//! The PL011 UART (Arm, "PrimeCell UART (PL011) Technical Reference Manual").

use crate::mmio;

/// Where the `virt` machine has it.
pub const BASE: usize = 0x0900_0000;

const FLAGS: usize = BASE + 0x18;
const TRANSMIT_FULL: u32 = 1 << 5;

/// Sends one byte.
pub fn write(byte: u8) {
    // SAFETY: the UART's registers.
    unsafe {
        while mmio::read::<u32>(FLAGS) & TRANSMIT_FULL != 0 {}
        mmio::write(BASE, u32::from(byte));
    }
}
