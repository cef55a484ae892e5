//! Schedules of several CPUs: each vCPU has a thread, and only one of them goes on at a time.
//!
//! The others stand in a callback, behind the last access, barrier, flush or mark that they made,
//! or before the first instruction that they execute. So what happens in a run, and in which order,
//! follows from the kernel and the schedule alone. Nothing is ordered before the first workload
//! begins, and nothing any more once all schedules have run.

mod name;
mod plan;
mod run;
mod turn;
mod wait;
mod words;

use std::{
    cell::Cell,
    process,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use kpmem_model::event::MAX_CPUS;

pub use name::Schedule;
pub use plan::{Limits, Plan};
pub use run::Run;
use turn::Turn;
pub use words::{Access, Words};

/// A CPU must come to something that is seen in this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Blocks in which a CPU touches no memory, after which it counts as waiting.
const BLOCKS: u32 = 1 << 20;

static TURN: Mutex<Option<Turn>> = Mutex::new(None);
/// One CPU runs at a time.
static ORDERED: AtomicBool = AtomicBool::new(false);
/// The same as the turn's, to be looked at without the lock.
static HOLDER: AtomicUsize = AtomicUsize::new(0);
/// Blocks and accesses so far, of all CPUs.
static DONE: AtomicU64 = AtomicU64::new(0);
static BELLS: [Condvar; MAX_CPUS] = [const { Condvar::new() }; MAX_CPUS];

thread_local! {
    /// Blocks that this CPU has executed since its last access.
    static IDLE_BLOCKS: Cell<u32> = const { Cell::new(0) };
    /// It is known to have woken.
    static AWAKE: Cell<bool> = const { Cell::new(false) };
}

fn turn() -> MutexGuard<'static, Option<Turn>> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A CPU executes a block of instructions: only if it is its turn.
pub fn block(cpu: u8) {
    DONE.fetch_add(1, Ordering::Relaxed);
    let cpu = usize::from(cpu);
    if ORDERED.load(Ordering::Acquire) && HOLDER.load(Ordering::Relaxed) == cpu {
        let blocks = IDLE_BLOCKS.get() + 1;
        IDLE_BLOCKS.set(blocks);
        if blocks > BLOCKS {
            IDLE_BLOCKS.set(0);
            act(cpu, |turn| turn.waits(cpu));
        }
        return;
    }
    enter(cpu);
}

/// A CPU has woken, or the turn is another's, or nothing is ordered yet.
#[cold]
fn enter(cpu: usize) {
    if !AWAKE.replace(true) || ORDERED.load(Ordering::Acquire) {
        act(cpu, |turn| turn.awake(cpu));
    }
}

/// A CPU halts.
pub fn halts(cpu: u8) {
    AWAKE.set(false);
    let mut guard = turn();
    let state = guard.get_or_insert_with(Turn::new);
    state.halts(cpu.into());
    ring(state);
}

/// A CPU has loaded or stored.
pub fn access(cpu: u8, access: &Access<'_>) {
    IDLE_BLOCKS.set(0);
    ordered(cpu, |turn| turn.access(cpu.into(), access));
}

/// A CPU has executed a barrier.
pub fn barrier(cpu: u8) {
    ordered(cpu, |turn| turn.barrier(cpu.into()));
}

/// A CPU has flushed a line, or claimed something.
pub fn says(cpu: u8, pc: u64) {
    ordered(cpu, |turn| turn.says(cpu.into(), pc));
}

/// A CPU has said what is no part of a workload.
pub fn goes_on(cpu: u8) {
    ordered(cpu, |turn| turn.goes_on(cpu.into()));
}

/// Lets the other CPUs run until they wait or halt, and from now on one at a time.
pub fn gather(cpu: u8) {
    act(cpu.into(), |turn| {
        turn.take(cpu.into());
        turn.gather(cpu.into());
        ORDERED.store(true, Ordering::Release);
    });
}

/// A workload begins, on the CPU whose turn it is.
pub fn start(schedule: Schedule) {
    if let Some(turn) = &mut *turn() {
        turn.start(schedule);
    }
}

/// It ends.
pub fn finish() -> Option<Run> {
    turn().as_mut()?.finish()
}

/// Does something with what is known of memory's words.
pub fn words<R>(f: impl FnOnce(&mut Words) -> R) -> R {
    f(&mut turn().get_or_insert_with(Turn::new).words)
}

/// From now on all CPUs run as they like.
pub fn release() {
    let mut guard = turn();
    if let Some(turn) = &mut *guard {
        turn.release();
    }
    ORDERED.store(false, Ordering::Release);
    BELLS.iter().for_each(Condvar::notify_all);
    drop(guard);
}

fn ordered(cpu: u8, action: impl FnOnce(&mut Turn)) {
    DONE.fetch_add(1, Ordering::Relaxed);
    if ORDERED.load(Ordering::Acquire) {
        act(cpu.into(), action);
    }
}

/// Does something, and returns when it is this CPU's turn again.
fn act(cpu: usize, action: impl FnOnce(&mut Turn)) {
    let mut guard = turn();
    let state = guard.get_or_insert_with(Turn::new);
    action(state);
    ring(state);
    check(state);
    let mut since = (DONE.load(Ordering::Relaxed), Instant::now());
    while ORDERED.load(Ordering::Acquire) && HOLDER.load(Ordering::Relaxed) != cpu {
        let bell = &BELLS[cpu % MAX_CPUS];
        (guard, _) = bell
            .wait_timeout(guard, PATIENCE / 4)
            .unwrap_or_else(PoisonError::into_inner);
        let done = DONE.load(Ordering::Relaxed);
        if done != since.0 {
            since = (done, Instant::now());
        }
        if since.1.elapsed() > PATIENCE
            && let Some(state) = &*guard
        {
            let what = format!(
                "CPU {} has done nothing for {} s",
                state.holder(),
                PATIENCE.as_secs()
            );
            give_up(state, &what);
        }
    }
}

/// Wakes the CPU whose turn it is.
fn ring(turn: &Turn) {
    let holder = turn.holder();
    if HOLDER.swap(holder, Ordering::Relaxed) != holder {
        BELLS[holder % MAX_CPUS].notify_all();
    }
}

/// Whether CPUs have handed on the turn for long, and none did anything.
fn check(turn: &Turn) {
    static SINCE: Mutex<Option<Instant>> = Mutex::new(None);
    const TURNS: u32 = 64;
    /// A device may be about to do something.
    const WAITING: Duration = Duration::from_secs(1);
    if let Some(what) = &turn.hopeless {
        give_up(turn, what);
    }
    let mut since = SINCE.lock().unwrap_or_else(PoisonError::into_inner);
    if turn.idle_turns < TURNS {
        *since = None;
    } else if since.get_or_insert_with(Instant::now).elapsed() > WAITING {
        give_up(turn, "all CPUs wait for each other");
    }
}

/// Ends QEMU, with a status that no guest has.
fn give_up(turn: &Turn, what: &str) -> ! {
    let schedule = turn
        .schedule()
        .map(|schedule| format!("schedule {schedule}: "));
    eprintln!(
        "crash simulator: {}{what}: {}",
        schedule.unwrap_or_default(),
        turn.places()
    );
    process::abort();
}
