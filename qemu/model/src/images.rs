//! The contents that a crash at one moment may leave.
//!
//! Lines (under eADR: all lines together) are independent, so the images are a product: one
//! *variant* for each group. While the product is small all of it is walked in reflected
//! mixed-radix Gray order (Knuth, The Art of Computer Programming 4A, 7.2.1.1, algorithm H), so
//! that each image differs from the one before in a single group. Beyond that the point counts as
//! capped and a plan of samples takes its place. A step allocates nothing.

use crate::hash::Random;
use crate::state::State;
use crate::variants::Variants;

/// A point with more images than this is sampled, if nothing else is said.
pub const LIMIT: usize = 4096;

/// What memory holds when a point starts, and should hold when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// What is certainly durable.
    Durable,
    /// What the CPUs see.
    Live,
}

/// Walks the images of one point. Reuse it for every point: it keeps its memory.
#[derive(Debug)]
pub struct Images {
    pub(crate) samples: u32,
    limit: usize,
    line: usize,
    base: u64,
    pub(crate) variants: Variants,
    digit: Vec<u32>,
    pub(crate) shown: Vec<u32>,
    stale: Vec<u32>,
    is_stale: Vec<bool>,
    hash: u64,
    pub(crate) capped: bool,
    pub(crate) started: bool,
    // Algorithm H's focus pointers and directions.
    focus: Vec<u32>,
    down: Vec<bool>,
    pub(crate) step: usize,
    /// Samples that lose or show a single group: the group and its variant. So many are of the
    /// first kind.
    pub(crate) single: Vec<(u32, u32)>,
    pub(crate) shown_alone: usize,
    pub(crate) by_readings: bool,
    pub(crate) random: Random,
}

impl Images {
    /// An enumerator that takes `samples` random images at a capped point.
    pub fn new(samples: u32) -> Self {
        Self {
            samples,
            limit: LIMIT,
            line: 0,
            base: 0,
            variants: Variants::default(),
            digit: Vec::new(),
            shown: Vec::new(),
            stale: Vec::new(),
            is_stale: Vec::new(),
            hash: 0,
            capped: false,
            started: false,
            focus: Vec::new(),
            down: Vec::new(),
            step: 0,
            single: Vec::new(),
            shown_alone: 0,
            by_readings: false,
            random: Random::new(0),
        }
    }

