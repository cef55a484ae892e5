//! A model of cache and memory: what is durable is what was written back, or stored past the cache,
//! before a drain.

use std::{cell::RefCell, marker::PhantomData};

use kpmem::{
    Instruction,
    tuning::{Stores, Word},
};

use super::memory::Arena;

#[derive(Default)]
pub struct Model {
    /// Address of the first byte.
    base: usize,
    /// What a power cut would leave.
    pub durable: Vec<u8>,
    /// On their way: durable after the next drain.
    pending: Vec<(usize, Vec<u8>)>,
    /// Lines that were written back, in order.
    pub written_back: Vec<usize>,
    /// Drains so far.
    pub drains: usize,
    /// Whether nothing happened since the last drain.
    pub drained: bool,
    /// How often each byte was stored as part of a word.
    pub stored: Vec<u8>,
}

thread_local! {
    static MODEL: RefCell<Model> = RefCell::default();
}

/// Starts anew, with all of the arena durable.
pub fn start(arena: Arena) {
    let durable = arena.read();
    MODEL.replace(Model {
        base: arena.at(0).addr(),
        stored: vec![0; durable.len()],
        durable,
        ..Model::default()
    });
}

/// What happened since.
pub fn finish() -> Model {
    MODEL.take()
}

impl Model {
    /// Completes what is on its way, as a drain does.
    pub fn settle(&mut self) {
        for (at, bytes) in self.pending.drain(..) {
            self.durable[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }

    fn launch(&mut self, address: usize, len: usize) {
        // The arena ends with a line of every size.
        let at = address - self.base;
        // SAFETY: the range is in the arena, or this would have panicked by the next line of any
        // test.
        let bytes = unsafe {
            std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), len).to_vec()
        };
        self.pending.push((at, bytes));
        self.drained = false;
    }
}

pub fn write_back(line: usize, size: usize) {
    MODEL.with_borrow_mut(|model| {
        model.launch(line, size);
        model.written_back.push(line - model.base);
    });
}

pub fn drain() {
    MODEL.with_borrow_mut(|model| {
        model.settle();
        model.drains += 1;
        model.drained = true;
    });
}

fn stored(dest: *mut u64, words: usize, cached: bool) {
    if words == 0 {
        return;
    }
    MODEL.with_borrow_mut(|model| {
        assert_eq!(dest.addr() % 8, 0, "a word is not aligned");
        let at = dest.addr() - model.base;
        for count in &mut model.stored[at..at + words * 8] {
            *count += 1;
        }
        if !cached {
            model.launch(dest.addr(), words * 8);
        }
        model.drained = false;
    });
}

/// Writes lines of `LINE` bytes back to the model.
pub struct Modelled<const LINE: usize>;

// SAFETY: nothing here must survive a power cut.
unsafe impl<const LINE: usize> Instruction for Modelled<LINE> {
    const NAME: &'static str = "modelled";

    unsafe fn write_back(line: *const u8) {
        write_back(line.addr(), LINE);
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        write_back(line.addr(), LINE);
    }

    fn drain() {
        drain();
    }
}

/// The stores of `S`, seen by the model.
pub struct Seen<S>(PhantomData<S>);

// SAFETY: as for `S`.
unsafe impl<S: Stores> Stores for Seen<S> {
    const CACHED: bool = S::CACHED;

    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller's.
        unsafe { S::word(dest, word) };
        stored(dest, 1, S::CACHED);
    }

    unsafe fn block(dest: *mut u64, words: [Word; 4]) {
        // SAFETY: the caller's.
        unsafe { S::block(dest, words) };
        stored(dest, 4, S::CACHED);
    }

    unsafe fn copy_up(dest: *mut u64, src: *const u8, words: usize) {
        // SAFETY: the caller's.
        unsafe { S::copy_up(dest, src, words) };
        stored(dest, words, S::CACHED);
    }

    unsafe fn copy_down(dest: *mut u64, src: *const u8, words: usize) {
        // SAFETY: the caller's.
        unsafe { S::copy_down(dest, src, words) };
        stored(dest, words, S::CACHED);
    }

    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        // SAFETY: the caller's.
        unsafe { S::fill(dest, word, words) };
        stored(dest, words, S::CACHED);
    }
}
