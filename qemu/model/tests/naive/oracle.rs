//! The definitions, in the plainest form: every subset of the stores that obeys them. Shares no
//! code with the model but the event types.

use std::collections::BTreeSet;

use kpmem_model::event::{Access, Barrier, Domain, Event, FenceSet, FlushKind, Mark, StoreOrder};
use kpmem_model::{Isa, Profile};

use crate::{BASE, LINE, SIZE};

/// A content of memory.
pub type Image = Vec<u8>;

/// An atomic piece of a store.
pub struct Piece {
    pub time: usize,
    cpu: u8,
    at: usize,
    bytes: Vec<u8>,
    nt: bool,
    release: bool,
    acquire: bool,
    group: usize,
    /// When its line was dropped unwritten.
    dropped: Option<usize>,
}

fn x86(p: &Profile) -> bool {
    p.isa == Isa::X86_64
}

pub fn pieces(p: &Profile, program: &[Event]) -> Vec<Piece> {
    let mut out = Vec::new();
    for (time, event) in program.iter().enumerate() {
        let Event::Store(s) = event else { continue };
        let nt = x86(p) && s.order.has(StoreOrder::NON_TEMPORAL);
        let at = (s.addr - BASE) as usize;
        let len = usize::from(s.len);
        let wide = p.name != "torn8" && x86(p) && s.len == 16 && at.is_multiple_of(16);
        let intel = ["px86", "eadr"].contains(&p.name) && x86(p);
        let narrow = intel && len <= 8 && at / LINE == (at + len - 1) / LINE;
        let whole = !nt && (wide || narrow);
        let mut words: Vec<(usize, Vec<u8>)> = Vec::new();
        for (i, &byte) in s.value().iter().enumerate() {
            let at = at + i;
            match words.last_mut() {
                Some((start, word)) if whole || *start / 8 == at / 8 => word.push(byte),
                _ => words.push((at, vec![byte])),
            }
        }
        for (at, bytes) in words {
            out.push(Piece {
                time,
                cpu: s.cpu,
                at,
                bytes,
                nt,
                release: s.order.has(StoreOrder::RELEASE),
                acquire: s.order.has(StoreOrder::ACQUIRE),
                group: if s.group == 0 {
                    100 + time
                } else {
                    s.group as usize
                },
                dropped: None,
            });
        }
    }
    drop_lines(p, program, &mut out);
    out
}

/// Which pieces an invalidation drops: those in its line that were not durable by then, and that
/// its CPU had not begun to write back.
fn drop_lines(p: &Profile, program: &[Event], all: &mut [Piece]) {
    for (time, event) in program.iter().enumerate() {
        let Event::Flush { cpu, addr, kind } = event else {
            continue;
        };
        if *kind != FlushKind::Inval || p.name == "eadr" {
            continue;
        }
        let count = all.iter().filter(|piece| piece.time < time).count();
        let durable = required(p, program, &all[..count], time, None);
        for (piece, _) in all.iter_mut().zip(durable).filter(|(_, durable)| !durable) {
            let begun = flushes(p, program, piece, time);
            if (*addr - BASE) as usize / LINE == piece.at / LINE
                && !begun.iter().any(|(_, by, _)| by == cpu)
            {
                piece.dropped = piece.dropped.or(Some(time));
            }
        }
    }
}

fn overlap(a: &Piece, b: &Piece) -> bool {
    a.at < b.at + b.bytes.len() && b.at < a.at + a.bytes.len()
}

/// Whether a piece was dropped unwritten, and nothing of it is left since.
pub fn overwritten(all: &[Piece], durable: &[bool], i: usize) -> bool {
    let range = |piece: &Piece| piece.at..piece.at + piece.bytes.len();
    all[i].dropped.is_some_and(|time| {
        let newer = |(b, durable): &(&Piece, &bool)| **durable && b.time > time;
        let newer = || all.iter().zip(durable).filter(newer);
        range(&all[i]).all(|at| newer().any(|(b, _)| range(b).contains(&at)))
    })
}

