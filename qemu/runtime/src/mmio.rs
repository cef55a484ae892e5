//! Device registers in memory.

/// Reads a register.
///
/// # Safety
/// `address` must be a device register of this width that may be read.
pub unsafe fn read<T: Copy>(address: usize) -> T {
    // SAFETY: passed on to the caller.
    unsafe { (address as *const T).read_volatile() }
}

/// Writes a register.
///
/// # Safety
/// `address` must be a device register of this width that may be written.
pub unsafe fn write<T: Copy>(address: usize, value: T) {
    // SAFETY: passed on to the caller.
    unsafe { (address as *mut T).write_volatile(value) };
}
