//! What memory is known to hold, and who has used it.

use std::collections::HashMap;

use crate::observed::words;

/// Bytes that a store has changed.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub addr: u64,
    pub len: usize,
}

impl Change {
    pub fn overlaps(&self, addr: u64, len: usize) -> bool {
        self.addr < addr + len as u64 && addr < self.addr + self.len as u64
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Word {
    value: [u8; 8],
    known: u8,
    /// Masks of CPUs.
    loaded: u64,
    stored: u64,
}

/// All words that were loaded from or stored to.
#[derive(Debug, Default)]
pub struct Words(HashMap<u64, Word>);

/// A load or a store of at most 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    pub pc: u64,
    pub addr: u64,
    pub bytes: &'a [u8],
    pub is_store: bool,
    /// It loads and stores as one, or is the store of such a one.
    pub atomic: bool,
    /// It is to persistent memory.
    pub persistent: bool,
}

impl Words {
    /// Notes an access; true if it is a store that changes something.
    pub fn note(&mut self, cpu: u8, access: &Access<'_>) -> bool {
        let mut changed = false;
        for (number, offset, bytes) in words(access.addr, access.bytes) {
            let word = self.0.entry(number).or_default();
            for (at, byte) in (offset..).zip(bytes) {
                changed |= word.known >> at & 1 == 0 || word.value[at] != *byte;
                word.value[at] = *byte;
                word.known |= 1 << at;
            }
            if access.is_store {
                word.stored |= 1 << cpu;
            } else {
                word.loaded |= 1 << cpu;
            }
        }
        changed && access.is_store
    }

    /// What memory holds, if all of it is known.
    pub fn value(&self, addr: u64, len: usize) -> Option<Vec<u8>> {
        let byte = |addr: u64| {
            let word = self.0.get(&(addr / 8))?;
            let at = (addr % 8) as usize;
            (word.known >> at & 1 == 1).then_some(word.value[at])
        };
        (0..len as u64)
            .map(|i| byte(addr.wrapping_add(i)))
            .collect()
    }

    /// Whether several CPUs have used a word, and one of them has stored to it.
    pub fn is_shared(&self, word: u64) -> bool {
        self.0
            .get(&word)
            .is_some_and(|word| word.stored != 0 && (word.stored | word.loaded).count_ones() > 1)
    }

    /// Forgets what memory holds, not who uses it.
    pub fn forget_values(&mut self) {
        self.0.values_mut().for_each(|word| word.known = 0);
    }

    /// Nothing is known any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(addr: u64, bytes: &[u8], is_store: bool) -> Access<'_> {
        Access {
            pc: 0,
            addr,
            bytes,
            is_store,
            atomic: false,
            persistent: false,
        }
    }

    #[test]
    fn a_store_of_the_same_changes_nothing() {
        let mut words = Words::default();
        assert!(words.note(0, &access(12, &[1; 8], true)), "unknown before");
        assert!(!words.note(0, &access(12, &[1; 8], true)));
        assert!(!words.note(1, &access(15, &[1], true)));
        assert!(words.note(1, &access(19, &[2], true)));
        assert!(!words.note(1, &access(12, &[9; 8], false)), "a load");
        assert!(
            !words.note(1, &access(12, &[9; 8], true)),
            "as it was loaded"
        );
        words.forget_values();
        assert!(words.note(1, &access(12, &[9; 8], true)));
    }

    #[test]
    fn a_word_is_shared_if_one_stores_and_another_uses_it() {
        let mut words = Words::default();
        words.note(0, &access(0, &[1; 16], true));
        words.note(0, &access(0, &[1; 8], false));
        words.note(1, &access(16, &[1; 8], false));
        words.note(0, &access(16, &[1; 8], false));
        assert!(!words.is_shared(0) && !words.is_shared(1) && !words.is_shared(2));
        words.note(1, &access(8, &[1; 4], false));
        assert!(words.is_shared(1) && !words.is_shared(0));
    }
}
