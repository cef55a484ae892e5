//! What each group of lines may hold after a crash: the factors of the product that
//! [`crate::images`] walks.

use std::collections::HashSet;
use std::ops::Range;

use crate::hash::{self, Random};
use crate::ideals::Ideals;
use crate::pending::Pending;
use crate::profile::Scope;
use crate::state::State;

/// Variants that a group keeps at a capped point, besides none and all.
const KEPT: usize = 32;

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
    /// Groups with more than one variant.
    pub(crate) groups: Vec<Group>,
    /// The variants' content.
    pub(crate) arena: Vec<u8>,
    /// Their hashes against the durable content.
    pub(crate) deltas: Vec<u64>,
    ideals: Ideals,
    stores: Vec<Pending>,
    distinct: HashSet<u64>,
}

impl Variants {
    /// Makes all variants of all groups; false if they have more than `limit` images in all.
    pub(crate) fn build_all(&mut self, state: &State, limit: usize) -> bool {
        let each = self.clear(state);
        let mut product = 1;
        for first in (0..self.lines.len()).step_by(each) {
            let mut group = self.load(state, first..first + each);
            let complete = self.visit(state, &mut group, limit);
            product = usize::saturating_mul(product, group.count as usize);
            if !complete || product > limit {
                return false;
            }
            self.push(group);
        }
        true
    }

    /// Makes all variants of groups that have few, and none, all and a random choice of the others.
    pub(crate) fn build_some(&mut self, state: &State, random: &mut Random) {
        let each = self.clear(state);
        for first in (0..self.lines.len()).step_by(each) {
            let mut group = self.load(state, first..first + each);
            if !self.visit(state, &mut group, KEPT) {
                self.sample(state, &mut group, random);
            }
            self.push(group);
        }
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

    fn push(&mut self, group: Group) {
        if group.count > 1 {
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
