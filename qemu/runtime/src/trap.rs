//! Traps: reported and fatal, unless a probe waits for a memory fault.

use crate::{
    arch, fatal, println,
    stack::{self, CPUS},
};
use core::sync::atomic::{AtomicUsize, Ordering};

/// What an architecture's handler knows about a trap.
#[derive(Debug)]
pub(crate) struct Trap {
    pub name: &'static str,
    pub pc: usize,
    pub address: usize,
    /// The architecture's error code, syndrome or cause register.
    pub syndrome: u64,
    /// Whether an access was not allowed by the page tables.
    pub memory_fault: bool,
}

/// The probe that waits on each CPU (its stack pointer), or 0.
static PROBE: [AtomicUsize; CPUS] = [const { AtomicUsize::new(0) }; CPUS];
static FAULT_ADDRESS: [AtomicUsize; CPUS] = [const { AtomicUsize::new(0) }; CPUS];

/// Reports the trap and ends QEMU, or unwinds to the waiting probe.
pub(crate) fn handle(trap: Trap) -> ! {
    let cpu = stack::cpu();
    let probe = PROBE[cpu].load(Ordering::Relaxed);
    if trap.memory_fault && probe != 0 {
        PROBE[cpu].store(0, Ordering::Relaxed);
        FAULT_ADDRESS[cpu].store(trap.address, Ordering::Relaxed);
        // SAFETY: the probe is still waiting: it clears the cell when it returns.
        unsafe { arch::trap::unwind(probe) };
    }
    let Trap {
        name,
        pc,
        address,
        syndrome,
        ..
    } = trap;
    fatal::end(3, || {
        println!("TRAP: {name} at pc={pc:#x} addr={address:#x} syndrome={syndrome:#x} cpu={cpu}");
    })
}

/// Calls `f(ptr, len)`; gives the address of the memory fault that cut it short, if one did. Other
/// traps are fatal: on x86_64, that of an address that is not canonical.
///
/// # Panics
/// A probe waits on this CPU already: they do not nest.
///
/// # Safety
/// As `f` demands, but for memory that is not mapped. `f` must be plain code that holds no lock and
/// needs no destructor, for a fault abandons it.
pub unsafe fn fault(
    f: unsafe extern "C" fn(*const u8, usize),
    ptr: *const u8,
    len: usize,
) -> Option<usize> {
    let cpu = stack::cpu();
    assert_eq!(PROBE[cpu].load(Ordering::Relaxed), 0, "probes do not nest");
    // SAFETY: passed on to the caller; the assembly stores the stack pointer that it will unwind
    // to.
    let faulted = unsafe { arch::trap::probe(ptr, len, f, PROBE[cpu].as_ptr()) } != 0;
    PROBE[cpu].store(0, Ordering::Relaxed);
    faulted.then(|| FAULT_ADDRESS[cpu].load(Ordering::Relaxed))
}

/// Whether `f(ptr, len)` is cut short by a memory fault.
///
/// # Panics
/// As [`fault`].
///
/// # Safety
/// As [`fault`].
pub unsafe fn faults(
    f: unsafe extern "C" fn(*const u8, usize),
    ptr: *const u8,
    len: usize,
) -> bool {
    // SAFETY: passed on to the caller.
    unsafe { fault(f, ptr, len) }.is_some()
}
