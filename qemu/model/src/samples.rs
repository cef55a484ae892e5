//! Images of a point that has too many for all to be walked.

use crate::choice::Choice;
use crate::images::{Content, Images};
use crate::state::State;

impl Images {
    /// Which samples show or lose a single group: as a whole, or where that is asked for seldom
    /// also in each of its other variants.
    pub(crate) fn plan(&mut self) {
        self.single.clear();
        if !self.capped {
            return;
        }
        for alone in [true, false] {
            for (group, variants) in (0..).zip(&self.variants.groups) {
                let (ground, other) = match alone {
                    true => (0, variants.full),
                    false => (variants.full, 0),
                };
                let all = 0..variants.count;
                let wanted = |variant: &u32| match self.by_readings {
                    true => *variant != ground,
                    false => *variant == other,
                };
                let variants = all.filter(wanted);
                self.single.extend(variants.map(|variant| (group, variant)));
            }
            if alone {
                self.shown_alone = self.single.len();
            }
        }
    }

    /// None (already shown), all, each group alone, all but one, then random ones.
    pub(crate) fn next_sample(&mut self) -> bool {
        self.step += 1;
        let Some(at) = self.step.checked_sub(2) else {
            self.fill(Content::Live);
            return true;
        };
        if at >= self.single.len() {
            self.fill_randomly();
            return at < self.single.len() + self.samples as usize;
        }
        let is_alone = at < self.shown_alone;
        if at == self.shown_alone {
            self.fill(Content::Live);
        } else if at == 0 {
            self.fill(Content::Durable);
        } else {
            let (group, _) = self.single[at - 1];
            let full = self.variants.groups[group as usize].full;
            self.set(group as usize, if is_alone { 0 } else { full });
        }
        let (group, variant) = self.single[at];
        self.set(group as usize, variant);
        true
    }

    fn fill_randomly(&mut self) {
        for group in 0..self.variants.groups.len() {
            let count = u64::from(self.variants.groups[group].count);
            let digit = self.random.below(count) as u32;
            self.set(group, digit);
        }
    }

    /// None of what is pending, all, then random ones.
    pub(crate) fn probe(&mut self, number: u32) {
        match number {
            0 => self.fill(Content::Durable),
            1 => self.fill(Content::Live),
            _ => self.fill_randomly(),
        }
    }

    /// [`Images::step`] begins with the samples of a point.
    pub(crate) fn sample_again(&mut self) {
        self.fill(Content::Durable);
        (self.started, self.step) = (false, 0);
    }

    /// Moves to what a choice shows, in the room that each group has for that.
    pub(crate) fn show(&mut self, choice: &Choice, state: &State) {
        for group in 0..self.variants.groups.len() {
            // What neither is in memory nor chosen may be overwritten.
            self.set(group, 0);
            let of_group = &self.variants.groups[group];
            let room = of_group.count + u32::from(self.shown[group] == of_group.count);
            let mut lines = self.variants.lines[of_group.lines.clone()].iter();
            if !lines.all(|&line| choice.shows_nothing(line)) {
                let variant = self.variants.put(group, room, choice, state);
                self.set(group, variant);
            }
        }
    }
}
