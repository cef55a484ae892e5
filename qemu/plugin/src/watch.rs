//! How much is watched. Each instruction that is costs time, so it is as much as the moment needs.
//!
//! Before the first workload of a long boot only marks are looked for, and the kernel runs nearly
//! as fast as without the plugin. Loads of a single CPU are of interest only where crash images are
//! chosen by what recovery reads.
//!
//! What QEMU has translated goes on reporting as much as it did. So at a change QEMU is asked to
//! forget all of it and all callbacks, which it does before the vCPU runs its next block; the block
//! with the mark behind which more is watched is instrumented in full. With several vCPUs at once
//! the others would go on meanwhile: there everything is watched from the start.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering},
};

use kpmem_marks::Op;
use kpmem_model::decode::Action;
use qemu_plugin_sys as qemu;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Marks.
    Marks,
    /// Marks, flushes, barriers and stores.
    Stores,
    /// All of these, and loads.
    Loads,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Stores as u8);
static ID: OnceLock<qemu::qemu_plugin_id_t> = OnceLock::new();

/// Starts with a level.
pub fn start(id: qemu::qemu_plugin_id_t, level: Level) {
    ID.get_or_init(|| id);
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// What is to be watched of a block in which there are these actions.
pub fn of_block(mut actions: impl Iterator<Item = Action>) -> Level {
    let level = match LEVEL.load(Ordering::Relaxed) {
        0 => Level::Marks,
        1 => Level::Stores,
        _ => Level::Loads,
    };
    // Behind these more may be watched.
    let raises = |action| matches!(action, Action::Mark(Op::Begin | Op::NextCrash));
    if level < Level::Loads && actions.any(raises) {
        return Level::Loads;
    }
    level
}

/// Watches as much as is of interest behind a mark. `watches`: whether recovery's loads are.
///
/// # Safety
/// Only from a vCPU's callback, without a lock that `register` takes.
pub unsafe fn behind(
    op: Op,
    cpus: u32,
    watches: impl FnOnce() -> bool,
    register: unsafe extern "C" fn(qemu::qemu_plugin_id_t),
) {
    let level = match op {
        // What CPUs see of each other they see by loads.
        Op::Begin if cpus > 1 => Level::Loads,
        Op::Begin => Level::Stores,
        Op::NextCrash if watches() => Level::Loads,
        _ => return,
    };
    // SAFETY: as the caller vouches.
    unsafe { change(level, register) };
}

/// Changes the level from the vCPU's next block on; `register` is called to say so to QEMU.
///
/// # Safety
/// Only from a vCPU's callback, without a lock that `register` takes.
unsafe fn change(to: Level, register: unsafe extern "C" fn(qemu::qemu_plugin_id_t)) {
    if LEVEL.swap(to as u8, Ordering::Relaxed) != to as u8
        && let Some(id) = ID.get()
    {
        // SAFETY: the id is ours, and the caller vouches for the moment.
        unsafe { qemu::qemu_plugin_reset(*id, Some(register)) };
    }
}
