//! Marks that are said where they mean nothing.

use core::sync::atomic::{AtomicU64, Ordering};

use kpmem_marks::{begin, claim, end, next_crash, verdict};

use crate::{Case, memory::Memory};

pub const CASES: &[Case] = &[
    ("silent", |_| {
        begin(1);
        end();
    }),
    ("claim-of-no-bytes", |memory| {
        begin(1);
        memory.claim(0, 0);
        end();
    }),
    ("claim-of-ram", |_| {
        let word = 5_u64;
        begin(1);
        claim((&raw const word).cast(), 8, 1);
        end();
    }),
    ("claim-of-mailbox", |memory| {
        begin(1);
        memory.claim(memory.tracked() - 8, 16);
        end();
    }),
    ("claim-too-long", |memory| {
        begin(1);
        memory.claim(0, usize::MAX);
        end();
    }),
    ("claim-late", |memory| {
        begin(1);
        memory.store(0, 1);
        end();
        memory.claim(0, 8);
    }),
    ("mailbox-stored-to", |memory| {
        begin(1);
        memory.store(memory.tracked(), 1);
        persisted(memory, 0);
        end();
    }),
    ("mailbox-stored-to-in-recovery", |memory| {
        workload(memory);
        memory.recover(|memory| {
            memory.store(memory.tracked() + 64, 1);
            0
        });
    }),
    ("begin-in-recovery", |memory| {
        workload(memory);
        memory.recover(|_| {
            begin(2);
            0
        });
    }),
    ("begin-twice", |memory| {
        begin(1);
        workload(memory);
    }),
    ("no-verdict", |memory| {
        workload(memory);
        // SAFETY: it is the mailbox.
        while unsafe { next_crash(memory.mailbox()) }.is_some() {}
    }),
    ("two-verdicts", |memory| {
        workload(memory);
        memory.recover(|_| {
            verdict(0);
            0
        });
    }),
    // Only where recovery is cut off, too.
    ("stores-after-verdict", |memory| {
        workload(memory);
        // SAFETY: it is the mailbox.
        while unsafe { next_crash(memory.mailbox()) }.is_some() {
            verdict(0);
            memory.store(0, 0);
        }
    }),
    ("wrong-mailbox", |memory| {
        workload(memory);
        let wrong = memory.at(memory.tracked() - 4096).cast();
        // SAFETY: none, which is the case: it is not the mailbox.
        while unsafe { next_crash(wrong) }.is_some() {
            verdict(0);
        }
    }),
    ("stops-early", |memory| {
        workload(memory);
        // SAFETY: it is the mailbox.
        if unsafe { next_crash(memory.mailbox()) }.is_some() {
            verdict(0);
        }
    }),
    ("never-ends", |memory| {
        begin(1);
        persisted(memory, 0);
    }),
    ("recovery-remembers", |memory| {
        static BOOTS: AtomicU64 = AtomicU64::new(0);
        workload(memory);
        // Good but for the first image that each boot sees.
        memory.recover(|_| u64::from(BOOTS.fetch_add(1, Ordering::Relaxed) == 0));
    }),
    ("always-wrong", |memory| {
        workload(memory);
        memory.recover(|_| 7);
    }),
    ("crosses-lines-in-recovery", |memory| {
        workload(memory);
        memory.recover(|memory| {
            const SCRATCH: usize = 64 << 10;
            let clean = (0..4).all(|i| memory.load(SCRATCH + i * 256 + 252) == 0);
            (0..4).for_each(|i| memory.store(SCRATCH + i * 256 + 252, u64::MAX));
            u64::from(!clean)
        });
    }),
    // Right.
    ("sound", |memory| {
        workload(memory);
        memory.recover(|memory| u64::from(memory.load(64) > memory.load(0)));
    }),
];

/// Ten times a word, and then another one that says so.
fn workload(memory: &Memory) {
    if memory.rebooted {
        return;
    }
    begin(1);
    for i in 1..=10 {
        memory.store(0, i);
        memory.persist(memory.at(0), 8);
        persisted(memory, 64);
    }
    end();
}

fn persisted(memory: &Memory, offset: usize) {
    memory.store(offset, memory.load(offset) + 1);
    memory.persist(memory.at(offset), 8);
    memory.claim(offset, 8);
}
