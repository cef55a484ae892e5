//! What is asked to make bytes durable where the CPU alone cannot: the hook of a page map, the
//! [deep](crate::deep) domain of a platform.

use core::{ffi::c_void, fmt};

/// What makes a page map durable, in two parts, so that many flushes share one drain: `msync` of
/// each range and nothing more, or nothing by range and one FLUSH of the device.
///
/// `&H` is a hook where `H` is, and so is `&dyn Hook`; closures are one as [`HookFns`], and C's
/// functions as [`RawHook`]. An error is the hook's own code, such as `-EIO`: it surfaces as
/// [`Error::Sync`](crate::Error::Sync).
///
/// ```
/// use kpmem::{Hook, Map};
///
/// /// A device that is asked once, whatever the ranges.
/// struct Device;
/// # impl Device { fn sync(&self) -> i32 { 0 } }
///
/// impl Hook for Device {
///     fn flush(&self, _ptr: *const u8, _len: usize) -> Result<(), i32> {
///         Ok(())
///     }
///
///     fn drain(&self) -> Result<(), i32> {
///         match self.sync() {
///             0 => Ok(()),
///             code => Err(code),
///         }
///     }
/// }
///
/// # let mut memory = vec![0_u64; 512];
/// # let (base, len) = (memory.as_mut_ptr().cast::<u8>(), 4096);
/// // SAFETY: what the device has synced is durable.
/// let map = unsafe { Map::with_hook(base, len, Device)? };
/// map.persist(base, 8)?;
/// # Ok::<(), kpmem::Error>(())
/// ```
pub trait Hook {
    /// Starts to sync `len` bytes at `ptr`, which lie in the map; not rounded (see [`RoundedTo`]).
    /// The pointer is the one that the map's method was called with, so to read through it is as
    /// right as if its caller did.
    ///
    /// # Errors
    /// The hook's own code.
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32>;

    /// Waits until all that was flushed is durable. Called only if something was flushed since it
    /// last succeeded; after a failure it is called again by the next drain.
    ///
    /// # Errors
    /// The hook's own code.
    fn drain(&self) -> Result<(), i32>;
}

impl<H: Hook + ?Sized> Hook for &H {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        H::flush(self, ptr, len)
    }

    fn drain(&self) -> Result<(), i32> {
        H::drain(self)
    }
}

/// A hook of two closures.
///
/// ```
/// use kpmem::{Hook, HookFns};
///
/// let hook = HookFns {
///     flush: |_ptr: *const u8, _len: usize| Ok(()),
///     drain: || Err(-5), // the device has failed
/// };
/// assert_eq!(hook.drain(), Err(-5));
/// ```
#[derive(Clone, Copy)]
pub struct HookFns<F, D> {
    /// [`Hook::flush`].
    pub flush: F,
    /// [`Hook::drain`].
    pub drain: D,
}

impl<F, D> Hook for HookFns<F, D>
where
    F: Fn(*const u8, usize) -> Result<(), i32>,
    D: Fn() -> Result<(), i32>,
{
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        (self.flush)(ptr, len)
    }

    fn drain(&self) -> Result<(), i32> {
        (self.drain)()
    }
}

impl<F, D> fmt::Debug for HookFns<F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookFns")
    }
}

/// A hook of C's: two functions that return 0 or a code of their own, and what they are called
/// with.
///
/// ```
/// use core::{ffi::c_void, ptr::null_mut};
/// use kpmem::{Hook, RawHook};
///
/// unsafe extern "C" fn flush(_context: *mut c_void, _ptr: *const u8, _len: usize) -> i32 {
///     0
/// }
/// unsafe extern "C" fn drain(_context: *mut c_void) -> i32 {
///     -5
/// }
///
/// // SAFETY: the functions do not look at the context.
/// let hook = unsafe { RawHook::new(flush, drain, null_mut()) };
/// assert_eq!(hook.drain(), Err(-5));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RawHook {
    flush: unsafe extern "C" fn(context: *mut c_void, ptr: *const u8, len: usize) -> i32,
    drain: unsafe extern "C" fn(context: *mut c_void) -> i32,
    context: *mut c_void,
}

// SAFETY: `RawHook::new` has its caller vouch that the functions may be called with their context
// from any CPU, also at once.
unsafe impl Send for RawHook {}
// SAFETY: as above.
unsafe impl Sync for RawHook {}

impl RawHook {
    /// A hook that calls `flush(context, ptr, len)` and `drain(context)`.
    ///
    /// # Safety
    /// Both must be callable with `context` as long as the map lives, from any CPU and from several
    /// at once.
    pub const unsafe fn new(
        flush: unsafe extern "C" fn(context: *mut c_void, ptr: *const u8, len: usize) -> i32,
        drain: unsafe extern "C" fn(context: *mut c_void) -> i32,
        context: *mut c_void,
    ) -> Self {
        Self {
            flush,
            drain,
            context,
        }
    }
}

impl Hook for RawHook {
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "who made the hook vouches for it"
    )]
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        // SAFETY: who made the hook vouches for function and context, and the map lives.
        ok(unsafe { (self.flush)(self.context, ptr, len) })
    }

    fn drain(&self) -> Result<(), i32> {
        // SAFETY: as above.
        ok(unsafe { (self.drain)(self.context) })
    }
}

const fn ok(code: i32) -> Result<(), i32> {
    match code {
        0 => Ok(()),
        code => Err(code),
    }
}

/// A hook whose flushes get whole pages of `PAGE` bytes, as `msync` wants them: the range is
/// widened to the pages that it touches, which may reach beyond the map if that does not begin or
/// end with one.
///
/// ```
/// use kpmem::{Hook, HookFns, RoundedTo};
///
/// let msync = |start: *const u8, len: usize| {
///     assert_eq!((start.addr(), len), (0x1000, 0x2000));
///     Ok(())
/// };
/// let hook = RoundedTo::<4096, _>(HookFns { flush: msync, drain: || Ok(()) });
/// assert_eq!(hook.flush(core::ptr::without_provenance(0x1fff), 2), Ok(()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RoundedTo<const PAGE: usize, H>(pub H);

impl<const PAGE: usize, H: Hook> Hook for RoundedTo<PAGE, H> {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        const {
            assert!(
                PAGE.is_power_of_two(),
                "kpmem: a page is a power of two of bytes"
            )
        };
        if len == 0 {
            return Ok(());
        }
        let first = ptr.addr() & !(PAGE - 1);
        // Inclusive, so that the top page of the address space is like any other.
        let last = ptr.addr().wrapping_add(len - 1) | (PAGE - 1);
        self.0.flush(
            ptr.with_addr(first),
            last.wrapping_sub(first).wrapping_add(1),
        )
    }

    fn drain(&self) -> Result<(), i32> {
        self.0.drain()
    }
}
