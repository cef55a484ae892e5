//! Two CPUs: each persists ranges of its own and claims them, in turn, or with the other's flush
//! between its own flush and fence. A fence completes the flushes of its own CPU only, so it
//! matters who does what.
//!
//! Both CPUs follow the same plan from the seed and hand over the turn in ordinary memory, so a run
//! has one order, whatever the emulator's timing. Handing over is a plain store: with a barrier of
//! its own it could be the fence that a bug leaves out. No recovery: the simulator checks each
//! claim by itself.

use core::sync::atomic::{AtomicU64, Ordering};

use kpmem::Table;
use kpmem_marks::{begin, end};
use kpmem_runtime::{Machine, smp};

use crate::{random::Random, region::Region};

/// Steps of one run, of one claim or two each.
const STEPS: usize = 400;
/// Bytes that belong to one CPU, far from the other's.
const AREA: usize = 64 << 10;
/// Where the CPUs own every other word, so that they share each line.
const SHARED: usize = 2 * AREA;
const SHARED_WORDS: usize = 64;
/// The second CPU has come.
const READY: u64 = 1;
/// The first turn.
const FIRST: u64 = 2;
/// Longest range in bytes.
const LONGEST: usize = 600;

/// What one CPU needs to play its part.
struct Part<'a> {
    region: &'a mut Region,
    cpu: usize,
    seed: u64,
    /// The CPU whose fence is to complete the first one's flush: itself, unless that is the bug.
    fencing: usize,
    /// Turns that either CPU took so far.
    taken: &'a AtomicU64,
    /// Turns that this CPU knows of; the same on both when they are at the same step.
    planned: u64,
}

pub fn run(
    machine: &Machine,
    table: &'static Table,
    region: &mut Region,
    seed: u64,
    wrong_fence: bool,
) {
    let taken = AtomicU64::new(0);
    let fencing = wrong_fence.into();
    let part = |region, cpu| Part {
        region,
        cpu,
        seed,
        fencing,
        taken: &taken,
        planned: FIRST,
    };
    let mut other_region = Region::new(machine, table);
    let mut other = part(&mut other_region, 1);

    let second = smp::start(play_other, (&raw mut other).expose_provenance())
        .expect("the workload needs a second CPU: -smp 2");
    let mut first = part(region, 0);
    first.wait_for(READY);
    begin(seed);
    taken.store(FIRST, Ordering::Relaxed);
    first.play();
    second.wait();
    end();
}

fn play_other(part: usize) {
    // SAFETY: `run` lends its part of the second CPU until this returns.
    let part = unsafe { &mut *core::ptr::with_exposed_provenance_mut::<Part>(part) };
    part.taken.store(READY, Ordering::Relaxed);
    part.play();
}

/// A range of a CPU's own.
#[derive(Clone, Copy)]
struct Range {
    offset: usize,
    len: usize,
}

impl Part<'_> {
    fn play(&mut self) {
        let mut random = Random(self.seed);
        for step in 0..STEPS as u64 {
            let alone = random.below(2) == 0;
            let (cpu, ranges) = (random.below(2), [0, 1].map(|cpu| range(cpu, &mut random)));
            let bytes = random.next();
            if alone {
                self.turn(cpu, |me| {
                    me.fill(ranges[cpu], bytes);
                    me.region.persist(ranges[cpu].offset, ranges[cpu].len);
                    me.claim(ranges[cpu], 2 * step);
                });
            } else {
                self.together(ranges, bytes, 2 * step);
            }
        }
    }

    /// Both flush, then both fence.
    fn together(&mut self, ranges: [Range; 2], bytes: u64, claim: u64) {
        for cpu in [0, 1] {
            self.turn(cpu, |me| {
                me.fill(ranges[cpu], bytes);
                me.region.flush(ranges[cpu].offset, ranges[cpu].len);
            });
        }
        self.turn(self.fencing, |me| {
            me.region.drain();
            me.claim(ranges[0], claim);
        });
        self.turn(1, |me| {
            me.region.drain();
            me.claim(ranges[1], claim + 1);
        });
    }

    fn wait_for(&self, turn: u64) {
        while self.taken.load(Ordering::Relaxed) != turn {
            smp::relax();
        }
    }

    /// Has one CPU do something while the other waits.
    fn turn(&mut self, cpu: usize, action: impl FnOnce(&mut Self)) {
        let before = self.planned;
        self.planned += 1;
        if cpu != self.cpu {
            return;
        }
        self.wait_for(before);
        action(self);
        self.taken.store(self.planned, Ordering::Relaxed);
    }

    fn fill(&mut self, range: Range, bytes: u64) {
        let bytes = bytes.to_le_bytes();
        for done in (0..range.len).step_by(bytes.len()) {
            let n = bytes.len().min(range.len - done);
            self.region.store(range.offset + done, &bytes[..n]);
        }
    }

    fn claim(&self, range: Range, id: u64) {
        self.region.claim(range.offset, range.len, id);
    }
}

/// Somewhere in the CPU's area, or one of its words between the other's.
fn range(cpu: usize, random: &mut Random) -> Range {
    if random.below(4) == 0 {
        let word = 2 * random.below(SHARED_WORDS / 2) + cpu;
        return Range {
            offset: SHARED + word * 8,
            len: 8,
        };
    }
    let len = 1 + random.below(LONGEST);
    Range {
        offset: cpu * AREA + random.below(AREA - len),
        len,
    }
}