    /// With another number of images, [`LIMIT`] at most, beyond which a point is sampled.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self {
            limit: limit.min(LIMIT),
            ..self
        }
    }

    /// With room at a capped point for images that are chosen store by store.
    #[must_use]
    pub(crate) fn by_readings(self, by_readings: bool) -> Self {
        Self {
            by_readings,
            ..self
        }
    }

    /// Starts a point; [`Images::step`] then moves to the first image. `memory` says what the
    /// memory that [`Images::changes`] keeps up to date holds now.
    pub fn start(&mut self, state: &State, seed: u64, memory: Content) {
        self.line = 1 << state.shift;
        self.base = state.base;
        self.random = Random::new(seed);
        self.capped = !self.variants.build_all(state, self.limit);
        if self.capped {
            self.variants
                .build_some(state, &mut self.random, self.by_readings);
        }
        self.plan();
        let groups = self.variants.groups.len();
        self.digit.clear();
        self.digit.resize(groups, 0);
        self.shown.clear();
        self.shown.extend(
            self.variants
                .groups
                .iter()
                .map(|g| if memory == Content::Live { g.full } else { 0 }),
        );
        self.is_stale.clear();
        self.is_stale.resize(groups, true);
        self.stale.clear();
        self.stale.extend(0..groups as u32);
        self.focus.clear();
        self.focus.extend(0..=groups as u32);
        self.down.clear();
        self.down.resize(groups, false);
        self.hash = state.hash;
        self.started = false;
        self.step = 0;
    }

    /// Moves to the next image; false when there are no more.
    pub fn step(&mut self) -> bool {
        if !self.started {
            self.started = true;
            return true;
        }
        if self.capped {
            self.next_sample()
        } else {
            self.next_in_gray_order()
        }
    }

    fn next_in_gray_order(&mut self) -> bool {
        let group = std::mem::replace(&mut self.focus[0], 0) as usize;
        if group == self.variants.groups.len() {
            return false;
        }
        let last = self.variants.groups[group].count - 1;
        let digit = if self.down[group] {
            self.digit[group] - 1
        } else {
            self.digit[group] + 1
        };
        self.set(group, digit);
        if digit == 0 || digit == last {
            self.down[group] = !self.down[group];
            self.focus[group] = self.focus[group + 1];
            self.focus[group + 1] = group as u32 + 1;
        }
        true
    }

    pub(crate) fn set(&mut self, group: usize, digit: u32) {
        let old = std::mem::replace(&mut self.digit[group], digit);
        let deltas = &self.variants.deltas[self.variants.groups[group].variants..];
        self.hash ^= deltas[old as usize] ^ deltas[digit as usize];
        if !std::mem::replace(&mut self.is_stale[group], true) {
            self.stale.push(group as u32);
        }
    }

    /// Chooses what is durable, or what the CPUs see, to leave the memory in after the last image.
    pub fn fill(&mut self, content: Content) {
        for group in 0..self.variants.groups.len() {
            let digit = if content == Content::Live {
                self.variants.groups[group].full
            } else {
                0
            };
            self.set(group, digit);
        }
    }

    /// Hands out (address, bytes) of every line that must be written so that the memory, which
    /// holds what the last call left, holds this image.
    pub fn changes(&mut self, mut write: impl FnMut(u64, &[u8])) {
        while let Some(group) = self.stale.pop() {
            let group = group as usize;
            self.is_stale[group] = false;
            let (old, new) = (self.shown[group], self.digit[group]);
            if old != new {
                self.shown[group] = new;
                self.write(group, Some(old), new, &mut write);
            }
        }
    }

    /// The variant of each group that makes up this image.
    pub fn choice(&self) -> &[u32] {
        &self.digit
    }

    /// Moves to another image of this point.
    pub fn choose(&mut self, choice: &[u32]) {
        for (group, digit) in choice.iter().enumerate() {
            self.set(group, *digit);
        }
    }

    /// The variant of a group that loses nothing.
    pub fn whole(&self, group: usize) -> u32 {
        self.variants.groups[group].full
    }

    /// The variants of a group that lose fewer bytes than this one, the least first.
    pub fn better(&self, group: usize, than: u32) -> Vec<u32> {
        let group = &self.variants.groups[group];
        let size = group.lines.len() * self.line;
        let content = |variant: u32| {
            let start = group.content + variant as usize * size;
            &self.variants.arena[start..start + size]
        };
        let lost = |variant: u32| {
            let pairs = content(variant).iter().zip(content(group.full));
            pairs.filter(|(a, b)| a != b).count()
        };
        let mut all: Vec<_> = (0..group.count).map(|v| (lost(v), v)).collect();
        all.retain(|(bytes, _)| *bytes < lost(than));
        all.sort_unstable();
        all.into_iter().map(|(_, variant)| variant).collect()
    }

    /// Hands out (address, bytes) of every line in which this image differs from what is durable.
    pub fn patches(&self, mut write: impl FnMut(u64, &[u8])) {
        for (group, &digit) in self.digit.iter().enumerate().filter(|(_, d)| **d != 0) {
            self.write(group, Some(0), digit, &mut write);
        }
    }

    fn write(&self, group: usize, old: Option<u32>, new: u32, write: &mut impl FnMut(u64, &[u8])) {
        let group = &self.variants.groups[group];
        let bytes = group.lines.len() * self.line;
        let at = |variant: u32| group.content + variant as usize * bytes;
        for (i, &line) in self.variants.lines[group.lines.clone()].iter().enumerate() {
            let part = |variant| &self.variants.arena[at(variant) + i * self.line..][..self.line];
            if old.is_none_or(|old| part(old) != part(new)) {
                write(self.base + u64::from(line) * self.line as u64, part(new));
            }
        }
    }

    /// The hash of this whole image, relative to the initial content.
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// True if this point has more images than are walked.
    pub const fn capped(&self) -> bool {
        self.capped
    }

    /// True if nothing is pending that could make a difference.
    pub fn is_certain(&self) -> bool {
        self.variants.groups.is_empty()
    }
}
