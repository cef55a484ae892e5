//! The list itself: words that anybody may change at any time.

use core::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::UNIT;
use crate::{Error, range::Span};

/// Which bytes are poisoned, in units of [`UNIT`] bytes. It takes no lock: a machine-check handler
/// may add to it in the middle of another's call.
///
/// Each slot holds a run of up to 64 units, in one word so that nobody sees half of it: the first
/// unit's address and, in the bits below, how many follow it. 0 is a free slot, since no map begins
/// at address 0.
///
/// ```
/// use core::sync::atomic::AtomicUsize;
/// use kpmem::poison::Poison;
///
/// static SLOTS: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];
/// static POISON: Poison<'static> = Poison::new(&SLOTS);
///
/// # let memory = vec![0_u64; 512];
/// # let base = memory.as_ptr().cast::<u8>();
/// let bad = base.wrapping_add(1000);
/// POISON.add(bad, 1)?;
/// assert_eq!(POISON.first(bad, 1), Some(bad.addr()));
/// assert_eq!(POISON.first(base, 100), None);
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Poison<'a> {
    slots: &'a [AtomicUsize],
}

/// A run of units.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    /// How many units follow the first: 0 to 63.
    more: usize,
}

impl Run {
    const fn word(self) -> usize {
        self.first | self.more
    }

    /// The run of a slot's word; `None` of a free one.
    const fn of(word: usize) -> Option<Self> {
        match word {
            0 => None,
            word => Some(Self {
                first: word & !(UNIT - 1),
                more: word & (UNIT - 1),
            }),
        }
    }

    /// As many units as one slot holds, from the one of `first` to that of `last`.
    fn from(first: usize, last: usize) -> Self {
        let first = first & !(UNIT - 1);
        let more = (last - first) / UNIT;
        Self {
            first,
            more: more.min(UNIT - 1),
        }
    }

    const fn last(self) -> usize {
        self.first + self.more * UNIT + (UNIT - 1)
    }
}

impl<'a> Poison<'a> {
    /// A list that is kept in these slots. They must be 0 when the first list is made of them.
    #[must_use]
    pub const fn new(slots: &'a [AtomicUsize]) -> Self {
        Self { slots }
    }

    /// Adds the units that `len` bytes at `ptr` touch.
    ///
    /// # Errors
    /// [`Error::PoisonFull`]: the calls of a map that avoids the list would not refuse these bytes,
    /// so stop to use the memory. [`Error::Wraps`]; [`Error::Null`] for the unit at address 0.
    pub fn add(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        if len == 0 {
            return Ok(());
        }
        let (start, span) = (ptr.addr(), Span::new(ptr.addr(), len)?);
        if start < UNIT {
            return Err(Error::Null { len });
        }
        let mut first = span.first;
        loop {
            let run = Run::from(first, span.last);
            if !self.holds(run) && !self.exchange(0, run.word()) {
                return Err(Error::PoisonFull { start, len });
            }
            if run.last() >= span.last {
                return Ok(());
            }
            first = run.last() + 1;
        }
    }

    /// The first of the `len` bytes at `ptr` that is poisoned.
    #[must_use]
    pub fn first(&self, ptr: *const u8, len: usize) -> Option<usize> {
        let span = Span::new(ptr.addr(), len).ok()?;
        let inside = self
            .runs()
            .filter(|run| run.first <= span.last && span.first <= run.last());
        inside.map(|run| run.first.max(span.first)).min()
    }

    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.slots
            .iter()
            .filter_map(|slot| Run::of(slot.load(Ordering::Acquire)))
    }

    fn holds(&self, wanted: Run) -> bool {
        self.runs()
            .any(|run| run.first <= wanted.first && wanted.last() <= run.last())
    }

    /// Puts a word into a slot that holds `old`.
    fn exchange(&self, old: usize, new: usize) -> bool {
        self.slots.iter().any(|slot| {
            let done = slot.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed);
            done.is_ok()
        })
    }

    /// Takes whole units out. What is left of a run stays in; of one that is left on both sides,
    /// the part behind goes to a slot of its own before the run is cut.
    pub(super) fn remove(&self, span: Span) -> Result<(), Error> {
        for slot in self.slots {
            let word = slot.load(Ordering::Acquire);
            let Some(run) = Run::of(word) else { continue };
            if run.first > span.last || span.first > run.last() {
                continue;
            }
            let before = (run.first < span.first).then(|| Run::from(run.first, span.first - 1));
            let behind = (run.last() > span.last).then(|| Run::from(span.last + 1, run.last()));
            if let (Some(_), Some(behind)) = (before, behind) {
                if !self.exchange(0, behind.word()) {
                    return Err(Error::PoisonFull {
                        start: behind.first,
                        len: run.last() - span.last,
                    });
                }
            }
            let left = before.or(behind).map_or(0, Run::word);
            // If another has changed the slot meanwhile, the bytes stay refused, which is safe.
            let _ = slot.compare_exchange(word, left, Ordering::AcqRel, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl fmt::Debug for Poison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.runs().map(|run| run.first..=run.last());
        f.debug_list().entries(runs).finish()
    }
}
