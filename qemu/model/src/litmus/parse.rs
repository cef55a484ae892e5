//! The litmus tests' little language. Panics on what it does not know: the cases are constants.

use crate::event::{Access, Barrier, Cpu, Domain, Event, FenceSet, FlushKind, Store, StoreOrder};

pub(super) const BASE: u64 = 0x10000;
pub(super) const LINE: usize = 64;
pub(super) const SIZE: usize = 4 * LINE;

/// A word, or half of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) at: usize,
    pub(super) len: usize,
}

impl Variable {
    /// Its value as a digit, `?` if the bytes differ.
    pub(super) fn read(&self, memory: &[u8]) -> char {
        digit(&memory[self.at..self.at + self.len])
    }

    pub(super) fn stored_by(&self, program: &[Event]) -> bool {
        program.iter().any(|event| {
            matches!(event, Event::Store(s) if {
                let at = (s.addr - BASE) as usize;
                at < self.at + self.len && self.at < at + usize::from(s.len)
            })
        })
    }
}

pub(super) fn variable(name: &'static str) -> Variable {
    let (at, len) = place(name);
    Variable { name, at, len }
}

/// A word's value as a digit, `?` if its bytes differ.
pub(super) fn value(name: &str, memory: &[u8]) -> char {
    let (at, len) = place(name);
    digit(&memory[at..at + len])
}

fn digit(bytes: &[u8]) -> char {
    let same = bytes.iter().all(|b| *b == bytes[0]);
    if same {
        char::from(b'0' + bytes[0])
    } else {
        '?'
    }
}

fn place(name: &str) -> (usize, usize) {
    let text = name.as_bytes();
    let word = line(text[0]) + usize::from(text[1] - b'0') * 8;
    match &name[2..] {
        "" => (word, 8),
        ".l" => (word, 4),
        ".h" | "~" => (word + 4, if name.ends_with('~') { 8 } else { 4 }),
        wide => {
            assert!(wide.starts_with(':') && text[3] == text[1] + 1, "{name}");
            (word, 16)
        }
    }
}

fn line(letter: u8) -> usize {
    usize::from(letter - b'a') * LINE
}

pub(super) fn program(text: &str) -> Vec<Event> {
    let numbered = text.split(';').zip(0..);
    numbered
        .map(|(instruction, before)| event(instruction.trim(), before))
        .collect()
}

pub(super) fn last_cpu(program: &[Event]) -> Cpu {
    match program.last() {
        Some(Event::Store(store)) => store.cpu,
        Some(
            Event::Flush { cpu, .. }
            | Event::Barrier { cpu, .. }
            | Event::Sees { cpu, .. }
            | Event::Reads { cpu, .. }
            | Event::Mark { cpu, .. },
        ) => *cpu,
        None => 0,
    }
}

/// An instruction, and how many there are before it.
pub(super) fn event(text: &str, before: u64) -> Event {
    let (cpu, text) = match text.strip_prefix("P1 ") {
        Some(rest) => (1, rest),
        None => (0, text.strip_prefix("P0 ").unwrap_or(text)),
    };
    if text.contains('=') {
        return store(cpu, text);
    }
    let (name, operand) = text.split_once(' ').unwrap_or((text, ""));
    if name == "sees" {
        return Event::Sees {
            cpu,
            other: 1 - cpu,
            seq: before,
        };
    }
    if name == "reads" {
        let (at, len) = place(operand);
        return Event::Reads {
            cpu,
            addr: BASE + at as u64,
            len: len as u64,
        };
    }
    match flush(name) {
        Some(kind) => Event::Flush {
            cpu,
            addr: BASE + line(operand.as_bytes()[0]) as u64 + 1,
            kind,
        },
        None => Event::Barrier {
            cpu,
            barrier: barrier(name, operand),
        },
    }
}

fn store(cpu: Cpu, text: &str) -> Event {
    let (order, text) = match text.split_once(' ') {
        Some(("nt", rest)) => (StoreOrder::NON_TEMPORAL, rest),
        Some(("rel", rest)) => (StoreOrder::RELEASE, rest),
        Some(("ar", rest)) => (StoreOrder::ACQUIRE.and(StoreOrder::RELEASE), rest),
        Some(("acq", rest)) => (StoreOrder::ACQUIRE, rest),
        _ => (StoreOrder::PLAIN, text),
    };
    let (group, text) = match text.split_once(' ') {
        Some(("rep", rest)) => (1, rest),
        _ => (0, text),
    };
    let (name, value) = text.split_once('=').expect("a store");
    let (at, len) = place(name);
    let bytes = vec![value.parse().expect("a digit"); len];
    let store = Store::new(cpu, BASE + at as u64, &bytes).with(order);
    Event::Store(store.of_group(group))
}

fn flush(name: &str) -> Option<FlushKind> {
    Some(match name {
        "clwb" => FlushKind::Clwb,
        "clflushopt" => FlushKind::Clflushopt,
        "clflush" => FlushKind::Clflush,
        "cvac" => FlushKind::Cvac,
        "cvap" => FlushKind::Cvap,
        "cvadp" => FlushKind::Cvadp,
        "civac" => FlushKind::Civac,
        "clean" => FlushKind::CboClean,
        "flush" => FlushKind::CboFlush,
        "inval" | "ivac" => FlushKind::Inval,
        _ => return None,
    })
}

fn barrier(name: &str, operand: &str) -> Barrier {
    match name {
        "sfence" => Barrier::Sfence,
        "mfence" => Barrier::Mfence,
        "wbinvd" => Barrier::Wbinvd,
        "lfence" => Barrier::Lfence,
        "rmw" => Barrier::LockedRmw,
        "isb" => Barrier::Isb,
        "fence.i" => Barrier::FenceI,
        "dsb" | "dmb" => {
            let (domain, access) = scope(operand);
            if name == "dsb" {
                Barrier::Dsb(domain, access)
            } else {
                Barrier::Dmb(domain, access)
            }
        }
        "fence" => {
            let (pred, succ) = operand.split_once(',').expect("two sets");
            Barrier::Fence {
                pred: set(pred),
                succ: set(succ),
            }
        }
        _ => panic!("no instruction {name:?}"),
    }
}

fn scope(operand: &str) -> (Domain, Access) {
    let domain = match operand.get(..3) {
        Some("ish") => Domain::Inner,
        Some("osh") => Domain::Outer,
        Some("nsh") => Domain::NonShareable,
        _ => Domain::FullSystem,
    };
    let access = match operand {
        _ if operand.ends_with("st") => Access::Stores,
        _ if operand.ends_with("ld") => Access::Loads,
        _ => Access::All,
    };
    (domain, access)
}

fn set(text: &str) -> FenceSet {
    FenceSet(text.bytes().fold(0, |set, letter| {
        set | match letter {
            b'i' => 8,
            b'o' => 4,
            b'r' => 2,
            b'w' => 1,
            b'0' => 0,
            _ => panic!("no access class in {text:?}"),
        }
    }))
}
