//! A long boot before the first workload: until that begins only marks are looked for, and the
//! kernel runs nearly as fast as without the plugin.
//!
//! The code that QEMU has translated by then reports nothing. So at the first begin QEMU is asked
//! to forget all of it and all callbacks, which it does before the vCPU runs its next block; the
//! block with the begin in it is instrumented in full. With several vCPUs at once the others would
//! go on meanwhile: there everything is watched from the start.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use kpmem_marks::Op;
use kpmem_model::decode::Action;
use qemu_plugin_sys as qemu;

/// Only marks are looked for.
static ASLEEP: AtomicBool = AtomicBool::new(false);
static ID: OnceLock<qemu::qemu_plugin_id_t> = OnceLock::new();

/// Sleeps from now on.
pub fn sleep(id: qemu::qemu_plugin_id_t) {
    ID.get_or_init(|| id);
    ASLEEP.store(true, Ordering::Relaxed);
}

/// Whether an instruction is of interest. `begins`: a workload begins in its block.
pub fn wants(action: Action, begins: bool) -> bool {
    begins || !ASLEEP.load(Ordering::Relaxed) || matches!(action, Action::Mark(_))
}

/// A workload begins. From the vCPU's next block on everything is watched; `register` is called to
/// say so to QEMU.
///
/// # Safety
/// Only from a vCPU's callback, without a lock that `register` takes.
pub unsafe fn wake(register: unsafe extern "C" fn(qemu::qemu_plugin_id_t)) {
    if ASLEEP.swap(false, Ordering::Relaxed)
        && let Some(id) = ID.get()
    {
        // SAFETY: the id is ours, and the caller vouches for the moment.
        unsafe { qemu::qemu_plugin_reset(*id, Some(register)) };
    }
}

/// Whether a workload begins here.
pub const fn begins(action: Action) -> bool {
    matches!(action, Action::Mark(Op::Begin))
}
