//! Platforms whose caches are maintained by physical range, by registers or firmware calls.

use crate::{Hook, firmware::Region};

/// How a platform writes its caches back by physical range: a cache controller's registers, or a
/// call of the firmware. In two parts, so that a kernel may start several and wait once.
///
/// ```
/// use kpmem::{Hook, Region, deep::{ByPhysical, PhysicalCaches}};
///
/// /// A cache controller.
/// struct Controller;
///
/// impl PhysicalCaches for Controller {
///     fn write_back(&self, region: Region) -> Result<(), i32> {
///         assert_eq!((region.base, region.len), (0x1_0000_0100, 64));
///         Ok(()) // a write to its registers
///     }
///
///     fn wait(&self) -> Result<(), i32> {
///         Ok(())
///     }
/// }
///
/// # let memory = vec![0_u8; 4096];
/// # let start = memory.as_ptr();
/// let region = Region { base: 0x1_0000_0000, len: 4096 };
/// let domain = ByPhysical::new(start, region, Controller); // the region is mapped at `start`
/// assert_eq!(domain.flush(start.wrapping_add(0x100), 64), Ok(()));
/// assert_eq!(domain.flush(start, 8192), Err(ByPhysical::<Controller>::OUTSIDE));
/// ```
pub trait PhysicalCaches {
    /// Starts to write a range back.
    ///
    /// # Errors
    /// A code of its own.
    fn write_back(&self, region: Region) -> Result<(), i32>;

    /// Waits until all that was started is done.
    ///
    /// # Errors
    /// A code of its own.
    fn wait(&self) -> Result<(), i32>;
}

/// The domain behind caches that are maintained by physical range, for one range of memory.
///
/// ```
/// use kpmem::{Region, deep::{ByPhysical, PhysicalCaches}};
///
/// /// The domain of 1 GiB of memory that is mapped at `start`.
/// fn domain<C: PhysicalCaches>(start: *const u8, caches: C) -> ByPhysical<C> {
///     let region = Region { base: 0x1_0000_0000, len: 1 << 30 };
///     ByPhysical::new(start, region, caches)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByPhysical<C> {
    start: usize,
    region: Region,
    caches: C,
}

impl<C: PhysicalCaches> ByPhysical<C> {
    /// What a flush returns that is not inside the range (Linux's `-EFAULT`).
    pub const OUTSIDE: i32 = -14;

    /// The domain of the memory at these physical addresses, which is mapped at `start`.
    #[must_use]
    pub fn new(start: *const u8, region: Region, caches: C) -> Self {
        Self {
            start: start.addr(),
            region,
            caches,
        }
    }
}

impl<C: PhysicalCaches> Hook for ByPhysical<C> {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        if len == 0 {
            return Ok(());
        }
        let offset = ptr.addr().wrapping_sub(self.start) as u64;
        let part = Region {
            base: self.region.base.wrapping_add(offset),
            len: len as u64,
        };
        if offset >= self.region.len || !self.region.contains(part) {
            return Err(Self::OUTSIDE);
        }
        self.caches.write_back(part)
    }

    fn drain(&self) -> Result<(), i32> {
        self.caches.wait()
    }
}
