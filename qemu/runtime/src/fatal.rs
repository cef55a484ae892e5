//! The last words of a CPU that cannot go on.

use crate::{arch, console, exit, stack};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Reports on a line of its own and ends QEMU. The first CPU to fail is heard.
pub(crate) fn end(code: u8, report: impl FnOnce()) -> ! {
    /// The CPU that reports, from 1 on.
    static SPEAKER: AtomicUsize = AtomicUsize::new(0);
    let me = stack::cpu() + 1;
    match SPEAKER.load(Ordering::Relaxed) {
        // Plain load and store: exclusives need the MMU on aarch64. Two CPUs that fail at the very
        // same moment garble the report.
        0 => {
            SPEAKER.store(me, Ordering::Relaxed);
            console::fresh_line();
            report();
        }
        // It failed while reporting, and must not go on for ever: the exit code has to do.
        speaker if speaker == me => {}
        // The other one is about to end QEMU.
        _ => loop {
            arch::cpu::relax();
        },
    }
    exit(code)
}