/// `b` in the image requires `a` in it. `a` is older.
fn needs(p: &Profile, program: &[Event], a: &Piece, b: &Piece) -> bool {
    if a.dropped.is_some_and(|time| time < b.time) {
        return false;
    }
    let near = p.name == "eadr" || a.at / LINE == b.at / LINE;
    let fenced = program[a.time..b.time].iter().any(|e| match e {
        Event::Barrier { cpu, barrier } if *cpu == a.cpu => match barrier {
            Barrier::Sfence | Barrier::Mfence | Barrier::LockedRmw | Barrier::Wbinvd => true,
            Barrier::Dsb(d, access) | Barrier::Dmb(d, access) => {
                *access != Access::Loads && *d != Domain::NonShareable
            }
            Barrier::Fence { pred, succ } => pred.has(FenceSet::W) && succ.has(FenceSet::W),
            _ => false,
        },
        _ => false,
    });
    let program_order = x86(p) && p.name != "torn8" && !a.nt && !b.nt;
    let together = a.cpu == b.cpu && a.group == b.group;
    overlap(a, b)
        || near
            && !together
            && if program_order {
                p.name != "eadr" || a.cpu == b.cpu
            } else if x86(p) && p.name != "torn8" {
                false
            } else {
                a.cpu == b.cpu && (fenced || b.release || a.acquire)
            }
}

/// (before later stores, before later acknowledgements) for what `cpu` flushed at `time`, by `now`.
fn stages(
    p: &Profile,
    program: &[Event],
    time: usize,
    cpu: u8,
    kind: Option<FlushKind>,
    now: usize,
) -> (bool, bool) {
    let clflush = kind == Some(FlushKind::Clflush);
    let mut stages = (clflush && p.name != "amd", false);
    for event in &program[time..now] {
        let Event::Barrier { cpu: by, barrier } = event else {
            continue;
        };
        if *by != cpu {
            continue;
        }
        let complete = match barrier {
            Barrier::Sfence | Barrier::LockedRmw => p.name != "amd" || !clflush,
            Barrier::Mfence | Barrier::Wbinvd => true,
            Barrier::Dsb(Domain::FullSystem, Access::All) => true,
            Barrier::Dsb(Domain::FullSystem, Access::Stores) => p.name == "eadr",
            Barrier::Fence { pred, succ } if pred.has(FenceSet::W) => {
                stages.0 |= succ.has(FenceSet::W);
                stages.1 |= succ.has(FenceSet::O);
                false
            }
            _ => false,
        };
        stages = (stages.0 || complete, stages.1 || complete);
    }
    stages
}

/// What makes pieces durable: a flush, or a store that needs none.
fn causes(
    p: &Profile,
    program: &[Event],
    all: &[Piece],
    i: usize,
    now: usize,
) -> Vec<(usize, u8, Option<FlushKind>)> {
    let piece = &all[i];
    if piece.dropped.is_some_and(|time| time < now) {
        return Vec::new();
    }
    if p.name == "eadr" || piece.nt {
        // By itself, and for a write-combining store by a flush of its own CPU.
        let mut causes = vec![(piece.time, piece.cpu, None)];
        if p.name != "eadr" {
            causes.extend(
                flushes(p, program, piece, now)
                    .into_iter()
                    .filter(|c| c.1 == piece.cpu),
            );
        }
        return causes;
    }
    flushes(p, program, piece, now)
}

fn flushes(
    p: &Profile,
    program: &[Event],
    piece: &Piece,
    now: usize,
) -> Vec<(usize, u8, Option<FlushKind>)> {
    let reaches = |kind| match kind {
        FlushKind::Inval => false,
        FlushKind::Cvac | FlushKind::Civac => p.isa != Isa::Aarch64,
        _ => true,
    };
    let mut out = Vec::new();
    for (time, event) in program[..now].iter().enumerate().skip(piece.time) {
        if let Event::Flush { cpu, addr, kind } = event
            && (*addr - BASE) as usize / LINE == piece.at / LINE
            && reaches(*kind)
            && (*cpu == piece.cpu || has_seen(&program[..time], *cpu, piece))
        {
            out.push((time, *cpu, Some(*kind)));
        }
        if let Event::Barrier {
            cpu,
            barrier: Barrier::Wbinvd,
        } = event
            && p.name != "eadr"
            && *cpu == piece.cpu
            && !others_pending(p, program, piece, *cpu, time)
        {
            out.push((time, *cpu, Some(FlushKind::Clwb)));
        }
    }
    out
}

fn has_seen(before: &[Event], by: u8, piece: &Piece) -> bool {
    before.iter().any(|event| {
        matches!(event, Event::Sees { cpu, other, seq }
            if *cpu == by && *other == piece.cpu && *seq > piece.time as u64)
    })
}

