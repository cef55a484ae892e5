//! Kernels whose two CPUs take turns by schedules, and that get wrong what a schedule needs.

use core::sync::atomic::{AtomicU64, Ordering};

use kpmem_marks::{again, begin, end};
use kpmem_runtime::smp;

use crate::{Case, memory::Memory};

pub const CASES: &[Case] = &[
    ("runs-again", |memory| {
        loop {
            run(memory, 1, quick);
            if !ask(memory) {
                return;
            }
        }
    }),
    ("runs-once", |memory| run(memory, 1, quick)),
    ("stops-early-again", |memory| {
        run(memory, 1, quick);
        ask(memory);
        run(memory, 1, quick);
    }),
    // What it stores is not the same each time.
    ("remembers-between-runs", |memory| {
        for value in 1.. {
            run(memory, value, quick);
            if !ask(memory) {
                return;
            }
        }
    }),
    ("begins-differently", |memory| {
        for value in 1.. {
            memory.store(512, value);
            run(memory, 1, quick);
            if !ask(memory) {
                return;
            }
        }
    }),
    // A loop that waits looks like work if it counts in memory: the other goes on even so.
    ("counts-while-waiting", |memory| {
        loop {
            run(memory, 1, |_| {
                wait_for(BEGUN);
                let mut count = 0_u64;
                while STAGE.load(Ordering::Acquire) != DONE {
                    count += 1;
                    // SAFETY: a variable of its own.
                    unsafe { (&raw mut count).write_volatile(count) };
                }
            });
            if !ask(memory) {
                return;
            }
        }
    }),
    ("never-waits", |memory| {
        run_with(memory, 1, |_| never_waits(), |_| ())
    }),
    ("both-wait", |memory| {
        run_with(memory, 1, wait_for_begin, |_| wait_for(DONE + 1))
    }),
];

static STAGE: AtomicU64 = AtomicU64::new(0);
const BEGUN: u64 = 1;
const DONE: u64 = 2;

fn wait_for(stage: u64) {
    while STAGE.load(Ordering::Acquire) < stage {
        smp::relax();
    }
}

fn wait_for_begin(_: usize) {
    wait_for(BEGUN);
    wait_for(DONE);
}

fn quick(_: usize) {
    wait_for(BEGUN);
}

fn never_waits() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    while STAGE.load(Ordering::Relaxed) != DONE {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

fn run(memory: &Memory, value: u64, other: fn(usize)) {
    run_with(memory, value, other, |memory| {
        memory.persist(memory.at(0), 8);
        memory.claim(0, 8);
        STAGE.store(DONE, Ordering::Release);
    });
}

/// Stores a value, then does the rest; the other CPU does something meanwhile.
fn run_with(memory: &Memory, value: u64, other: fn(usize), rest: fn(&Memory)) {
    STAGE.store(0, Ordering::Relaxed);
    memory.store(0, 0);
    let running = smp::start(other, 0).expect("the case needs a second CPU: -smp 2");
    begin(1);
    STAGE.store(BEGUN, Ordering::Release);
    memory.store(0, value);
    rest(memory);
    running.wait();
    end();
}

fn ask(memory: &Memory) -> bool {
    // SAFETY: the last page of the persistent memory.
    unsafe { again(memory.mailbox()) }
}
