//! A moment with too many images, explored by what recovery reads.
//!
//! First come none of what is pending, all, and some at random: their readings must fit what is
//! known, or recovery depends on something that nobody sees. Then the [`Walk`]. If it gets too long
//! the rest is sampled.

use super::{Explorer, Id, Image, Options};
use crate::event::{Event, Mark};
use crate::hash::mix;
use crate::images::Images;
use crate::readings::{Contradiction, Readings};
use crate::reads::Reads;
use crate::state::State;
use crate::walk::{Step, Walk};

/// Random images at each moment, besides none and all.
const PROBES: u32 = 8;

/// What is next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// An image has been chosen; watched: recovery must be seen with it.
    Image { watched: bool },
    /// The moment is done.
    End,
    /// It is not, but the rest is sampled; so many readings at least are left out.
    TooMany { left: u64 },
    /// Recovery is no function of what it is seen to read.
    Contradiction(Contradiction),
}

#[derive(Debug)]
enum Stage {
    /// So many of the images have been chosen that are always looked at.
    Probes(u32),
    Walk(Box<Walk>),
    Samples,
    End,
}

/// What is known of recovery, and how far the moment at hand has been explored.
#[derive(Debug)]
pub(super) struct ByReadings {
    /// Of the context at hand.
    readings: Readings,
    context: Option<u64>,
    /// Of the image at hand.
    pub(super) reads: Reads,
    stage: Stage,
    /// Recoveries at this moment.
    recoveries: u64,
    /// This moment counts as capped already.
    capped: bool,
    handed: Vec<u64>,
}

impl ByReadings {
    pub(super) fn new(state: &State) -> Self {
        Self {
            readings: Readings::default(),
            context: None,
            reads: Reads::new(state.base, state.shift, state.durable.len()),
            stage: Stage::End,
            recoveries: 0,
            capped: false,
            handed: Vec::new(),
        }
    }

    /// A moment begins; `rest` is what happens after it.
    pub(super) fn start(&mut self, state: &State, context: u64, rest: &[Event]) {
        self.stage = Stage::Probes(0);
        self.recoveries = 0;
        self.capped = false;
        if self.context.replace(context) == Some(context) {
            return;
        }
        self.readings.clear();
        self.reads.clear();
        for store in state.all_pending() {
            self.reads.varies(state.address(store), store.value().len());
        }
        for event in rest {
            match event {
                Event::Store(store) => self.reads.varies(store.addr, store.value().len()),
                Event::Mark {
                    mark: Mark::Begin { .. } | Mark::Claim { .. },
                    ..
                } => break,
                _ => {}
            }
        }
    }

    /// Chooses the next image, with `most` recoveries at most by the walk.
    pub(super) fn next(&mut self, images: &mut Images, state: &State, most: u64) -> Found {
        loop {
            match &mut self.stage {
                Stage::Probes(done) if *done < 2 + PROBES => {
                    images.probe(*done);
                    *done += 1;
                    return Found::Image { watched: true };
                }
                Stage::Probes(_) => self.stage = Stage::Walk(Box::new(Walk::new(state))),
                Stage::Walk(walk) => {
                    let step = walk.step(&self.readings, state);
                    let enough = self.recoveries >= most;
                    match step {
                        Step::Done => self.stage = Stage::End,
                        Step::Wants if !enough => {
                            images.show(walk.choice(), state);
                            return Found::Image { watched: true };
                        }
                        Step::Wants | Step::TooMany => {
                            let left = walk.left();
                            images.sample_again();
                            self.stage = Stage::Samples;
                            return Found::TooMany { left };
                        }
                        Step::Stuck(found) => return Found::Contradiction(found),
                    }
                }
                Stage::Samples if images.step() => return Found::Image { watched: false },
                Stage::Samples | Stage::End => return Found::End,
            }
        }
    }

    /// Recovery of the chosen image cannot be seen; true if that leaves out a reading.
    pub(super) fn leave_out(&mut self, state: &State) -> bool {
        let Stage::Walk(walk) = &mut self.stage else {
            return false;
        };
        if !walk.next_value(state) {
            self.stage = Stage::End;
        }
        true
    }

