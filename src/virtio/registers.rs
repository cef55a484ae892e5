//! Registers of a device in memory.

use core::ptr::NonNull;
use volatile::VolatilePtr;

/// A range of a device's registers, little-endian as virtio's are. [`Window`] is one that is
/// mapped; where a guest may not touch registers by plain loads and stores, it brings its own.
///
/// No offset is a reason to panic: where there is no register, all bits read as 1, and a write is
/// lost.
///
/// ```
/// use kpmem::virtio::Registers;
///
/// /// Registers behind calls of a hypervisor's.
/// struct Calls;
/// # fn load(_offset: usize, _bytes: u32) -> u64 { 7 }
/// # fn store(_offset: usize, _bytes: u32, _value: u64) {}
///
/// impl Registers for Calls {
///     fn size(&self) -> usize {
///         0x200
///     }
///     fn read_u8(&self, offset: usize) -> u8 {
///         load(offset, 1) as u8
///     }
///     fn read_u16(&self, offset: usize) -> u16 {
///         load(offset, 2) as u16
///     }
///     fn read_u32(&self, offset: usize) -> u32 {
///         load(offset, 4) as u32
///     }
///     fn write_u8(&mut self, offset: usize, value: u8) {
///         store(offset, 1, value.into());
///     }
///     fn write_u16(&mut self, offset: usize, value: u16) {
///         store(offset, 2, value.into());
///     }
///     fn write_u32(&mut self, offset: usize, value: u32) {
///         store(offset, 4, value.into());
///     }
/// }
///
/// assert_eq!(Calls.read_halves(0, 4), 7 << 32 | 7);
/// ```
pub trait Registers {
    /// How many bytes there are.
    fn size(&self) -> usize;
    /// Reads a register of one byte.
    fn read_u8(&self, offset: usize) -> u8;
    /// Reads a register of two bytes.
    fn read_u16(&self, offset: usize) -> u16;
    /// Reads a register of four bytes.
    fn read_u32(&self, offset: usize) -> u32;
    /// Writes a register of one byte.
    fn write_u8(&mut self, offset: usize, value: u8);
    /// Writes a register of two bytes.
    fn write_u16(&mut self, offset: usize, value: u16);
    /// Writes a register of four bytes.
    fn write_u32(&mut self, offset: usize, value: u32);

    /// Writes a value of eight bytes to two registers, the low half first.
    fn write_halves(&mut self, low: usize, high: usize, value: u64) {
        self.write_u32(low, value as u32);
        self.write_u32(high, (value >> 32) as u32);
    }

    /// Reads a value of eight bytes from two registers.
    fn read_halves(&self, low: usize, high: usize) -> u64 {
        u64::from(self.read_u32(high)) << 32 | u64::from(self.read_u32(low))
    }
}

/// Registers that are mapped.
///
/// ```
/// use core::ptr::NonNull;
/// use kpmem::virtio::{Registers, Window};
///
/// let mut registers = [0x7472_6976_u32, 2];
/// // SAFETY: memory stands in for registers here, and nothing else uses it.
/// let window = unsafe { Window::new(NonNull::from(&mut registers).cast(), 8) };
/// assert_eq!(window.read_u32(4), u32::from_le(2));
/// assert_eq!(window.read_u32(8), u32::MAX); // there is none
/// ```
#[derive(Debug)]
pub struct Window {
    base: NonNull<u8>,
    size: usize,
}

// SAFETY: who made the window vouches that any CPU reaches the registers by it, and the window is
// the only one to do so.
unsafe impl Send for Window {}

impl Window {
    /// The registers in `size` bytes at `base`.
    ///
    /// # Safety
    /// The range is mapped, on every CPU and as long as the window is used, uncached and in order,
    /// to registers of the device, of which any may be read and written; nothing else does.
    #[must_use]
    pub const unsafe fn new(base: NonNull<u8>, size: usize) -> Self {
        Self { base, size }
    }

    /// A register of this type, if it is inside and aligned.
    fn at<T: Copy>(&self, offset: usize) -> Option<VolatilePtr<'_, T>> {
        let end = offset.checked_add(size_of::<T>())?;
        if end > self.size {
            return None;
        }
        // SAFETY: inside the window, as was just seen.
        let register = unsafe { self.base.add(offset) }.cast::<T>();
        // SAFETY: mapped and readable and writable, as who made the window vouches; and aligned.
        register
            .is_aligned()
            .then(|| unsafe { VolatilePtr::new(register) })
    }
}

impl Registers for Window {
    fn size(&self) -> usize {
        self.size
    }

    fn read_u8(&self, offset: usize) -> u8 {
        self.at(offset).map_or(u8::MAX, VolatilePtr::read)
    }

    fn read_u16(&self, offset: usize) -> u16 {
        let read = self.at(offset).map_or(u16::MAX, VolatilePtr::read);
        u16::from_le(read)
    }

    fn read_u32(&self, offset: usize) -> u32 {
        let read = self.at(offset).map_or(u32::MAX, VolatilePtr::read);
        u32::from_le(read)
    }

    fn write_u8(&mut self, offset: usize, value: u8) {
        if let Some(register) = self.at(offset) {
            register.write(value);
        }
    }

    fn write_u16(&mut self, offset: usize, value: u16) {
        if let Some(register) = self.at(offset) {
            register.write(value.to_le());
        }
    }

    fn write_u32(&mut self, offset: usize, value: u32) {
        if let Some(register) = self.at(offset) {
            register.write(value.to_le());
        }
    }
}
