//! A crash image that is decided only in part: which of the pending stores a crash shows.
//!
//! What it shows is closed under [`rules::ordered`]. So a store that is decided brings others
//! along: with one that is shown all that it cannot do without are shown, with one that is lost all
//! that cannot do without it are lost. Whatever is still open after that may go either way.

use std::collections::HashMap;
use std::ops::Range;

use crate::hash;
use crate::pending::Pending;
use crate::profile::{Profile, Scope};
use crate::rules;
use crate::state::State;
use crate::variants::{Group, Variants};

/// What is decided of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    Open,
    /// The crash shows it.
    Shown,
    /// The crash loses it.
    Lost,
}

/// Bytes of one line, 16 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    pub(crate) line: u32,
    pub(crate) offset: u8,
    pub(crate) len: u8,
}

/// The pending stores of one moment, and what is decided of each.
#[derive(Debug)]
pub(crate) struct Choice {
    profile: Profile,
    /// Those of a group beside each other, oldest first.
    stores: Vec<Pending>,
    fate: Vec<Fate>,
    /// Where the group of each store is.
    group: Vec<(u32, u32)>,
    /// The stores of each line, newest first.
    lines: HashMap<u32, Vec<u32>>,
    /// What was decided, in this order.
    trail: Vec<u32>,
}

impl Choice {
    /// Nothing is decided yet.
    pub(crate) fn new(state: &State) -> Self {
        let mut choice = Self {
            profile: state.profile,
            stores: state.all_pending().copied().collect(),
            fate: Vec::new(),
            group: Vec::new(),
            lines: HashMap::new(),
            trail: Vec::new(),
        };
        match state.profile.scope {
            Scope::Machine => choice.stores.sort_by_key(|store| store.seq),
            Scope::Line => {}
        }
        let whole = state.profile.scope == Scope::Machine;
        let same = |a: &Pending, b: &Pending| whole || a.line == b.line;
        for group in choice.stores.chunk_by(same) {
            let start = choice.group.len() as u32;
            let end = start + group.len() as u32;
            choice.group.extend(group.iter().map(|_| (start, end)));
        }
        for (index, store) in choice.stores.iter().enumerate().rev() {
            let of_line = choice.lines.entry(store.line).or_default();
            of_line.push(index as u32);
        }
        choice.fate = vec![Fate::Open; choice.stores.len()];
        choice
    }

    /// How much is decided, to come back to.
    pub(crate) fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Takes back what was decided since.
    pub(crate) fn undo(&mut self, mark: usize) {
        for store in self.trail.drain(mark..) {
            self.fate[store as usize] = Fate::Open;
        }
    }

    /// Decides an open store, and all that follows from it.
    pub(crate) fn decide(&mut self, store: u32, fate: Fate) {
        debug_assert_eq!(self.fate[store as usize], Fate::Open);
        let (start, end) = self.group[store as usize];
        let mut next = self.trail.len();
        self.set(store, fate);
        // Nothing before `low`, and nothing from `high` on, is open.
        let (mut low, mut high) = (start, end);
        while let Some(&at) = self.trail.get(next) {
            next += 1;
            let open = |store: u32| self.fate[store as usize] == Fate::Open;
            if fate == Fate::Shown {
                while low < at && !open(low) {
                    low += 1;
                }
                for earlier in (low..at).rev() {
                    if self.fate[earlier as usize] == Fate::Open && self.ordered(earlier, at) {
                        self.set(earlier, fate);
                    }
                }
            } else {
                while high > at + 1 && !open(high - 1) {
                    high -= 1;
                }
                for later in at + 1..high {
                    if self.fate[later as usize] == Fate::Open && self.ordered(at, later) {
                        self.set(later, fate);
                    }
                }
            }
        }
    }

    fn ordered(&self, earlier: u32, later: u32) -> bool {
        let store = |index: u32| &self.stores[index as usize];
        rules::ordered(&self.profile, store(earlier), store(later))
    }

    fn set(&mut self, store: u32, fate: Fate) {
        self.fate[store as usize] = fate;
        self.trail.push(store);
    }

    /// The stores of a line, newest first.
    pub(crate) fn of_line(&self, line: u32) -> &[u32] {
        self.lines.get(&line).map_or(&[], Vec::as_slice)
    }

    /// What is decided of a store.
    pub(crate) fn fate(&self, store: u32) -> Fate {
        self.fate[store as usize]
    }

    /// The part of a span that a store writes, and the store's bytes there.
    pub(crate) fn part(&self, store: u32, span: Span) -> (Range<usize>, &[u8]) {
        let store = &self.stores[store as usize];
        let (own, asked) = (usize::from(store.offset), usize::from(span.offset));
        let start = own.max(asked);
        let end = (own + usize::from(store.len)).min(asked + usize::from(span.len));
        if start >= end {
            return (0..0, &[]);
        }
        (
            start - asked..end - asked,
            &store.value()[start - own..end - own],
        )
    }

    /// Writes what is shown of a line, and nothing that is open, over its durable content.
    pub(crate) fn show(&self, line: u32, content: &mut [u8]) {
        for &store in self.of_line(line).iter().rev() {
            if self.fate(store) == Fate::Shown {
                self.stores[store as usize].apply(content);
            }
        }
    }

    /// True if nothing of a line is shown.
    pub(crate) fn shows_nothing(&self, line: u32) -> bool {
        let mut stores = self.of_line(line).iter();
        stores.all(|&store| self.fate(store) != Fate::Shown)
    }
}

impl Variants {
    /// Puts what a choice shows of a group in one of its rooms; the variant that it is then.
    pub(crate) fn put(&mut self, group: usize, room: u32, choice: &Choice, state: &State) -> u32 {
        let Group {
            lines,
            content,
            variants,
            full,
            ..
        } = &self.groups[group];
        let size = 1 << state.shift;
        let start = content + room as usize * lines.len() * size;
        let mut delta = 0;
        for (i, &line) in self.lines[lines.clone()].iter().enumerate() {
            let place = &mut self.arena[start + i * size..][..size];
            place.copy_from_slice(state.durable_line(line as usize));
            choice.show(line, place);
            delta ^= hash::line(line, place) ^ state.line_hash(line as usize);
        }
        for known in [0, *full] {
            if self.deltas[variants + known as usize] == delta {
                return known;
            }
        }
        self.deltas[variants + room as usize] = delta;
        room
    }
}
