//! Memory that loses what was not persisted.

use kpmem_log::Memory;

/// Stores reach `volatile`; `persist` copies them to `durable`. Ranges are exact, not rounded to
/// lines: the strictest platform.
#[derive(Clone)]
pub struct Simulated {
    pub volatile: Vec<u8>,
    pub durable: Vec<u8>,
    /// What the memory may hold after a power cut, recorded after every step.
    pub crashes: Vec<Vec<u8>>,
    /// Called before each `persist`; false leaves it out.
    pub persists: fn(usize) -> bool,
    count: usize,
}

impl Simulated {
    pub fn new(content: Vec<u8>, persists: fn(usize) -> bool) -> Self {
        Self {
            volatile: content.clone(),
            durable: content,
            crashes: vec![],
            persists,
            count: 0,
        }
    }

    /// The two extremes of a power cut here: nothing that was not persisted is there, or all is.
    /// And between them, all words that differ, each alone.
    fn record_crashes(&mut self) {
        self.crashes.push(self.durable.clone());
        self.crashes.push(self.volatile.clone());
        for word in (0..self.durable.len()).step_by(8) {
            let range = word..(word + 8).min(self.durable.len());
            if self.durable[range.clone()] != self.volatile[range.clone()] {
                let mut image = self.durable.clone();
                image[range.clone()].copy_from_slice(&self.volatile[range]);
                self.crashes.push(image);
            }
        }
    }
}

impl Memory for Simulated {
    fn size(&self) -> usize {
        self.volatile.len()
    }

    fn store_word(&mut self, offset: usize, word: u64) {
        assert_eq!(offset % 8, 0);
        self.volatile[offset..offset + 8].copy_from_slice(&word.to_le_bytes());
        self.record_crashes();
    }

    fn persist(&mut self, offset: usize, len: usize) {
        self.count += 1;
        if (self.persists)(self.count) {
            self.durable[offset..offset + len]
                .copy_from_slice(&self.volatile[offset..offset + len]);
        }
        self.record_crashes();
    }
}
