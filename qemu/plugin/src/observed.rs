//! Which stores of other CPUs a CPU has seen when it flushes a line.
//!
//! A clean covers another CPU's store only if that store happens before it. The plugin follows what
//! CPUs tell each other through memory: each word carries what its last store releases, and who
//! loads it gets that, at once or with the next barrier, as the architecture says. (A vector clock
//! for each CPU, as in race detectors: Flanagan and Freund, FastTrack, PLDI 2009.)
//!
//! Address and data dependencies are not followed: where only they order a flush, it counts as not
//! ordered.

use std::collections::HashMap;

use kpmem_model::{
    Barrier, Isa,
    event::{Access, Domain, FenceSet, MAX_CPUS},
};

/// The last event of each CPU.
type Clock = [u64; MAX_CPUS];

const NOTHING: Clock = [0; MAX_CPUS];

/// A load or a store as a CPU made it.
#[derive(Clone, Copy, Debug)]
pub struct Touch<'a> {
    pub cpu: u8,
    pub addr: u64,
    /// What was loaded or stored.
    pub bytes: &'a [u8],
    /// A load that comes before what follows, or a store that comes after what was before.
    pub ordered: bool,
}

#[derive(Clone, Debug)]
struct Cpu {
    /// What it has seen of others, and certainly before what it does next; its own last event.
    seen: Clock,
    /// What it has loaded, and not ordered yet.
    loaded: Clock,
    /// What a plain store tells who sees it: what came before the last barrier.
    released: Clock,
}

#[derive(Clone, Debug, Default)]
struct Word {
    /// The last stores to its bytes.
    stores: Vec<Last>,
    value: [u8; 8],
    before: [u8; 8],
}

/// A store to bytes that nobody has stored to since.
#[derive(Clone, Debug)]
struct Last {
    by: u8,
    told: Clock,
    /// Which bytes, a bit each.
    bytes: u8,
}

impl Word {
    fn known(&self) -> u8 {
        self.stores.iter().fold(0, |all, last| all | last.bytes)
    }
}

/// What all CPUs have seen.
#[derive(Debug)]
pub struct Observed {
    total_order: bool,
    cpus: Vec<Cpu>,
    words: HashMap<u64, Word>,
}

/// What became of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It is known what it saw.
    Known,
    /// It saw a store that was not reported yet.
    Ahead,
}

impl Observed {
    pub fn new(isa: Isa) -> Self {
        let cpu = Cpu {
            seen: NOTHING,
            loaded: NOTHING,
            released: NOTHING,
        };
        Self {
            total_order: isa == Isa::X86_64,
            cpus: vec![cpu; MAX_CPUS],
            words: HashMap::new(),
        }
    }

    /// A store; `event` is its number if it is to persistent memory.
    pub fn store(&mut self, access: Touch<'_>, event: Option<u64>) {
        let cpu = &mut self.cpus[usize::from(access.cpu)];
        if let Some(event) = event {
            cpu.seen[usize::from(access.cpu)] = event;
        }
        let told = if self.total_order || access.ordered {
            cpu.seen
        } else {
            cpu.released
        };
        for (word, offset, bytes) in words(access.addr, access.bytes) {
            let word = self.words.entry(word).or_default();
            word.before = word.value;
            word.value[offset..offset + bytes.len()].copy_from_slice(bytes);
            let new = Last {
                by: access.cpu,
                told,
                bytes: bits(offset, bytes.len()),
            };
            word.stores.retain_mut(|last| {
                last.bytes &= !new.bytes;
                last.bytes != 0
            });
            word.stores.push(new);
        }
    }

    /// A load, before the CPU does anything else.
    pub fn load(&mut self, access: Touch<'_>) -> Loaded {
        let cpu = &mut self.cpus[usize::from(access.cpu)];
        for (word, offset, bytes) in words(access.addr, access.bytes) {
            let Some(word) = self.words.get(&word) else {
                continue;
            };
            let is = |value: &[u8; 8]| value[offset..offset + bytes.len()] == *bytes;
            let loaded = bits(offset, bytes.len());
            if word.known() & loaded == loaded && !is(&word.value) {
                // Reported late: it saw the store before the last, or one that is yet to come.
                if is(&word.before) {
                    continue;
                }
                return Loaded::Ahead;
            }
            let clock = if self.total_order || access.ordered {
                &mut cpu.seen
            } else {
                &mut cpu.loaded
            };
            let foreign = |last: &&Last| last.bytes & loaded != 0 && last.by != access.cpu;
            for last in word.stores.iter().filter(foreign) {
                join(clock, &last.told, access.cpu);
            }
        }
        Loaded::Known
    }

