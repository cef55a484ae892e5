//! What must hold on a CPU for a while: that its vector registers may be used, or that the task
//! stays on it.

/// A section of code on one CPU: preemption off and on again, or `kernel_fpu_begin` and
/// `kernel_fpu_end` behind a count, as those do not nest.
///
/// Vector copies run inside one ([`arch::vector`](crate::arch), feature `vector`), and
/// [`Map::batch_within`](crate::Map::batch_within) and
/// [`Map::persist_within`](crate::Map::persist_within) hold one from the first flush to the drain,
/// so that both are of the same CPU.
///
/// ```
/// use kpmem::{Granularity, Guard, Map};
///
/// # fn preempt_disable() {}
/// # fn preempt_enable() {}
/// /// The task stays on its CPU.
/// struct Pinned;
///
/// // SAFETY: both count, so sections may lie in each other.
/// unsafe impl Guard for Pinned {
///     type State = ();
///     fn enter() {
///         preempt_disable();
///     }
///     fn leave((): ()) {
///         preempt_enable();
///     }
/// }
///
/// # let mut memory = vec![0_u64; 512];
/// # let base = memory.as_mut_ptr().cast::<u8>();
/// # // SAFETY: as for any map.
/// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
/// map.persist_within::<Pinned>(base, 8)?;
/// let batch = map.batch_within::<Pinned>();
/// batch.flush(base, 64)?;
/// batch.finish()?; // drained on the same CPU
/// # Ok::<(), kpmem::Error>(())
/// ```
///
/// # Safety
/// Between `enter` and `leave`, the caller must stay on one CPU. Sections may lie in each other,
/// and those of two batches may end in the order in which they began, so a guard counts them, as
/// `preempt_disable` does; one that puts back a state that it saved (interrupt flags) does not hold
/// until the last has ended. For vector copies, code that runs there must also be able to change
/// the vector registers that are enabled in XCR0, without harm to anyone whose registers they are.
pub unsafe trait Guard {
    /// What `leave` must know.
    type State;
    /// Called before: where a copy or a batch may be called, so also in an interrupt if they are.
    fn enter() -> Self::State;
    /// Called after.
    fn leave(state: Self::State);
}

/// No guard: where callers stay on their CPU anyway, and may use its vectors (or do not).
///
/// ```
/// # use kpmem::{Granularity, Map, NoGuard};
/// # let mut memory = vec![0_u64; 512];
/// # let base = memory.as_mut_ptr().cast::<u8>();
/// # // SAFETY: as for any map.
/// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
/// map.batch_within::<NoGuard>().finish()?; // what Map::batch does
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NoGuard;

// SAFETY: who names it vouches for that.
unsafe impl Guard for NoGuard {
    type State = ();
    #[inline(always)]
    fn enter() {}
    #[inline(always)]
    fn leave((): ()) {}
}
