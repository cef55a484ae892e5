//! One CPU stores, the other flushes, fences and claims.

use core::{
    hint::black_box,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use kpmem::Table;
use kpmem_marks::{begin, end};
use kpmem_runtime::smp;

use crate::{
    Case,
    memory::{Memory, drain, flush, put},
};

pub const CASES: &[Case] = &[
    // Right.
    ("handed-over", |memory| {
        hand_over(memory, Ordering::Release, wait_acquire)
    }),
    // Right on x86, which orders all of it.
    ("handed-over-relaxed", |memory| {
        hand_over(memory, Ordering::Relaxed, wait_relaxed)
    }),
    ("handed-over-half", |memory| {
        hand_over(memory, Ordering::Release, wait_relaxed)
    }),
    // Wrong: it is likely that the other CPU has stored by now.
    ("not-handed-over", |memory| {
        hand_over(memory, Ordering::Release, wait_a_while)
    }),
    // Wrong: the fence on the other CPU; right: on the same.
    ("fence-on-the-other", |memory| {
        // To start it for the first time takes barriers.
        other(|_| (), 0);
        begin(1);
        memory.store(0, u64::MAX);
        flush(memory.table, memory.at(0), 8);
        other(|_| drain(table()), 0);
        memory.claim(0, 8);
        end();
    }),
    ("all-on-the-other", |memory| {
        begin(1);
        other(
            |address| {
                let to = core::ptr::with_exposed_provenance_mut::<u8>(address);
                put(to, u64::MAX);
                flush(table(), to, 8);
                drain(table());
            },
            memory.at(0).expose_provenance(),
        );
        memory.claim(0, 8);
        end();
    }),
];

static STORED: AtomicBool = AtomicBool::new(false);

/// Where the table is, for functions that get one number.
static TABLE: AtomicUsize = AtomicUsize::new(0);

pub fn init(memory: &Memory) {
    let table: *const Table = memory.table;
    TABLE.store(table.expose_provenance(), Ordering::Relaxed);
}

fn table() -> &'static Table {
    // SAFETY: `init` put it there.
    unsafe { &*core::ptr::with_exposed_provenance(TABLE.load(Ordering::Relaxed)) }
}

fn other(f: fn(usize), argument: usize) {
    smp::start(f, argument)
        .expect("the case needs a second CPU: -smp 2")
        .wait();
}

fn hand_over(memory: &Memory, order: Ordering, wait: fn()) {
    static RELEASE: AtomicBool = AtomicBool::new(false);
    RELEASE.store(order == Ordering::Release, Ordering::Relaxed);
    begin(1);
    let running = smp::start(
        |address| {
            put(core::ptr::with_exposed_provenance_mut(address), u64::MAX);
            if RELEASE.load(Ordering::Relaxed) {
                STORED.store(true, Ordering::Release);
            } else {
                STORED.store(true, Ordering::Relaxed);
            }
            // It goes on until the other is done, so that its end hands nothing over.
            while STORED.load(Ordering::Relaxed) {
                smp::relax();
            }
        },
        memory.at(0).expose_provenance(),
    );
    wait();
    memory.persist(memory.at(0), 8);
    memory.claim(0, 8);
    end();
    STORED.store(false, Ordering::Relaxed);
    running.expect("the case needs a second CPU: -smp 2").wait();
}

fn wait_acquire() {
    while !STORED.load(Ordering::Acquire) {
        smp::relax();
    }
}

fn wait_relaxed() {
    while !STORED.load(Ordering::Relaxed) {
        smp::relax();
    }
}

fn wait_a_while() {
    for i in 0..20_000_000 {
        black_box(i);
        if i % 100_000 == 0 {
            smp::relax();
        }
    }
}
