//! Replays a trace and hands out every crash image once.
//!
//! A crash can strike after any event. It is enough to look just before an event that makes
//! something certain: until then stores only add images, so that moment's images include those of
//! all moments since the last one. Images are also taken at each claim, after it counts, because
//! what recovery must find changes there.

use std::fmt;
use std::str::FromStr;

use crate::event::{Event, Mark};
use crate::hash::{Seen, mix};
use crate::images::{Content, Images, LIMIT};
use crate::state::State;

/// An image's name: replaying the same trace with the same options finds it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    /// Number of the point.
    pub point: u64,
    /// Hash of the image.
    pub hash: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.point, self.hash)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('-').and_then(|(point, hash)| {
            Some(Self {
                point: point.parse().ok()?,
                hash: u64::from_str_radix(hash, 16).ok()?,
            })
        });
        parts.ok_or_else(|| format!("{text:?} is not an image's name (POINT-HASH)"))
    }
}

/// What to explore.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Chooses the random samples of capped points.
    pub seed: u64,
    /// Random samples at a capped point.
    pub samples: u32,
    /// Take part `.0` of `.1`. All parts walk and deduplicate everything, then each keeps its own
    /// share: disjoint, and together exactly what the single part of 1 has.
    pub shard: (u32, u32),
    /// Take this image only.
    pub only: Option<Id>,
    /// A point with more images than this is sampled.
    pub limit: usize,
    /// Take images at claims, crash points and the end only, not before each barrier.
    pub marks_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            samples: 256,
            shard: (0, 1),
            only: None,
            limit: LIMIT,
            marks_only: false,
        }
    }
}

/// What the workload had said when the power failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Context {
    /// The last `Begin`'s number.
    pub begin: u64,
    /// Claims since then.
    pub claims: u64,
    /// The last claim's number.
    pub last_claim: u64,
    /// The workload is over.
    pub ended: bool,
}

/// A crash image that memory now holds.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Its name.
    pub id: Id,
    /// Events that had happened.
    pub events: u64,
    /// What the workload had said.
    pub context: Context,
    /// Its point is sampled.
    pub capped: bool,
}

/// Counts of an exploration, the same in every shard but for `taken`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Moments looked at.
    pub points: u64,
    /// Moments with too many images.
    pub capped: u64,
    /// Images walked.
    pub walked: u64,
    /// Of these, seen before in the same context.
    pub duplicates: u64,
    /// Distinct images handed out by this shard.
    pub taken: u64,
}

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
    trace: &'t [Event],
    at: usize,
    phase: Phase,
    walking: bool,
    finished: bool,
    images: Images,
    seen: Seen,
    options: Options,
    context: Context,
    counts: Counts,
}

impl<'t> Explorer<'t> {
    /// Explores `trace` from a fresh state; memory must hold that state's initial content.
    pub fn new(state: State, trace: &'t [Event], options: Options) -> Self {
        Self {
            state,
            trace,
            at: 0,
            phase: Phase::Before,
            walking: false,
            finished: false,
            images: Images::new(options.samples).with_limit(options.limit),
            seen: Seen::default(),
            options,
            context: Context::default(),
            counts: Counts::default(),
        }
    }

    /// Moves to the next image and writes to memory what it changes there (whole lines, by
    /// address). Whatever recovery has written since must have been undone. At the end memory
    /// holds what is durable after the last event.
    pub fn next(&mut self, mut write: impl FnMut(u64, &[u8])) -> Option<Image> {
        loop {
            if self.walking {
                if let Some(image) = self.walk() {
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
        let context = mix(
            mix(self.context.begin, self.context.claims),
            self.context.last_claim,
        );
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
            if ours && self.options.only.is_none_or(|only| only == id) {
                self.counts.taken += 1;
                return Some(Image {
                    id,
                    events: self.state.seq,
                    context: self.context,
                    capped: self.images.capped(),
                });
            }
        }
        None
    }

    /// Goes on to the next phase of the event at hand.
    fn advance(&mut self, write: &mut impl FnMut(u64, &[u8])) {
        let Some(event) = self.trace.get(self.at) else {
            self.finished = true;
            self.start();
            return;
        };
        match self.phase {
            Phase::Before => {
                self.phase = Phase::Apply;
                if !self.options.marks_only && self.state.commits(event) {
                    self.start();
                }
            }
            Phase::Apply => {
                self.phase = Phase::After;
                self.state.apply(event);
                self.note(event);
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
        self.counts.points += 1;
        self.counts.capped += u64::from(self.images.capped());
        self.walking = true;
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
    pub const fn trace(&self) -> &'t [Event] {
        self.trace
    }

    /// The state after the events so far.
    pub const fn state(&self) -> &State {
        &self.state
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