    /// Somebody has stored here who reports nothing.
    pub fn forget(&mut self, access: Touch<'_>) {
        for (word, _, _) in words(access.addr, access.bytes) {
            self.words.remove(&word);
        }
    }

    /// A barrier.
    pub fn barrier(&mut self, cpu: u8, barrier: Barrier) {
        let (loads, stores) = orders(barrier);
        let state = &mut self.cpus[usize::from(cpu)];
        if loads {
            let loaded = state.loaded;
            join(&mut state.seen, &loaded, cpu);
        }
        if stores {
            state.released = state.seen;
        }
    }

    /// The last event of each other CPU that this one has seen.
    pub fn seen(&self, cpu: u8) -> impl Iterator<Item = (u8, u64)> + '_ {
        let seen = self.cpus[usize::from(cpu)].seen.iter();
        seen.zip(0_u8..)
            .filter(move |(event, other)| **event > 0 && *other != cpu)
            .map(|(event, other)| (other, *event))
    }

    /// Whether another CPU was the last to store to any byte of a word.
    pub fn is_foreign(&self, cpu: u8, addr: u64) -> bool {
        let word = self.words.get(&(addr / 8));
        word.is_some_and(|word| word.stores.iter().any(|last| last.by != cpu))
    }
}

/// The words of an access: number, where in it, bytes.
pub fn words(addr: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &bytes[at..];
        let start = addr.wrapping_add(at as u64);
        let offset = (start % 8) as usize;
        let len = rest.len().min(8 - offset);
        at += len;
        (len > 0).then(|| (start / 8, offset, &rest[..len]))
    })
}

/// Bytes of a word, a bit each.
fn bits(offset: usize, len: usize) -> u8 {
    ((0xFF_u16 >> (8 - len)) << offset) as u8
}

fn join(clock: &mut Clock, other: &Clock, own: u8) {
    for (cpu, (event, new)) in clock.iter_mut().zip(other).enumerate() {
        if cpu != usize::from(own) {
            *event = (*event).max(*new);
        }
    }
}

