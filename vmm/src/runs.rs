//! Ranges of a mapping.

use std::ops::Range;

/// Ranges of bytes of a mapping: in order, not empty, and apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs(Vec<Range<usize>>);

impl Runs {
    /// Those whose bits are 1 in a bitmap of `words`, the lowest bit of the first word first, with
    /// a bit for each `page` bytes of a mapping of `len` bytes: the form of KVM's dirty log. Words
    /// behind the mapping are not asked for.
    ///
    /// # Panics
    /// If `page` is 0.
    #[must_use]
    pub fn from_bitmap(words: impl IntoIterator<Item = u64>, page: usize, len: usize) -> Self {
        assert_ne!(page, 0, "a page has some bytes");
        let mut runs = Self::default();
        let most = len.div_ceil(page).div_ceil(64);
        for (index, mut word) in words.into_iter().take(most).enumerate() {
            let base = index.saturating_mul(64);
            while word != 0 {
                let first = word.trailing_zeros();
                let ones = (word >> first).trailing_ones();
                let end = first + ones;
                runs.add(
                    base.saturating_add(first as usize).saturating_mul(page),
                    base.saturating_add(end as usize).saturating_mul(page),
                    len,
                );
                word = if end == 64 { 0 } else { word >> end << end };
            }
        }
        runs
    }

    /// Adds a range behind the last one, as far as it is inside of `len` bytes.
    fn add(&mut self, start: usize, end: usize, len: usize) {
        let end = end.min(len);
        if start >= end {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.0.push(start..end),
        }
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.0.iter().cloned()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes they have together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.iter().map(|run| run.len()).sum()
    }
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a list of ranges, also of one"
)]
mod tests {
    use super::*;

    fn runs(words: &[u64], page: usize, len: usize) -> Vec<Range<usize>> {
        Runs::from_bitmap(words.iter().copied(), page, len)
            .iter()
            .collect()
    }

    #[test]
    fn each_bit_is_a_page_and_neighbours_are_one_run() {
        assert_eq!(runs(&[], 4096, 1 << 20), []);
        assert_eq!(runs(&[0, 0], 4096, 1 << 20), []);
        assert_eq!(runs(&[0b1_0110], 10, 1000), [10..30, 40..50]);
        assert_eq!(runs(&[1 << 63, 1], 10, 10_000), [630..650]);
        assert_eq!(runs(&[u64::MAX, u64::MAX], 10, 10_000), [0..1280]);
        assert_eq!(runs(&[1 << 63, 2], 10, 10_000), [630..640, 650..660]);
    }

    #[test]
    fn nothing_is_outside_of_the_mapping() {
        assert_eq!(runs(&[u64::MAX], 10, 25), [0..25]);
        assert_eq!(runs(&[1 << 40], 10, 25), []);
        assert_eq!(runs(&[1 << 1], usize::MAX, 25), []);
        let endless = Runs::from_bitmap(std::iter::repeat(u64::MAX), 10, 6500);
        assert_eq!(endless.iter().collect::<Vec<_>>(), [0..6500]);
    }

    /// Against each bit by itself.
    #[test]
    fn as_many_bytes_as_bits() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..1000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let words = [state, state.rotate_left(17) & state, !state];
            let found = Runs::from_bitmap(words, 4096, usize::MAX);
            let ones: u32 = words.iter().map(|word| word.count_ones()).sum();
            assert_eq!(found.bytes(), ones as usize * 4096);
            for run in found.iter() {
                let bit = |page: usize| words[page / 64] >> (page % 64) & 1;
                assert!((run.start / 4096..run.end / 4096).all(|page| bit(page) == 1));
            }
            assert!(found.0.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
