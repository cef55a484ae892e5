//! A failure that nobody could be told of yet: the first since the last report.

use core::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering};

const NONE: u8 = 0;
/// Somebody writes or reads the parts.
const BUSY: u8 = 1;
const SOME: u8 = 2;

/// Kept and taken without a lock, so also in an interrupt that comes in the middle of it.
#[derive(Debug)]
pub(super) struct Failure {
    state: AtomicU8,
    start: AtomicUsize,
    len: AtomicUsize,
    code: AtomicI32,
}

impl Failure {
    pub(super) const fn new() -> Self {
        Self {
            state: AtomicU8::new(NONE),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            code: AtomicI32::new(0),
        }
    }

    /// Keeps a range and the hook's code for it, unless an earlier one waits to be taken.
    pub(super) fn keep(&self, start: usize, len: usize, code: i32) {
        if self.enter(NONE) {
            self.start.store(start, Ordering::Relaxed);
            self.len.store(len, Ordering::Relaxed);
            self.code.store(code, Ordering::Relaxed);
            self.state.store(SOME, Ordering::Release);
        }
    }

    /// The range and the code, once.
    pub(super) fn take(&self) -> Option<(usize, usize, i32)> {
        if !self.enter(SOME) {
            return None;
        }
        let failure = (
            self.start.load(Ordering::Relaxed),
            self.len.load(Ordering::Relaxed),
            self.code.load(Ordering::Relaxed),
        );
        self.state.store(NONE, Ordering::Release);
        Some(failure)
    }

    fn enter(&self, from: u8) -> bool {
        self.state.load(Ordering::Relaxed) == from
            && self
                .state
                .compare_exchange(from, BUSY, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }
}