/// Whether a barrier orders earlier loads before all that follows, and earlier stores (and what was
/// seen) before later stores.
fn orders(barrier: Barrier) -> (bool, bool) {
    match barrier {
        Barrier::Dsb(domain, access) | Barrier::Dmb(domain, access) => {
            let far = domain != Domain::NonShareable;
            (
                far && access != Access::Stores,
                far && access != Access::Loads,
            )
        }
        Barrier::Fence { pred, succ } => {
            let writes = succ.has(FenceSet::W);
            (
                pred.has(FenceSet::R) && writes,
                pred.has(FenceSet::W) && writes,
            )
        }
        Barrier::Isb | Barrier::FenceI => (false, false),
        // x86 orders both without.
        Barrier::Sfence
        | Barrier::Mfence
        | Barrier::Lfence
        | Barrier::LockedRmw
        | Barrier::Wbinvd => (true, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: u64 = 0x1000;
    const FLAG: u64 = 0x2000;
    const DMB: Barrier = Barrier::Dmb(Domain::Inner, Access::All);

    fn access(cpu: u8, addr: u64, value: u8, ordered: bool) -> (u8, u64, [u8; 8], bool) {
        (cpu, addr, [value; 8], ordered)
    }

    fn on(access: &(u8, u64, [u8; 8], bool)) -> Touch<'_> {
        Touch {
            cpu: access.0,
            addr: access.1,
            bytes: &access.2,
            ordered: access.3,
        }
    }

    /// CPU 0 stores data and a flag; CPU 1 loads the flag. What CPU 1 has seen.
    fn hand_over(
        isa: Isa,
        release: bool,
        between: Option<Barrier>,
        acquire: bool,
    ) -> Vec<(u8, u64)> {
        let mut observed = Observed::new(isa);
        observed.store(on(&access(0, DATA, 1, false)), Some(5));
        if let Some(barrier) = between {
            observed.barrier(0, barrier);
        }
        observed.store(on(&access(0, FLAG, 1, release)), None);
        observed.load(on(&access(1, FLAG, 1, acquire)));
        observed.seen(1).collect()
    }

    #[test]
    fn what_is_handed_over_is_seen() {
        assert_eq!(hand_over(Isa::X86_64, false, None, false), [(0, 5)]);
        assert_eq!(hand_over(Isa::Aarch64, true, None, true), [(0, 5)]);
        assert_eq!(hand_over(Isa::Aarch64, false, Some(DMB), true), [(0, 5)]);
        assert_eq!(hand_over(Isa::Riscv64, true, None, true), [(0, 5)]);
    }

    #[test]
    fn a_relaxed_hand_over_is_none() {
        for isa in [Isa::Aarch64, Isa::Riscv64] {
            assert_eq!(hand_over(isa, false, None, true), []);
            assert_eq!(hand_over(isa, true, None, false), []);
        }
    }

    #[test]
    fn a_barrier_after_a_load_orders_it() {
        let mut observed = Observed::new(Isa::Aarch64);
        observed.store(on(&access(0, DATA, 1, false)), Some(5));
        observed.store(on(&access(0, FLAG, 1, true)), None);
        observed.load(on(&access(1, FLAG, 1, false)));
        observed.barrier(1, Barrier::Dmb(Domain::Inner, Access::Stores));
        assert_eq!(observed.seen(1).count(), 0);
        observed.barrier(1, DMB);
        assert_eq!(observed.seen(1).collect::<Vec<_>>(), [(0, 5)]);
        // And on to a third.
        observed.store(on(&access(1, FLAG + 8, 1, true)), None);
        observed.load(on(&access(2, FLAG + 8, 1, true)));
        assert_eq!(observed.seen(2).collect::<Vec<_>>(), [(0, 5)]);
    }

    #[test]
    fn a_neighbour_in_the_word_hands_nothing_over_and_keeps_nothing() {
        let byte = |addr, value, cpu, ordered| (cpu, addr, [value], ordered);
        let touch = |it: &'static (u8, u64, [u8; 1], bool)| Touch {
            cpu: it.0,
            addr: it.1,
            bytes: &it.2,
            ordered: it.3,
        };
        let [flag, neighbour, seen, beside] = [
            byte(FLAG, 1, 0, true),
            byte(FLAG + 4, 1, 1, false),
            byte(FLAG, 1, 1, true),
            byte(FLAG + 1, 0, 1, true),
        ]
        .map(|it| &*Box::leak(Box::new(it)));
        let mut observed = Observed::new(Isa::Aarch64);
        observed.store(on(&access(0, DATA, 1, false)), Some(5));
        observed.store(touch(flag), None);
        observed.store(touch(neighbour), None);
        observed.load(touch(beside));
        assert_eq!(observed.seen(1).count(), 0);
        observed.load(touch(seen));
        assert_eq!(observed.seen(1).collect::<Vec<_>>(), [(0, 5)]);
    }

    #[test]
    fn a_load_that_saw_something_else_is_no_hand_over() {
        let mut observed = Observed::new(Isa::X86_64);
        observed.store(on(&access(0, FLAG, 1, false)), None);
        observed.store(on(&access(0, DATA, 1, false)), Some(5));
        observed.store(on(&access(0, FLAG, 2, false)), None);
        let old = observed.load(on(&access(1, FLAG, 1, false)));
        assert_eq!((old, observed.seen(1).count()), (Loaded::Known, 0));
        assert_eq!(observed.load(on(&access(1, FLAG, 3, false))), Loaded::Ahead);
        assert_eq!(observed.load(on(&access(1, FLAG, 2, false))), Loaded::Known);
        assert_eq!(observed.seen(1).collect::<Vec<_>>(), [(0, 5)]);
        observed.forget(on(&access(1, FLAG, 3, false)));
        assert_eq!(observed.load(on(&access(1, FLAG, 3, false))), Loaded::Known);
    }
}
