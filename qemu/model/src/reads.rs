//! Which bytes one recovery reads, each when it does so for the first time.
//!
//! Only bytes count that crash images of its context differ in. One that recovery has stored to
//! before it reads it tells it nothing.

use crate::choice::Span;
use crate::readings::{Reading, Value};

/// Crash images may differ here.
const VARIES: u8 = 1;
/// Recovery has read it, or stored to it.
const KNOWN: u8 = 2;

/// The bytes that one recovery reads.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    base: u64,
    shift: u32,
    len: usize,
    /// Of each byte; none where nothing has varied yet.
    flags: Vec<u8>,
    /// Where flags are set.
    varying: Vec<(usize, usize)>,
    known: Vec<(usize, usize)>,
    path: Vec<Reading>,
}

impl Reads {
    /// For memory of so many bytes at `base`, in lines of `1 << shift` bytes.
    pub(crate) fn new(base: u64, shift: u32, len: usize) -> Self {
        Self {
            base,
            shift,
            len,
            ..Self::default()
        }
    }

    /// Nothing varies.
    pub(crate) fn clear(&mut self) {
        self.begin();
        for (start, end) in self.varying.drain(..) {
            self.flags[start..end].fill(0);
        }
    }

    /// Crash images may differ in these bytes.
    pub(crate) fn varies(&mut self, addr: u64, len: usize) {
        if self.flags.is_empty() {
            self.flags = vec![0; self.len];
        }
        let (start, end) = self.range(addr, len);
        self.flags[start..end].fill(VARIES);
        self.varying.push((start, end));
    }

    /// A recovery begins.
    pub(crate) fn begin(&mut self) {
        self.path.clear();
        for (start, end) in self.known.drain(..) {
            self.flags[start..end]
                .iter_mut()
                .for_each(|flag| *flag &= !KNOWN);
        }
    }

    /// It reads bytes, of which the image has these.
    pub(crate) fn read(&mut self, addr: u64, bytes: &[u8]) {
        let (start, end) = self.range(addr, bytes.len());
        let skipped = start.wrapping_sub(addr.wrapping_sub(self.base) as usize);
        let new = |flags: &[u8], at: usize| flags[at] == VARIES;
        let mut at = start;
        while at < end {
            let first = at;
            let line_end = ((first >> self.shift) + 1) << self.shift;
            while at < end.min(line_end).min(first + 16) && new(&self.flags, at) {
                at += 1;
            }
            if at == first {
                at += 1;
                continue;
            }
            let mut value = Value::default();
            let from = first - start + skipped;
            value[..at - first].copy_from_slice(&bytes[from..from + at - first]);
            self.path.push(Reading {
                span: Span {
                    line: (first >> self.shift) as u32,
                    offset: (first & ((1 << self.shift) - 1)) as u8,
                    len: (at - first) as u8,
                },
                value,
            });
            self.know(first, at);
        }
    }

    /// It stores.
    pub(crate) fn stored(&mut self, addr: u64, len: usize) {
        let (start, end) = self.range(addr, len);
        self.know(start, end);
    }

    /// What it has read so far.
    pub(crate) fn path(&self) -> &[Reading] {
        &self.path
    }

    fn know(&mut self, start: usize, end: usize) {
        let flags = self.flags[start..end].iter_mut();
        let new = flags.filter(|flag| **flag == VARIES);
        if new.map(|flag| *flag |= KNOWN).count() > 0 {
            self.known.push((start, end));
        }
    }

    /// The part of a range that is tracked.
    fn range(&self, addr: u64, len: usize) -> (usize, usize) {
        let start = addr.saturating_sub(self.base).min(self.flags.len() as u64) as usize;
        let end = addr.saturating_add(len as u64).saturating_sub(self.base);
        (
            start,
            (end.min(self.flags.len() as u64) as usize).max(start),
        )
    }
}