/// Whether another CPU has stored to a piece's line, and that is not certainly durable at `time`.
fn others_pending(p: &Profile, program: &[Event], piece: &Piece, cpu: u8, time: usize) -> bool {
    let all: Vec<_> = pieces(p, &program[..time]);
    let durable = required(p, &program[..time], &all, time, None);
    let line = |piece: &Piece| piece.at / LINE;
    let foreign = |(other, durable): (&Piece, bool)| {
        !durable && other.cpu != cpu && line(other) == line(piece)
    };
    all.iter().zip(durable).any(foreign)
}

/// Whether a crash can show some byte of a piece other than the CPUs do.
pub fn is_unsure(
    p: &Profile,
    program: &[Event],
    all: &[Piece],
    durable: &[bool],
    i: usize,
) -> bool {
    let image = |has: &dyn Fn(usize) -> bool| {
        let mut image = vec![0; SIZE];
        for (_, piece) in all.iter().enumerate().filter(|(i, _)| has(*i)) {
            image[piece.at..piece.at + piece.bytes.len()].copy_from_slice(&piece.bytes);
        }
        image
    };
    let live = image(&|_| true);
    let range = all[i].at..all[i].at + all[i].bytes.len();
    (0u32..1 << all.len()).any(|set| {
        let has = |i: usize| set >> i & 1 == 1;
        let allowed = (0..all.len()).all(|b| {
            (has(b) || !durable[b])
                && (0..b).all(|a| !has(b) || has(a) || !needs(p, program, &all[a], &all[b]))
        });
        allowed && image(&has)[range.clone()] != live[range.clone()]
    })
}

/// Which pieces every image after `now` events must show; with `ack`, which ones an acknowledgement
/// by that CPU comes after.
pub fn required(
    p: &Profile,
    program: &[Event],
    all: &[Piece],
    now: usize,
    ack: Option<u8>,
) -> Vec<bool> {
    let mut required: Vec<bool> = (0..all.len())
        .map(|i| {
            causes(p, program, all, i, now)
                .into_iter()
                .any(|(time, cpu, kind)| {
                    let (stores, acks) = stages(p, program, time, cpu, kind, now);
                    if p.name == "eadr" {
                        return acks;
                    }
                    if let Some(by) = ack {
                        return acks && (stores || by == cpu);
                    }
                    // Ordered before a store, or an acknowledgement, that has happened since it was
                    // ordered.
                    let since = |want_store: bool| {
                        (time..now).any(|t| {
                            let ordered = stages(p, program, time, cpu, kind, t);
                            match &program[t] {
                                Event::Store(s) if want_store => {
                                    ordered.0 && s.cpu == cpu && t > time
                                }
                                Event::Mark {
                                    cpu: by,
                                    mark: Mark::Claim { .. },
                                } if !want_store => ordered.1 && *by == cpu,
                                _ => false,
                            }
                        })
                    };
                    (stores && acks) || since(true) || since(false)
                })
        })
        .collect();
    for b in (0..all.len()).rev() {
        for a in (0..b).rev() {
            required[a] |= required[b] && needs(p, program, &all[a], &all[b]);
        }
    }
    required
}

/// Every image that a crash at any time may leave.
pub fn naive(p: &Profile, program: &[Event]) -> BTreeSet<Image> {
    let all = pieces(p, program);
    let mut images = BTreeSet::new();
    for now in 0..=program.len() {
        let count = all.iter().filter(|piece| piece.time < now).count();
        let required = required(p, program, &all[..count], now, None);
        'subset: for set in 0u32..1 << count {
            let has = |i: usize| set >> i & 1 == 1;
            for b in 0..count {
                if required[b] && !has(b) {
                    continue 'subset;
                }
                for a in 0..b {
                    if has(b) && !has(a) && needs(p, program, &all[a], &all[b]) {
                        continue 'subset;
                    }
                }
            }
            let mut image = vec![0; SIZE];
            for piece in all[..count]
                .iter()
                .enumerate()
                .filter(|(i, _)| has(*i))
                .map(|(_, p)| p)
            {
                image[piece.at..piece.at + piece.bytes.len()].copy_from_slice(&piece.bytes);
            }
            images.insert(image);
        }
    }
    images
}
