//! What each group of lines may hold after a crash: the factors of the product that
//! [`crate::images`] walks.

use std::collections::HashSet;
use std::ops::Range;

use crate::hash::{self, Random};
use crate::ideals::{Ideals, MOST};
use crate::images::LIMIT;
use crate::pending::Pending;
use crate::profile::{Order, Scope};
use crate::state::{STRIDE, State};

/// Variants that a group keeps at a capped point, besides none and all.
const KEPT: usize = 32;

/// Contents that a group has room for behind its variants, where images are chosen store by store:
/// one may be in memory while the next is chosen.
const ROOM: usize = 2;

/// Lines whose content is chosen together.
#[derive(Debug)]
pub(crate) struct Group {
    /// In `Variants::lines`.
    pub(crate) lines: Range<usize>,
    /// Where in `Variants::arena` the first variant is.
    pub(crate) content: usize,
    /// Where in `Variants::deltas` the first variant's hash is.
    pub(crate) variants: usize,
    pub(crate) count: u32,
    /// The variant with every pending store. Variant 0 has none.
    pub(crate) full: u32,
}

/// The groups of one point and their variants. Reused: it keeps its memory.
#[derive(Debug, Default)]
pub(crate) struct Variants {
    /// Lines with pending stores, ascending.
    pub(crate) lines: Vec<u32>,
    /// Groups with more than one variant; where there is room for others, all.
    pub(crate) groups: Vec<Group>,
    /// The variants' content.
    pub(crate) arena: Vec<u8>,
    /// Their hashes against the durable content.
    pub(crate) deltas: Vec<u64>,
    ideals: Ideals,
    stores: Vec<Pending>,
    distinct: HashSet<u64>,
    room: usize,
}

impl Variants {
    /// Makes all variants of all groups; false if they have more than `limit` images in all.
    pub(crate) fn build_all(&mut self, state: &State, limit: usize) -> bool {
        let each = self.clear(state);
        self.room = 0;
        let mut product = 1;
        for first in (0..self.lines.len()).step_by(each) {
            if self.is_long(state, &(first..first + each)) {
                return false;
            }
            let mut group = self.load(state, first..first + each);
            let complete = self.visit(state, &mut group, limit);
            product = usize::saturating_mul(product, group.count as usize);
            if !complete || product > limit {
                return false;
            }
            self.push(state, group);
        }
        true
    }

    /// Makes all variants of groups that have few, and none, all and a random choice of the others;
    /// with room for more contents if that is asked for.
    pub(crate) fn build_some(&mut self, state: &State, random: &mut Random, with_room: bool) {
        let each = self.clear(state);
        self.room = if with_room { ROOM } else { 0 };
        for first in (0..self.lines.len()).step_by(each) {
            if self.is_long(state, &(first..first + each)) {
                let group = self.prefixes_of_long(state, first, random);
                self.push(state, group);
                continue;
            }
            let mut group = self.load(state, first..first + each);
            if !self.visit(state, &mut group, KEPT) {
                self.sample(state, &mut group, random);
            }
            self.push(state, group);
        }
    }

    /// A line with so many pending stores that only some prefixes of them are tried.
    fn is_long(&self, state: &State, lines: &Range<usize>) -> bool {
        let most = match state.profile.order {
            Order::Program => LIMIT,
            Order::Barriers => MOST,
        };
        lines.len() == 1 && state.lines[self.lines[lines.start] as usize].count > most
    }

    /// Returns how many lines a group has.
    fn clear(&mut self, state: &State) -> usize {
        self.lines.clear();
        self.lines.extend_from_slice(&state.dirty);
        self.lines.sort_unstable();
        self.groups.clear();
        self.arena.clear();
        self.deltas.clear();
        match state.profile.scope {
            Scope::Line => 1,
            Scope::Machine => self.lines.len().max(1),
        }
    }

    fn load(&mut self, state: &State, lines: Range<usize>) -> Group {
        self.stores.clear();
        for &line in &self.lines[lines.clone()] {
            self.stores.extend(state.pending(line as usize));
        }
        if lines.len() > 1 {
            self.stores.sort_by_key(|s| s.seq);
        }
        self.ideals.load(&state.profile, &self.stores);
        self.empty(lines)
    }

    fn empty(&mut self, lines: Range<usize>) -> Group {
        self.distinct.clear();
        let (content, variants) = (self.arena.len(), self.deltas.len());
        Group {
            lines,
            content,
            variants,
            count: 0,
            full: 0,
        }
    }

    /// Adds variants, none and all first; false if there are more than `limit`.
    fn visit(&mut self, state: &State, group: &mut Group, limit: usize) -> bool {
        if self.ideals.are_prefixes() {
            return self.visit_prefixes(state, group, limit);
        }
        let lines = &self.lines[group.lines.clone()];
        let (distinct, stores) = (&mut self.distinct, &self.stores);
        let mut visited = 0;
        self.ideals.visit(|chosen| {
            let delta = variant(state, lines, stores, chosen, &mut self.arena);
            if distinct.insert(delta) {
                if visited == 1 {
                    group.full = group.count;
                }
                self.deltas.push(delta);
                group.count += 1;
            } else {
                self.arena
                    .truncate(self.arena.len() - (lines.len() << state.shift));
            }
            visited += 1;
            group.count as usize <= limit
        })
    }

