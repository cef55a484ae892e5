//! The stacks of each CPU: one for the kernel, one for trap handlers, for when the first is the
//! trouble.

use crate::memory::PAGE;
use core::{cell::UnsafeCell, mem::offset_of};

/// CPUs that the runtime can run.
pub(crate) const CPUS: usize = 2;

#[repr(C, align(4096))]
struct Stack {
    /// Unmapped: an overflow of the kernel's stack is a trap.
    guard: [u8; PAGE],
    kernel: [u8; 64 << 10],
    traps: [u8; 16 << 10],
}

/// Room for all of them.
#[repr(transparent)]
pub(crate) struct Stacks(UnsafeCell<[Stack; CPUS]>);

// SAFETY: only ever used by way of stack pointers, one CPU each.
unsafe impl Sync for Stacks {}

/// The boot assembly computes stack pointers from its address.
pub(crate) static STACKS: Stacks = Stacks(UnsafeCell::new(
    [const {
        Stack {
            guard: [0; _],
            kernel: [0; _],
            traps: [0; _],
        }
    }; CPUS],
));

/// Offset in [`STACKS`] where the kernel's stack of a CPU begins, downwards.
pub(crate) const fn top(cpu: usize) -> usize {
    cpu * size_of::<Stack>() + offset_of!(Stack, traps)
}

/// Address where the trap handlers' stack of a CPU begins, downwards.
pub(crate) fn trap_top(cpu: usize) -> usize {
    (&raw const STACKS).addr() + (cpu + 1) * size_of::<Stack>()
}

/// Addresses of the guard pages.
pub(crate) fn guards() -> impl Iterator<Item = usize> {
    (0..CPUS).map(|cpu| (&raw const STACKS).addr() + cpu * size_of::<Stack>())
}

/// The CPU that this runs on, which its stack tells: no instruction set has a register for it that
/// all others have too.
pub(crate) fn cpu() -> usize {
    let here = 0_u8;
    ((&raw const here).addr() - (&raw const STACKS).addr()) / size_of::<Stack>()
}