    /// The chosen image is handed out under this name.
    pub(super) fn hand_out(&mut self, name: u64) {
        self.handed.push(name);
        self.reads.begin();
    }

    /// Recovery has come to a verdict.
    pub(super) fn judged(&mut self, verdict: u64) -> Result<(), Contradiction> {
        match self.stage {
            Stage::Probes(_) | Stage::Walk(_) => {
                self.recoveries += 1;
                self.readings.insert(self.reads.path(), verdict)
            }
            Stage::Samples | Stage::End => Ok(()),
        }
    }

    /// This moment is not explored in full; true if that is new.
    pub(super) fn cap(&mut self) -> bool {
        !std::mem::replace(&mut self.capped, true)
    }

    /// The names of what was handed out.
    pub(super) fn handed(&self) -> &[u64] {
        &self.handed
    }
}

impl Explorer<'_> {
    /// Begins again from a fresh state, without readings, and leaves out the images that were
    /// handed out.
    pub fn sample_instead(&mut self, state: State) {
        let options = Options {
            recoveries: 0,
            ..self.options.clone()
        };
        let mut again = Self::new(state, std::mem::take(&mut self.trace), options);
        again.seen = std::mem::take(&mut self.seen);
        for handed in self.by_readings.iter().flat_map(|way| way.handed()) {
            again.seen.insert(*handed);
        }
        again.counts.taken = self.counts.taken;
        *self = again;
    }

    /// The next image of this point that recovery must be seen with.
    pub(super) fn walk_by_readings(&mut self) -> Option<Image> {
        let point = self.counts.points - 1;
        let context = self.context.hash();
        let (part, parts) = self.options.shard;
        // All moments of one context are one part's, which knows what recovery reads there.
        let ours = parts <= 1 || mix(context, 0) % u64::from(parts) == u64::from(part);
        let is_after = self.options.only.is_some_and(|only| only.point < point);
        if !ours || is_after || self.options.from.is_some_and(|(from, _)| point < from) {
            return None;
        }
        let most = self.options.recoveries;
        loop {
            let way = self.by_readings.as_mut()?;
            let watched = match way.next(&mut self.images, &self.state, most) {
                Found::Image { watched } => watched,
                Found::End => return None,
                Found::TooMany { left } => {
                    self.cap(left);
                    continue;
                }
                Found::Contradiction(found) => {
                    self.contradiction = Some(found);
                    return None;
                }
            };
            let id = Id {
                point,
                hash: self.images.hash(),
            };
            if self.took_before(id) {
                // What it would have read is not known.
                if self.by_readings.as_mut()?.leave_out(&self.state) {
                    self.cap(1);
                }
                continue;
            }
            if watched || self.is_wanted(id) {
                self.by_readings.as_mut()?.hand_out(mix(id.hash, context));
                return Some(self.hand_out(id, watched));
            }
        }
    }

    /// The point at hand is not explored in full.
    fn cap(&mut self, left: u64) {
        self.counts.left_out += left;
        let way = self.by_readings.as_mut();
        self.counts.capped += u64::from(way.is_none_or(|way| way.cap()));
    }

    /// Recovery of the watched image at hand loads bytes, of which the image has these.
    pub fn read(&mut self, addr: u64, bytes: &[u8]) {
        if let Some(way) = &mut self.by_readings {
            way.reads.read(addr, bytes);
        }
    }

    /// Recovery of the watched image at hand stores.
    pub fn stored(&mut self, addr: u64, len: usize) {
        if let Some(way) = &mut self.by_readings {
            way.reads.stored(addr, len);
        }
    }

    /// Recovery of the watched image at hand has come to a verdict.
    pub fn judged(&mut self, verdict: u64) {
        let way = self.by_readings.as_mut();
        self.contradiction = way.and_then(|way| way.judged(verdict).err());
    }

    /// Why nothing is handed out any more, though there is more: see [`Explorer::sample_instead`].
    pub const fn contradiction(&self) -> Option<Contradiction> {
        self.contradiction
    }
}