    /// The same where each variant has one store more than the one before, but for all.
    fn visit_prefixes(&mut self, state: &State, group: &mut Group, limit: usize) -> bool {
        let lines = self.lines[group.lines.clone()].to_vec();
        let place = |line: u32| lines.binary_search(&line).expect("a line of the group");
        let of = |line: &[u8]| line.to_vec();
        let mut content: Vec<_> = lines
            .iter()
            .map(|&l| of(state.durable_line(l as usize)))
            .collect();
        self.add(state, group, &lines, &content);
        let live: Vec<_> = lines
            .iter()
            .map(|&l| of(state.live_line(l as usize)))
            .collect();
        group.full = self.add(state, group, &lines, &live);
        let stores = std::mem::take(&mut self.stores);
        let complete = stores.iter().all(|store| {
            store.apply(&mut content[place(store.line)]);
            self.add(state, group, &lines, &content);
            group.count as usize <= limit
        });
        self.stores = stores;
        complete
    }

    /// None, all, and prefixes that chance chooses of the many stores of a line.
    fn prefixes_of_long(&mut self, state: &State, line: usize, random: &mut Random) -> Group {
        let mut group = self.empty(line..line + 1);
        let lines = [self.lines[line]];
        let number = lines[0] as usize;
        let whole = &state.lines[number];
        self.add(state, &mut group, &lines, &[state.durable_line(number)]);
        group.full = self.add(state, &mut group, &lines, &[state.live_line(number)]);
        for _ in 0..KEPT {
            let prefix = random.below(whole.count as u64) as usize;
            let (mut at, mut content) = match prefix / STRIDE {
                0 => (whole.head, state.durable_line(number).to_vec()),
                n => {
                    let (node, content) = &whole.checkpoints[n - 1];
                    (state.slab.get(*node).next, content.clone())
                }
            };
            for _ in 0..prefix % STRIDE {
                let store = state.slab.get(at);
                store.apply(&mut content);
                at = store.next;
            }
            self.add(state, &mut group, &lines, &[content]);
        }
        group
    }

    /// Adds a variant if it is new; the number of the last one, or of the one that it equals if
    /// that is the only one.
    fn add<L: AsRef<[u8]>>(
        &mut self,
        state: &State,
        group: &mut Group,
        lines: &[u32],
        content: &[L],
    ) -> u32 {
        let pairs = lines.iter().zip(content);
        let delta = pairs.fold(0, |delta, (&line, new)| {
            delta ^ hash::line(line, new.as_ref()) ^ state.line_hash(line as usize)
        });
        if self.distinct.insert(delta) {
            for line in content {
                self.arena.extend_from_slice(line.as_ref());
            }
            self.deltas.push(delta);
            group.count += 1;
        }
        group.count - 1
    }

    /// Keeps none and all, and lets chance choose the rest.
    fn sample(&mut self, state: &State, group: &mut Group, random: &mut Random) {
        let lines = &self.lines[group.lines.clone()];
        let bytes = lines.len() << state.shift;
        let keep = group.full as usize + 1;
        self.arena.truncate(group.content + keep * bytes);
        self.deltas.truncate(group.variants + keep);
        group.count = keep as u32;
        self.distinct.clear();
        self.distinct.extend(&self.deltas[group.variants..]);
        for _ in 0..KEPT {
            let chosen = self.ideals.sample(random);
            let delta = variant(state, lines, &self.stores, chosen, &mut self.arena);
            if self.distinct.insert(delta) {
                self.deltas.push(delta);
                group.count += 1;
            } else {
                self.arena.truncate(self.arena.len() - bytes);
            }
        }
    }

    fn push(&mut self, state: &State, group: Group) {
        let bytes = group.lines.len() << state.shift;
        self.arena.resize(self.arena.len() + self.room * bytes, 0);
        self.deltas.resize(self.deltas.len() + self.room, 0);
        if group.count > 1 || self.room > 0 {
            self.groups.push(group);
        }
    }
}

/// Appends the lines' content with the chosen stores to `arena`; returns its hash against the
/// durable one.
fn variant(
    state: &State,
    lines: &[u32],
    stores: &[Pending],
    chosen: &[bool],
    arena: &mut Vec<u8>,
) -> u64 {
    let (start, size) = (arena.len(), 1 << state.shift);
    for &line in lines {
        arena.extend_from_slice(state.durable_line(line as usize));
    }
    for (store, _) in stores.iter().zip(chosen).filter(|(_, c)| **c) {
        let at = lines
            .binary_search(&store.line)
            .expect("a line of the group");
        store.apply(&mut arena[start + at * size..][..size]);
    }
    lines.iter().enumerate().fold(0, |delta, (i, &line)| {
        let new = hash::line(line, &arena[start + i * size..][..size]);
        delta ^ new ^ state.line_hash(line as usize)
    })
}
