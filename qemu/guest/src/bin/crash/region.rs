//! The part of the NVDIMM that a workload uses, with the tables under test.

use core::slice;

use kpmem::{Map, Table};
use kpmem_marks::{MAILBOX, Mailbox, claim};
use kpmem_runtime::Machine;

/// Persistent memory under a table that may be a mutant. Offsets are in bytes.
#[derive(Debug)]
pub struct Region {
    map: Map,
}

impl Region {
    /// The NVDIMM but for the mailbox.
    pub fn new(machine: &Machine, table: &'static Table) -> Self {
        let len = machine.size() - MAILBOX;
        // SAFETY: the runtime mapped the NVDIMM write-back, and this CPU has the table's
        // instruction. Whether the table keeps its promise is what the simulator is to find
        // out.
        let map = unsafe { Map::with_table(machine.address(), len, table) };
        Self {
            map: map.unwrap_or_else(|error| panic!("{error}")),
        }
    }

    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Where the simulator answers.
    pub fn mailbox(&self) -> *mut Mailbox {
        self.map.address().wrapping_add(self.map.size()).cast()
    }

    /// All bytes. Take it anew after each crash: the simulator changes them.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the map is readable, and nothing stores to it while a workload or a recovery
        // looks.
        unsafe { slice::from_raw_parts(self.map.address(), self.map.size()) }
    }

    /// The address of a range, which must be inside.
    pub fn at(&self, offset: usize, len: usize) -> *mut u8 {
        assert!(offset <= self.map.size() && len <= self.map.size() - offset);
        self.map.address().wrapping_add(offset)
    }

    /// Stores bytes, whole words by one store each where both sides are aligned.
    pub fn store(&mut self, offset: usize, bytes: &[u8]) {
        let to = self.at(offset, bytes.len());
        let head = to.align_offset(8).min(bytes.len());
        let (first, rest) = bytes.split_at(head);
        let (words, last) = rest.as_chunks::<8>();
        let byte = |i: usize, b: u8| {
            // SAFETY: inside the map. Volatile: the compiler may not merge it with others.
            unsafe { to.wrapping_add(i).write_volatile(b) };
        };
        first.iter().enumerate().for_each(|(i, b)| byte(i, *b));
        for (i, word) in words.iter().enumerate() {
            self.store_word(offset + head + i * 8, u64::from_le_bytes(*word));
        }
        let done = bytes.len() - last.len();
        last.iter()
            .enumerate()
            .for_each(|(i, b)| byte(done + i, *b));
    }

    /// Stores an aligned word by one instruction.
    pub fn store_word(&mut self, offset: usize, word: u64) {
        let to = self.at(offset, 8).cast::<u64>();
        assert!(to.is_aligned());
        // SAFETY: inside the map and aligned. Volatile: the compiler may neither split nor merge
        // it.
        unsafe { to.write_volatile(word.to_le()) };
    }

    pub fn load_word(&self, offset: usize) -> u64 {
        // SAFETY: inside the map and aligned, which `at` and the volatile load check or need.
        unsafe { self.at(offset, 8).cast::<u64>().read_volatile() }
    }

    pub fn flush(&self, offset: usize, len: usize) {
        let done = self.map.flush(self.at(offset, len), len);
        done.expect("inside the map");
    }

    pub fn drain(&self) {
        self.map.drain().expect("no page map");
    }

    pub fn persist(&self, offset: usize, len: usize) {
        let done = self.map.persist(self.at(offset, len), len);
        done.expect("inside the map");
    }

    /// Tells the simulator that a range is durable.
    pub fn claim(&self, offset: usize, len: usize, id: u64) {
        claim(self.at(offset, len), len, id);
    }
}
