//! From an image that recovery fails on to one that loses as little and still fails.
//!
//! First whole groups of lines are made whole, half of those that lose something at a time, then a
//! quarter and so on (Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", TSE
//! 2002); then each that is left is given the variant that loses the fewest bytes.

use crate::images::Images;

/// Images tried for one failure, at most.
const TRIES: u32 = 512;

/// A search under way: ask [`Minimise::next`] for a choice, say whether it [`fails`].
///
/// [`fails`]: Minimise::fails
#[derive(Clone, Debug)]
pub struct Minimise {
    original: Vec<u32>,
    best: Vec<u32>,
    trying: Option<Vec<u32>>,
    tries: u32,
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    /// So many of the losing groups at a time are made whole, from the `at`th on.
    Groups { many: usize, at: usize },
    /// The variants of a group that have not been tried.
    Variants { group: usize, left: Vec<u32> },
}

impl Minimise {
    /// Starts from the image at hand, which fails.
    pub fn new(images: &Images) -> Self {
        let original = images.choice().to_vec();
        let losing = losing(images, &original).len();
        Self {
            best: original.clone(),
            original,
            trying: None,
            tries: 0,
            step: Step::Groups {
                many: losing.div_ceil(2).max(1),
                at: 0,
            },
        }
    }

    /// The choice to try next; `None` if [`Minimise::best`] is what there is.
    pub fn next(&mut self, images: &Images) -> Option<&[u32]> {
        self.trying = None;
        while self.trying.is_none() && self.tries < TRIES {
            match &mut self.step {
                Step::Groups { many, at } => {
                    let losing = losing(images, &self.best);
                    if *at >= losing.len() {
                        if *many > 1 {
                            (*many, *at) = (many.div_ceil(2), 0);
                        } else {
                            self.step = Step::Variants {
                                group: 0,
                                left: variants(images, &self.best, 0),
                            };
                        }
                        continue;
                    }
                    let mut choice = self.best.clone();
                    for &group in losing.iter().skip(*at).take(*many) {
                        choice[group] = images.whole(group);
                    }
                    self.trying = Some(choice);
                }
                Step::Variants { group, left } => {
                    if left.is_empty() {
                        *group += 1;
                        if *group >= self.best.len() {
                            break;
                        }
                        *left = variants(images, &self.best, *group);
                        continue;
                    }
                    let mut choice = self.best.clone();
                    choice[*group] = left.remove(0);
                    self.trying = Some(choice);
                }
            }
        }
        self.tries += 1;
        self.trying.as_deref()
    }

    /// Whether recovery fails on what was tried.
    pub fn fails(&mut self, fails: bool) {
        let tried = self.trying.take();
        if let (true, Some(choice)) = (fails, tried) {
            self.best = choice;
            if let Step::Variants { left, .. } = &mut self.step {
                left.clear();
            }
        } else if let Step::Groups { many, at } = &mut self.step {
            *at += *many;
        }
    }

    /// The choice that loses the least so far.
    pub fn best(&self) -> &[u32] {
        &self.best
    }

    /// The choice that it started from.
    pub fn original(&self) -> &[u32] {
        &self.original
    }
}

fn losing(images: &Images, choice: &[u32]) -> Vec<usize> {
    let groups = 0..choice.len();
    groups
        .filter(|&group| choice[group] != images.whole(group))
        .collect()
}

/// What is better than the choice for a group, if it loses anything.
fn variants(images: &Images, choice: &[u32], group: usize) -> Vec<u32> {
    choice
        .get(group)
        .map_or(Vec::new(), |&than| images.better(group, than))
}
