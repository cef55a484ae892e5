//! The I/O ports.

use core::arch::asm;

/// Reads a byte from a port.
///
/// # Safety
/// The port's device must allow it.
pub unsafe fn read_u8(port: u16) -> u8 {
    let value;
    // SAFETY: passed on to the caller.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags));
    }
    value
}

/// Writes a byte to a port.
///
/// # Safety
/// The port's device must allow it.
pub unsafe fn write_u8(port: u16, value: u8) {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nostack, preserves_flags));
    }
}

/// Writes a 16-bit word to a port.
///
/// # Safety
/// The port's device must allow it.
pub unsafe fn write_u16(port: u16, value: u16) {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!("out dx, ax", in("dx") port, in("ax") value, options(nostack, preserves_flags));
    }
}

/// Reads a 32-bit word from a port.
///
/// # Safety
/// The port's device must allow it.
#[cfg(feature = "virtio")] // for PCI
pub unsafe fn read_u32(port: u16) -> u32 {
    let value;
    // SAFETY: passed on to the caller.
    unsafe {
        asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags));
    }
    value
}

/// Writes a 32-bit word to a port.
///
/// # Safety
/// The port's device must allow it.
#[cfg(feature = "virtio")] // for PCI
pub unsafe fn write_u32(port: u16, value: u32) {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags));
    }
}
