//! What happens while the device takes its time.

/// What is done between two looks at the device, and when to give up.
///
/// A closure is one that makes a closure, so that each wait has a deadline of its own:
///
/// ```
/// # use kpmem::virtio::Wait;
/// # fn now() -> u64 { 0 }
/// # const SECOND: u64 = 1;
/// fn patience() -> impl Wait {
///     || {
///         let end = now() + 10 * SECOND;
///         move || {
///             core::hint::spin_loop(); // or lets another task run
///             now() < end
///         }
///     }
/// }
/// ```
///
/// A device that has to write a large file back may take seconds. To give up means to lose the
/// device until it is [reset](super::Pmem::start), so be patient.
pub trait Wait {
    /// Begins a wait. The result is called after each look that found nothing new, and says whether
    /// to look again; after `false` there is one last look.
    fn begin(&self) -> impl FnMut() -> bool;
}

impl<F: Fn() -> P, P: FnMut() -> bool> Wait for F {
    fn begin(&self) -> impl FnMut() -> bool {
        self()
    }
}

/// Looks so many times, with a hint to the CPU in between. How long that is depends on the CPU: for
/// first steps, and for where there is no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spins(pub u64);

impl Wait for Spins {
    fn begin(&self) -> impl FnMut() -> bool {
        let mut left = self.0;
        move || {
            core::hint::spin_loop();
            left = left.saturating_sub(1);
            left > 0
        }
    }
}
