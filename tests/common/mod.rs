//! The recording backend, and the one suite that every set of primitives must pass.
#![allow(missing_docs, dead_code, reason = "each test binary uses a part of it")]

use std::cell::RefCell;

use kpmem::{Instruction, Primitives, Table};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    WriteBack(usize),
    Drain,
    WriteBackInvalidate(usize),
    DrainInvalidate,
}

thread_local! {
    static LOG: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

pub fn record(event: Event) {
    LOG.with_borrow_mut(|log| log.push(event));
}

/// What was recorded on this thread since the last call.
pub fn recorded() -> Vec<Event> {
    LOG.take()
}

/// Writes nothing back, but remembers that it should have.
#[derive(Clone, Copy, Debug)]
pub struct Recording;

// SAFETY: used with addresses that nobody stores to, so there is nothing to make durable.
unsafe impl Instruction for Recording {
    const NAME: &'static str = "recording";

    unsafe fn write_back(line: *const u8) {
        record(Event::WriteBack(line.addr()));
    }

    fn drain() {
        record(Event::Drain);
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        record(Event::WriteBackInvalidate(line.addr()));
    }

    fn drain_invalidate() {
        record(Event::DrainInvalidate);
    }
}

/// The naive oracle: the lines of every single byte.
fn lines_of(start: usize, len: usize, line: usize) -> Vec<usize> {
    let mut lines = Vec::new();
    for byte in (0..len).map(|i| start + i) {
        let line = byte & !(line - 1);
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Ranges of every offset in two lines and every length to four, in the middle and at the top of
/// the address space.
fn ranges(line: usize) -> impl Iterator<Item = (usize, usize)> {
    let middle = (0..2 * line)
        .flat_map(move |offset| (0..=4 * line).map(move |len| (0x7000_0000_0000 + offset, len)));
    let top = (0..2 * line)
        .flat_map(move |gap| (1..=4 * line).map(move |len| (usize::MAX - gap - (len - 1), len)));
    let extremes = [(0, 0), (1, 0), (usize::MAX, 0), (0, 1), (usize::MAX, 1)];
    middle.chain(top).chain(extremes)
}

/// Runs `P` through its table: flush visits each touched line once, in order, and nothing else;
/// persist is that, then one drain; and so are the two that also drop the lines.
pub fn check<P: Primitives>() -> Result<(), String> {
    let table = Table::of::<P>();
    for (start, len) in ranges(P::LINE) {
        let ptr = std::ptr::without_provenance(start);
        let lines = lines_of(start, len, P::LINE);
        let mut expected: Vec<_> = lines.iter().copied().map(Event::WriteBack).collect();

        // SAFETY: these primitives only record, so any address will do.
        unsafe { table.flush_fn()(ptr, len) };
        compare("flush", start, len, &expected)?;

        expected.push(Event::Drain);
        // SAFETY: as above.
        unsafe { table.persist_fn()(ptr, len) };
        compare("persist", start, len, &expected)?;

        if let Some(writeback_invalidate) = table.writeback_invalidate_fn() {
            let mut expected: Vec<_> = lines.into_iter().map(Event::WriteBackInvalidate).collect();
            expected.push(Event::DrainInvalidate);
            // SAFETY: as above.
            unsafe { writeback_invalidate(ptr, len) };
            compare("writeback_invalidate", start, len, &expected)?;
        }
    }
    // SAFETY: as above.
    unsafe { table.drain_fn()() };
    compare("drain", 0, 0, &[Event::Drain])
}

fn compare(call: &str, start: usize, len: usize, expected: &[Event]) -> Result<(), String> {
    let seen = recorded();
    if seen == expected {
        return Ok(());
    }
    Err(format!(
        "{call} of {len} bytes at {start:#x}: expected {expected:x?}, saw {seen:x?}"
    ))
}
