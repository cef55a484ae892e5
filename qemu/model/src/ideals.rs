//! Which sets of pending stores a crash may show: the down-closed sets ("ideals") of the order.

use crate::hash::Random;
use crate::pending::Pending;
use crate::profile::{Order, Profile};
use crate::rules;

/// Above this many stores that are not in program order, only prefixes are sampled.
pub(crate) const MOST: usize = 512;

/// Pending stores, oldest first, with what each of them needs.
#[derive(Debug, Default)]
pub(crate) struct Ideals {
    /// For each store, the earlier ones that it cannot do without: `words` words of bits each.
    needs: Vec<u64>,
    words: usize,
    count: usize,
    /// The order is total, so that every ideal is a prefix.
    total: bool,
    chosen: Vec<bool>,
}

impl Ideals {
    /// Prepares for these stores.
    pub(crate) fn load(&mut self, profile: &Profile, stores: &[Pending]) {
        self.count = stores.len();
        self.chosen.clear();
        self.chosen.resize(self.count, false);
        self.total = profile.order == Order::Program
            && stores.iter().all(|s| !s.non_temporal())
            && stores
                .windows(2)
                .all(|pair| rules::ordered(profile, &pair[0], &pair[1]));
        self.needs.clear();
        if self.total || self.count > MOST {
            return;
        }
        self.words = self.count.div_ceil(64);
        self.needs.resize(self.count * self.words, 0);
        for later in 0..self.count {
            for earlier in 0..later {
                if rules::ordered(profile, &stores[earlier], &stores[later]) {
                    self.needs[later * self.words + earlier / 64] |= 1 << (earlier % 64);
                }
            }
        }
    }

    /// True if the ideals are the prefixes.
    pub(crate) fn are_prefixes(&self) -> bool {
        self.total
    }

    /// Calls `visit` with every ideal, the empty one first and the full one second, until it says
    /// `false`. Returns whether it has seen them all.
    pub(crate) fn visit(&mut self, mut visit: impl FnMut(&[bool]) -> bool) -> bool {
        self.chosen.fill(false);
        if !visit(&self.chosen) {
            return false;
        }
        self.chosen.fill(true);
        if !visit(&self.chosen) {
            return false;
        }
        self.chosen.fill(false);
        self.count <= MOST && self.descend(0, &mut visit)
    }

    fn descend(&mut self, at: usize, visit: &mut impl FnMut(&[bool]) -> bool) -> bool {
        if at == self.count {
            return visit(&self.chosen);
        }
        self.chosen[at] = false;
        if !self.descend(at + 1, visit) {
            return false;
        }
        if !self.allowed(at) {
            return true;
        }
        self.chosen[at] = true;
        let more = self.descend(at + 1, visit);
        self.chosen[at] = false;
        more
    }

    fn allowed(&self, store: usize) -> bool {
        let needs = &self.needs[store * self.words..(store + 1) * self.words];
        needs.iter().enumerate().all(|(word, &bits)| {
            let mut bits = bits;
            while bits != 0 {
                if !self.chosen[word * 64 + bits.trailing_zeros() as usize] {
                    return false;
                }
                bits &= bits - 1;
            }
            true
        })
    }

    /// A random ideal.
    pub(crate) fn sample(&mut self, random: &mut Random) -> &[bool] {
        if self.total || self.count > MOST {
            let n = random.below(self.count as u64 + 1) as usize;
            self.chosen[..n].fill(true);
            self.chosen[n..].fill(false);
            return &self.chosen;
        }
        // Sparse and dense ideals are as likely as balanced ones.
        let density = [2, 8, 14, 15][random.below(4) as usize];
        for store in 0..self.count {
            self.chosen[store] = random.below(16) < density && self.allowed(store);
        }
        &self.chosen
    }
}
