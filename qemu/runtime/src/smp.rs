//! The second CPU: runs functions beside the kernel.
//!
//! It has the kernel's page tables, a stack and trap handlers of its own, and waits in a loop when
//! there is nothing to do. A trap or a panic there is reported and ends QEMU as on the first one.
//!
//! [`memory`](crate::memory) and [`paging`] are for one CPU at a time: only the first may use them
//! while both run.

use crate::{arch, fw_cfg, paging, stack};
use core::{
    mem::transmute,
    ptr::null_mut,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence},
};

/// The second CPU has come up.
static UP: AtomicBool = AtomicBool::new(false);
/// What it is to run, or runs: a `fn(usize)`; null when it is done.
static JOB: AtomicPtr<()> = AtomicPtr::new(null_mut());
static ARGUMENT: AtomicUsize = AtomicUsize::new(0);

/// A function that runs on the second CPU.
#[derive(Debug)]
#[must_use = "the second CPU runs until someone waits for it"]
pub struct Running(());

impl Running {
    /// Waits until it has returned. All that it stored is visible then.
    pub fn wait(self) {
        while !JOB.load(Ordering::Relaxed).is_null() {
            relax();
        }
        fence(Ordering::Acquire);
    }
}

/// How many CPUs the machine has. QEMU's word for it is overruled by the `fw_cfg` file
/// `opt/org.kpmem/cpus`, a decimal number: on riscv64, a machine with a memory node for an NVDIMM
/// must have a hart for each node, and `cargo xtask boot` gives it three whatever `--smp` says. The
/// boot code keeps the others asleep.
pub fn cpus() -> usize {
    fw_cfg::cpus().into()
}

/// The CPU that this runs on: 0 or 1.
pub fn current() -> usize {
    stack::cpu()
}

/// Runs `f(argument)` on the second CPU; `None` if the machine has only one. What was stored before
/// is visible to it.
///
/// Only the first CPU may start it, and only when it is not running: anything else is a panic.
pub fn start(f: fn(usize), argument: usize) -> Option<Running> {
    assert_eq!(current(), 0, "only the first CPU starts the second");
    assert!(
        JOB.load(Ordering::Relaxed).is_null(),
        "the second CPU is busy"
    );
    if cpus() < 2 {
        return None;
    }
    if !UP.load(Ordering::Relaxed) {
        // SAFETY: once, for it is up behind the loop; the address space is complete.
        unsafe { arch::smp::start() };
        // It allocates on its way, so this CPU must not.
        while !UP.load(Ordering::Relaxed) {
            relax();
        }
        fence(Ordering::Acquire);
    }
    ARGUMENT.store(argument, Ordering::Relaxed);
    JOB.store(f as *mut (), Ordering::Release);
    Some(Running(()))
}

/// Lets the other CPU go on, for use in a waiting loop: where QEMU emulates all CPUs on one thread,
/// it switches to the next one.
pub fn relax() {
    arch::cpu::relax();
}

/// Where the boot assembly of the second CPU goes.
pub(crate) extern "C" fn enter() -> ! {
    arch::trap::init(1);
    // SAFETY: the first CPU has made the address space, and maps this code and stack where they
    // are.
    unsafe { paging::join() };
    UP.store(true, Ordering::Release);
    loop {
        let job = JOB.load(Ordering::Relaxed);
        if job.is_null() {
            relax();
            continue;
        }
        // Only now: the crash simulator records barriers, and the length of a wait is not for the
        // record.
        fence(Ordering::Acquire);
        // SAFETY: `start` stored a function of this type.
        let f = unsafe { transmute::<*mut (), fn(usize)>(job) };
        f(ARGUMENT.load(Ordering::Relaxed));
        JOB.store(null_mut(), Ordering::Release);
    }
}
