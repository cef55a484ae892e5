//! Replays a trace and hands out every crash image once.
//!
//! A crash can strike after any event. It is enough to look just before an event that makes
//! something certain: until then stores only add images, so that moment's images include those of
//! all moments since the last one. Images are also taken at each claim, after it counts, because
//! what recovery must find changes there.
//!
//! A moment with too many images is explored by what recovery reads: whoever runs recovery on a
//! [`watched`](Image::watched) image reports its loads and stores ([`Explorer::read`],
//! [`Explorer::stored`]) and its verdict ([`Explorer::judged`]).

mod by_readings;
mod types;

use std::borrow::Cow;

use crate::event::{Event, Mark};
use crate::hash::{Seen, mix};
use crate::images::{Content, Images};
use crate::readings::Contradiction;
use crate::state::State;
use by_readings::ByReadings;

pub use types::{Context, Counts, Id, Image, Options};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Apply,
    After,
}

/// An exploration under way. See [`Explorer::next`].
#[derive(Debug)]
pub struct Explorer<'t> {
    state: State,
    trace: Cow<'t, [Event]>,
    at: usize,
    phase: Phase,
    walking: bool,
    finished: bool,
    images: Images,
    seen: Seen,
    options: Options,
    context: Context,
    counts: Counts,
    /// Images taken before the point at hand.
    before: u64,
    by_readings: Option<Box<ByReadings>>,
    contradiction: Option<Contradiction>,
}

impl<'t> Explorer<'t> {
    /// Explores `trace` from a fresh state; memory must hold that state's initial content.
    pub fn new(state: State, trace: impl Into<Cow<'t, [Event]>>, options: Options) -> Self {
        let by_readings = (options.recoveries > 0).then(|| Box::new(ByReadings::new(&state)));
        Self {
            images: Images::new(options.samples)
                .with_limit(options.limit)
                .by_readings(by_readings.is_some()),
            state,
            trace: trace.into(),
            at: 0,
            phase: Phase::Before,
            walking: false,
            finished: false,
            seen: Seen::default(),
            options,
            context: Context::default(),
            counts: Counts::default(),
            before: 0,
            by_readings,
            contradiction: None,
        }
    }

    /// The same where something has been said before.
    #[must_use]
    pub fn within(self, context: Context) -> Self {
        Self { context, ..self }
    }

    /// Moves to the next image and writes to memory what it changes there (whole lines, by
    /// address). Whatever recovery has written since must have been undone. At the end memory
    /// holds what is durable after the last event.
    pub fn next(&mut self, mut write: impl FnMut(u64, &[u8])) -> Option<Image> {
        loop {
            if self.contradiction.is_some() {
                return None;
            }
            if self.walking {
                let is_large = self.images.capped() && self.by_readings.is_some();
                let image = if is_large {
                    self.walk_by_readings()
                } else {
                    self.walk()
                };
                if self.contradiction.is_some() {
                    return None;
                }
                if let Some(image) = image {
                    self.images.changes(&mut write);
                    return Some(image);
                }
                self.images.fill(Content::Durable);
                self.images.changes(&mut write);
                self.walking = false;
            }
            if self.finished {
                return None;
            }
            self.advance(&mut write);
        }
    }

    /// The next image of this point that is new and ours.
    fn walk(&mut self) -> Option<Image> {
        let point = self.counts.points - 1;
        let context = self.context.hash();
        while self.images.step() {
            let id = Id {
                point,
                hash: self.images.hash(),
            };
            self.counts.walked += 1;
            if !self.seen.insert(mix(id.hash, context)) {
                self.counts.duplicates += 1;
                continue;
            }
            let (part, parts) = self.options.shard;
            let ours = parts <= 1 || mix(id.hash, point) % u64::from(parts) == u64::from(part);
            if ours && self.is_wanted(id) && !self.took_before(id) {
                return Some(self.hand_out(id, false));
            }
        }
        None
    }

