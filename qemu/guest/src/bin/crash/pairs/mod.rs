//! Pairs of CPUs whose order matters: each workload is right in every order that two CPUs can have,
//! and its mistake shows only in some: where each CPU runs until it waits, none shows. Run as the
//! CPUs like, it is chance; the second comes late.

mod append;
mod archive;
mod publish;

use core::sync::atomic::{AtomicU64, Ordering};

use kpmem::Table;
use kpmem_marks::{Crash, again, begin, end, next_crash, verdict};
use kpmem_runtime::{Machine, smp};

use crate::region::Region;

/// What the two do, and how it is checked.
pub struct Pair {
    name: &'static str,
    /// Its seeded bug.
    mistake: &'static str,
    /// Bytes of persistent memory that it uses.
    size: usize,
    first: fn(&mut Part<'_>),
    second: fn(&mut Part<'_>),
    /// 0 if all is well.
    recover: fn(&Region, Crash) -> u64,
}

const PAIRS: [Pair; 3] = [publish::PAIR, append::PAIR, archive::PAIR];

/// Each thing is in lines of its own, whatever their size.
const APART: usize = 256;

/// What a CPU needs to play its part.
pub struct Part<'a> {
    region: Region,
    shared: &'a Shared,
    mistaken: bool,
    play: fn(&mut Part<'_>),
}

/// Ordinary memory of both, all zero when they start.
#[derive(Default)]
pub struct Shared {
    stage: AtomicU64,
    words: [AtomicU64; 4],
}

/// Stages: the second CPU has come; the workload has begun.
const READY: u64 = 1;
const BEGUN: u64 = 2;

impl Pair {
    pub fn named(name: &str) -> Option<&'static Self> {
        PAIRS.iter().find(|pair| pair.name == name)
    }

    /// Whether a pair has this bug.
    pub fn has(mistake: &str) -> bool {
        PAIRS.iter().any(|pair| pair.mistake == mistake)
    }

    /// Runs it as often as the simulator wants, with its recovery from each crash.
    pub fn run(&self, machine: &Machine, table: &'static Table, seed: u64, mutant: &str) {
        let shared = Shared::default();
        let part = |play| Part {
            region: Region::new(machine, table),
            shared: &shared,
            mistaken: mutant == self.mistake,
            play,
        };
        let (mut first, mut second) = (part(self.first), part(self.second));
        let mailbox = first.region.mailbox();
        loop {
            self.prepare(&mut first);
            let running = smp::start(play_second, (&raw mut second).expose_provenance())
                .expect("the workload needs a second CPU: -smp 2");
            wait_for(&shared.stage, READY);
            begin(seed);
            shared.stage.store(BEGUN, Ordering::Release);
            (first.play)(&mut first);
            running.wait();
            end();
            // SAFETY: the region leaves the mailbox out.
            while let Some(crash) = unsafe { next_crash(mailbox) } {
                verdict((self.recover)(&first.region, crash));
            }
            // SAFETY: as above.
            if !unsafe { again(mailbox) } {
                return;
            }
        }
    }

    pub fn recover(&self, region: &Region, crash: Crash) -> u64 {
        (self.recover)(region, crash)
    }

    fn prepare(&self, part: &mut Part<'_>) {
        part.shared.stage.store(0, Ordering::Relaxed);
        for word in &part.shared.words {
            word.store(0, Ordering::Relaxed);
        }
        for offset in (0..self.size).step_by(8) {
            part.region.store_word(offset, 0);
        }
        part.region.persist(0, self.size);
    }
}

fn play_second(part: usize) {
    /// It has something else to do first.
    const LATE: u64 = 400;
    // SAFETY: `run` lends its part of the second CPU until this returns.
    let part = unsafe { &mut *core::ptr::with_exposed_provenance_mut::<Part<'_>>(part) };
    part.shared.stage.store(READY, Ordering::Release);
    wait_for(&part.shared.stage, BEGUN);
    let mut own = 0;
    for i in 0..LATE {
        // SAFETY: a variable of its own. Volatile, so that it is stored each time.
        unsafe { (&raw mut own).write_volatile(i) };
    }
    (part.play)(part);
}

fn wait_for(word: &AtomicU64, value: u64) {
    while word.load(Ordering::Acquire) != value {
        smp::relax();
    }
}
