//! Flush hints (ACPI 6.5, section 5.2.25.8 "Flush Hint Address Structure").

use core::ptr::NonNull;

use volatile::VolatilePtr;

use crate::{Error, Hook, arch};

/// Devices that flush their buffers when a word is stored to their hint. `S` holds where the hints
/// are mapped: a slice, or an array.
///
/// A device needs a store to one of its hints; those of all devices of a range must be there. Make
/// it from [`PersistentRange::flush_hints`](crate::PersistentRange::flush_hints).
///
/// ```
/// use core::ptr::NonNull;
/// use kpmem::{Error, Map, PersistentRange, deep::Hints};
///
/// /// Deep-flushes the first line of a range of firmware's with up to eight hints.
/// fn deep(
///     range: &PersistentRange<'_>,
///     map: &Map,
///     map_uncached: impl Fn(u64) -> NonNull<u64>,
/// ) -> Result<(), Error> {
///     let mut hints = [NonNull::dangling(); 8];
///     let mut count = 0;
///     for (place, address) in hints.iter_mut().zip(range.flush_hints()?) {
///         *place = map_uncached(address);
///         count += 1;
///     }
///     // SAFETY: they are the flush hints of the range, mapped uncached.
///     let domain = unsafe { Hints::new(&hints[..count])? };
///     map.deep_flush(&domain, map.address(), 64)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hints<S>(S);

// SAFETY: the hints are registers that any CPU may store to, also at once: who made it vouches for
// that.
unsafe impl<const N: usize> Send for Hints<[NonNull<u64>; N]> {}
// SAFETY: as above.
unsafe impl<const N: usize> Sync for Hints<[NonNull<u64>; N]> {}
// SAFETY: as above.
unsafe impl Send for Hints<&[NonNull<u64>]> {}
// SAFETY: as above.
unsafe impl Sync for Hints<&[NonNull<u64>]> {}

impl<S: AsRef<[NonNull<u64>]>> Hints<S> {
    /// The domain behind these hints.
    ///
    /// # Errors
    /// [`Error::NoDeepDomain`] if there are none.
    ///
    /// # Safety
    /// Each must be the address of a flush hint, aligned to 8 bytes, and mapped uncached for as
    /// long as the domain is used.
    pub unsafe fn new(hints: S) -> Result<Self, Error> {
        if hints.as_ref().is_empty() {
            return Err(Error::NoDeepDomain {
                missing: "the range's devices have no flush hints",
            });
        }
        Ok(Self(hints))
    }
}

impl<S: AsRef<[NonNull<u64>]>> Hook for Hints<S> {
    /// Nothing: a hint knows no range.
    fn flush(&self, _ptr: *const u8, _len: usize) -> Result<(), i32> {
        Ok(())
    }

    /// Stores to each hint and waits for the stores. What is to be flushed must be durable by then,
    /// as [`Map::deep_flush_start`](crate::Map::deep_flush_start) sees to.
    fn drain(&self) -> Result<(), i32> {
        for hint in self.0.as_ref() {
            // SAFETY: who made it vouches for the register. Any value will do.
            unsafe { VolatilePtr::new(*hint) }.write(1);
        }
        arch::store_fence();
        Ok(())
    }
}