    fn is_wanted(&self, id: Id) -> bool {
        let is_behind = self.options.from.is_none_or(|(from, _)| id.point >= from);
        is_behind && self.options.only.is_none_or(|only| only == id)
    }

    /// Recovery of this image has been tried, and did not come back.
    fn took_before(&mut self, id: Id) -> bool {
        let lost = self.options.without.contains(&id);
        self.counts.taken += u64::from(lost);
        lost
    }

    fn hand_out(&mut self, id: Id, watched: bool) -> Image {
        let aside = !self.is_wanted(id);
        self.counts.taken += u64::from(!aside);
        Image {
            id,
            events: self.state.seq,
            context: self.context,
            watched,
            aside,
        }
    }

    /// Goes on to the next phase of the event at hand.
    fn advance(&mut self, write: &mut impl FnMut(u64, &[u8])) {
        let Some(event) = self.trace.get(self.at).copied() else {
            self.finished = true;
            self.start();
            return;
        };
        match self.phase {
            Phase::Before => {
                self.phase = Phase::Apply;
                if !self.options.marks_only && self.state.commits(&event) {
                    self.start();
                }
            }
            Phase::Apply => {
                self.phase = Phase::After;
                self.state.apply(&event);
                self.note(&event);
                for line in std::mem::take(&mut self.state.changed) {
                    let line = line as usize;
                    let addr = self.state.base + ((line as u64) << self.state.shift);
                    write(addr, self.state.durable_line(line));
                }
            }
            Phase::After => {
                self.phase = Phase::Before;
                self.at += 1;
                if let Event::Mark {
                    mark: Mark::Claim { .. } | Mark::CrashPoint | Mark::End,
                    ..
                } = event
                {
                    self.start();
                }
            }
        }
    }

    fn note(&mut self, event: &Event) {
        let Event::Mark { mark, .. } = event else {
            return;
        };
        match mark {
            Mark::Begin { id } => {
                self.context = Context {
                    begin: *id,
                    ..Context::default()
                }
            }
            Mark::Claim { id, .. } => {
                self.context.claims += 1;
                self.context.last_claim = *id;
            }
            Mark::End => self.context.ended = true,
            Mark::Claimed { .. } | Mark::CrashPoint => {}
        }
    }

    fn start(&mut self) {
        let seed = mix(self.options.seed, self.counts.points);
        self.images.start(&self.state, seed, Content::Durable);
        let point = self.counts.points;
        self.counts.points += 1;
        self.walking = true;
        if let Some((from, taken)) = self.options.from
            && from == point
        {
            self.counts.taken = taken;
        }
        self.before = self.counts.taken;
        if !self.images.capped() {
            return;
        }
        if let Some(way) = &mut self.by_readings {
            self.counts.by_readings += 1;
            way.start(&self.state, self.context.hash(), &self.trace[self.at..]);
        } else {
            let (part, parts) = self.options.shard;
            self.counts.capped +=
                u64::from(parts <= 1 || point % u64::from(parts) == u64::from(part));
        }
    }

    /// The images of the point at hand.
    pub const fn images(&self) -> &Images {
        &self.images
    }

    /// Puts another image of the point at hand in memory, or the same again. The exploration goes
    /// on from the one that [`Explorer::next`] gave, which must be put back before.
    pub fn put(&mut self, choice: &[u32], write: impl FnMut(u64, &[u8])) {
        self.images.choose(choice);
        self.images.changes(write);
    }

    /// The trace that is explored.
    pub fn trace(&self) -> &[Event] {
        &self.trace
    }

    /// The state after the events so far.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Images taken before the point at hand.
    pub const fn before(&self) -> u64 {
        self.before
    }

    /// The state, to be used again: see [`State::restart`].
    pub fn into_state(self) -> State {
        self.state
    }

    /// The counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The lines in which the image at hand differs from what is durable.
    pub fn patches(&self, write: impl FnMut(u64, &[u8])) {
        self.images.patches(write);
    }
}
