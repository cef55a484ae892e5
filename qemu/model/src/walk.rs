//! All that recovery can read at one moment, reading by reading.
//!
//! The walk goes down the tree of [`Readings`] under a [`Choice`]: of the bytes that recovery reads
//! next it decides only those stores that matter, newest first, losing before showing. Where the
//! tree ends it asks for a recovery of the smallest image that has been decided on.

use crate::choice::{Choice, Fate, Span};
use crate::readings::{Contradiction, Next, Readings, Value};
use crate::state::State;

/// Steps after which a moment is too much.
const STEPS: u64 = 1 << 24;

/// A reading that is looked at.
#[derive(Clone, Copy, Debug)]
struct Frame {
    node: u32,
    span: Span,
    /// The value that is looked at.
    value: Value,
    /// How many alternatives there were before it.
    base: usize,
}

/// A store that was lost, and may be shown instead.
#[derive(Clone, Copy, Debug)]
struct Alternative {
    store: u32,
    /// How many of the line's stores, newest first, have been looked at.
    looked: usize,
    /// The value so far, and which bytes of it are certain.
    value: Value,
    covered: u16,
    /// Where to go back to.
    mark: usize,
}

/// Where the walk has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Recovery of the image that the choice shows must be seen.
    Wants,
    /// There is nothing else that recovery can read.
    Done,
    /// Very many choices come to the same readings.
    TooMany,
    /// Recovery of the image that it wanted was seen, and did not read what that differs in.
    Stuck(Contradiction),
}

/// The walk of one moment.
#[derive(Debug)]
pub(crate) struct Walk {
    choice: Choice,
    frames: Vec<Frame>,
    alternatives: Vec<Alternative>,
    steps: u64,
    /// It has asked for a recovery, and not gone on since.
    waits: bool,
}

impl Walk {
    pub(crate) fn new(state: &State) -> Self {
        Self {
            choice: Choice::new(state),
            frames: Vec::new(),
            alternatives: Vec::new(),
            steps: 0,
            waits: false,
        }
    }

    /// What is decided.
    pub(crate) const fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Values that are known to be possible, and have not been looked at; there may be more.
    pub(crate) fn left(&self) -> u64 {
        self.alternatives.len() as u64 + 1
    }

    /// Goes on as far as `known` reaches.
    pub(crate) fn step(&mut self, known: &Readings, state: &State) -> Step {
        loop {
            self.steps += 1;
            if self.steps > STEPS {
                return Step::TooMany;
            }
            let next = match self.frames.last() {
                None => known.first(),
                Some(frame) => known.after(frame.node, &frame.value),
            };
            match next {
                None if self.waits => {
                    return Step::Stuck(Contradiction::after(self.frames.len()));
                }
                None => {
                    self.waits = true;
                    return Step::Wants;
                }
                Some(Next::Says(_)) => {
                    if !self.next_value(state) {
                        return Step::Done;
                    }
                }
                Some(Next::Reads(node, span)) => self.enter(node, span, state),
            }
            self.waits = false;
        }
    }

    /// Leaves out the value at hand; false if it was the last one.
    pub(crate) fn next_value(&mut self, state: &State) -> bool {
        self.waits = false;
        while let Some(frame) = self.frames.last().copied() {
            if self.alternatives.len() > frame.base {
                let mut other = self.alternatives.pop().expect("more than the base");
                self.choice.undo(other.mark);
                self.choice.decide(other.store, Fate::Shown);
                self.cover(&mut other, frame.span);
                self.settle(other, frame.span, state);
                return true;
            }
            self.frames.pop();
        }
        false
    }

    fn enter(&mut self, node: u32, span: Span, state: &State) {
        self.frames.push(Frame {
            node,
            span,
            value: Value::default(),
            base: self.alternatives.len(),
        });
        let start = self.certain(span, state);
        self.settle(start, span, state);
    }

    /// The bytes that have the same value whatever is decided.
    fn certain(&self, span: Span, state: &State) -> Alternative {
        let mut value = Value::default();
        let (mut seen, mut closed, mut differs) = (0_u16, 0_u16, 0_u16);
        let durable = durable(span, state);
        let mut note = |range: std::ops::Range<usize>, bytes: &[u8], closes: bool| {
            for (i, byte) in range.zip(bytes) {
                let bit = 1 << i;
                if closed & bit != 0 {
                    continue;
                }
                if seen & bit == 0 {
                    value[i] = *byte;
                } else if value[i] != *byte {
                    differs |= bit;
                }
                seen |= bit;
                closed |= if closes { bit } else { 0 };
            }
        };
        for &store in self.choice.of_line(span.line) {
            let fate = self.choice.fate(store);
            if fate != Fate::Lost {
                let (range, bytes) = self.choice.part(store, span);
                note(range, bytes, fate == Fate::Shown);
            }
        }
        note(0..durable.len(), durable, true);
        Alternative {
            store: 0,
            looked: 0,
            value,
            covered: !differs,
            mark: 0,
        }
    }

    /// The store's bytes are the value's, where those were not certain.
    fn cover(&self, at: &mut Alternative, span: Span) {
        let (range, bytes) = self.choice.part(at.store, span);
        for (i, byte) in range.zip(bytes) {
            if at.covered >> i & 1 == 0 {
                at.value[i] = *byte;
                at.covered |= 1 << i;
            }
        }
    }

    /// Loses every open store that matters to the bytes that are not certain yet.
    fn settle(&mut self, mut at: Alternative, span: Span, state: &State) {
        let stores = self.choice.of_line(span.line).len();
        while at.looked < stores && at.covered != u16::MAX {
            at.store = self.choice.of_line(span.line)[at.looked];
            at.looked += 1;
            let (range, _) = self.choice.part(at.store, span);
            if range.into_iter().all(|i| at.covered >> i & 1 == 1) {
                continue;
            }
            match self.choice.fate(at.store) {
                Fate::Lost => {}
                Fate::Shown => self.cover(&mut at, span),
                Fate::Open => {
                    at.mark = self.choice.mark();
                    self.alternatives.push(at);
                    self.choice.decide(at.store, Fate::Lost);
                }
            }
        }
        for (i, byte) in durable(span, state).iter().enumerate() {
            if at.covered >> i & 1 == 0 {
                at.value[i] = *byte;
            }
        }
        let frame = self.frames.last_mut().expect("a reading");
        frame.value = at.value;
    }
}

fn durable(span: Span, state: &State) -> &[u8] {
    let line = state.durable_line(span.line as usize);
    &line[usize::from(span.offset)..][..usize::from(span.len)]
}
