//! Two programs at once: every interleaving of their instructions is a trace of its own.
//!
//! The instructions are those of the module above, and these besides:
//! - `load a0`: what is in the word now. `b0=loaded` stores that.
//! - `unless 1 skip 3`, behind another one: if not 1 was loaded last, the next three are left out.
//! - `lock d0`: waits until the word is 0, and makes it 1, in one step.
//!
//! A load tells the model what its CPU has seen. So does a barrier: what a CPU did before a full
//! barrier of its own is there for another CPU behind a full barrier that comes later. In one
//! trace that says when things happened by chance. Over all of them it is what the architecture
//! promises, as one of two barriers is always the later one.

use super::parse::{self, BASE, SIZE};
use crate::event::{Access, Barrier, Cpu, Event};

const CPUS: usize = 2;

type Program<'t> = [Vec<&'t str>; CPUS];

/// An interleaving so far.
#[derive(Clone, Debug)]
struct Run {
    trace: Vec<Event>,
    memory: [u8; SIZE],
    /// The instruction that each CPU is at.
    at: [usize; CPUS],
    /// What each CPU has loaded last.
    loaded: [char; CPUS],
    /// The number of each CPU's last full barrier; 0 if there was none.
    barrier: [u64; CPUS],
}

/// The traces of all interleavings that come to an end.
pub(super) fn traces(text: &str) -> impl Iterator<Item = Vec<Event>> {
    let threads = text.split('|').map(|thread| {
        let instructions = thread.split(';').map(str::trim);
        instructions.collect()
    });
    let threads: Vec<_> = threads.collect();
    let program: Program<'_> = threads.try_into().expect("two threads");
    let start = Run {
        trace: Vec::new(),
        memory: [0; SIZE],
        at: [0; CPUS],
        loaded: ['0'; CPUS],
        barrier: [0; CPUS],
    };
    let mut all = Vec::new();
    start.go_on(&program, &mut all);
    all.into_iter()
}

impl Run {
    fn go_on(self, program: &Program<'_>, all: &mut Vec<Vec<Event>>) {
        let mut ended = true;
        for (cpu, thread) in program.iter().enumerate() {
            if let Some(instruction) = thread.get(self.at[cpu]) {
                ended = false;
                let mut next = self.clone();
                if next.step(cpu, instruction) {
                    next.at[cpu] += 1;
                    next.branch(cpu, thread);
                    next.go_on(program, all);
                }
            }
        }
        if ended {
            all.push(self.trace);
        }
    }

    /// Executes an instruction; false if it has to wait.
    fn step(&mut self, cpu: usize, instruction: &str) -> bool {
        let words: Vec<_> = instruction.split_whitespace().collect();
        match words[..] {
            ["load", word] => self.loaded[cpu] = self.load(cpu, word),
            ["lock", word] => {
                if self.load(cpu, word) != '0' {
                    return false;
                }
                self.event(cpu, &format!("{word}=1"));
            }
            _ => {
                let loaded = self.loaded[cpu].to_string();
                self.event(cpu, &instruction.replace("loaded", &loaded));
            }
        }
        true
    }

    /// A branch is nobody's business but its CPU's, and comes with what is before it.
    fn branch(&mut self, cpu: usize, thread: &[&str]) {
        let instruction = thread.get(self.at[cpu]).copied().unwrap_or_default();
        let words: Vec<_> = instruction.split_whitespace().collect();
        if let ["unless", value, "skip", count] = words[..] {
            self.at[cpu] += 1;
            if value != self.loaded[cpu].to_string() {
                self.at[cpu] += count.parse::<usize>().expect("a number");
            }
        }
    }

    fn load(&mut self, cpu: usize, word: &str) -> char {
        self.event(cpu, &format!("reads {word}"));
        parse::value(word, &self.memory)
    }

    fn event(&mut self, cpu: usize, text: &str) {
        let before = self.trace.len() as u64;
        let event = parse::event(&format!("P{cpu} {text}"), before);
        match &event {
            Event::Store(store) => {
                let at = (store.addr - BASE) as usize;
                self.memory[at..at + store.value().len()].copy_from_slice(store.value());
            }
            Event::Barrier {
                barrier: Barrier::Dmb(_, Access::All) | Barrier::Dsb(_, Access::All),
                ..
            } => self.full_barrier(cpu),
            _ => {}
        }
        self.trace.push(event);
    }

    /// What others did before theirs is seen behind this one.
    fn full_barrier(&mut self, cpu: usize) {
        for (other, &seq) in self.barrier.iter().enumerate() {
            if other != cpu && seq > 0 {
                self.trace.push(Event::Sees {
                    cpu: cpu as Cpu,
                    other: other as Cpu,
                    seq,
                });
            }
        }
        self.barrier[cpu] = self.trace.len() as u64 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn every_interleaving_comes_once() {
        let count = |text| traces(text).count();
        assert_eq!(count("a0=1 | b0=1"), 2);
        assert_eq!(count("a0=1; a1=1; a2=1 | b0=1; b1=1"), 10);
        let (all, mut distinct) = (count("a0=1; a1=1 | b0=1; b1=1"), Vec::new());
        for trace in traces("a0=1; a1=1 | b0=1; b1=1") {
            if !distinct.contains(&trace) {
                distinct.push(trace);
            }
        }
        assert_eq!((all, distinct.len()), (6, 6));
    }

    #[test]
    fn a_lock_lets_one_in() {
        // Both orders of the two sections, and nothing in between.
        let text = "lock d0; a0=1; d0=0 | lock d0; a0=2; d0=0";
        let orders: Vec<_> = traces(text).collect();
        assert_eq!(orders.len(), 2);
        // One that nobody unlocks.
        assert_eq!(traces("lock d0 | lock d0").count(), 0);
    }

    #[test]
    fn what_was_loaded_decides() {
        let text = "a0=1 | load a0; unless 1 skip 1; b0=1; c0=loaded";
        let stores = |trace: &Vec<Event>| {
            let stores = trace.iter().filter(|it| matches!(it, Event::Store(_)));
            stores.count()
        };
        let mut counts: Vec<_> = traces(text).map(|trace| stores(&trace)).collect();
        counts.sort_unstable();
        // Only where the store comes before the load there are three.
        assert_eq!(counts, [2, 2, 3]);
    }
    #[test]
    fn a_barrier_alone_lets_see() {
        // Of two cleans of the other's store, each behind a barrier, one is the later one. The
        // simulator, which is told one schedule, does not count on that.
        let text = "a0=1; dsb sy; cvap b; dsb sy; c0=1 | b0=1; dsb sy; cvap a; dsb sy; d0=1";
        let vars = ["a0", "b0", "c0", "d0"].map(parse::variable);
        let lost = |barriers: bool| {
            traces(text).any(|mut trace| {
                trace.retain(|event| barriers || !matches!(event, Event::Sees { .. }));
                super::super::states(Profile::ARM, &trace, &vars).contains("0011")
            })
        };
        assert!(!lost(true) && lost(false));
    }
}
