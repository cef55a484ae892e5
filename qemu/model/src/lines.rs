//! The lines of memory, of which few are ever stored to: an NVDIMM of a gibibyte has sixteen
//! million.

use std::ops::{Index, IndexMut};

use crate::state::Line;

/// Lines that come into being together.
const CHUNK: usize = 64;

/// All lines; those that nobody has touched share one.
#[derive(Debug)]
pub(crate) struct Lines {
    clean: Line,
    chunks: Vec<Option<Box<[Line]>>>,
    len: usize,
}

impl Lines {
    /// So many, each like `clean`.
    pub(crate) fn new(clean: Line, len: usize) -> Self {
        Self {
            clean,
            chunks: vec![None; len.div_ceil(CHUNK)],
            len,
        }
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

impl Index<usize> for Lines {
    type Output = Line;

    fn index(&self, line: usize) -> &Line {
        match &self.chunks[line / CHUNK] {
            Some(chunk) => &chunk[line % CHUNK],
            None => &self.clean,
        }
    }
}

impl IndexMut<usize> for Lines {
    fn index_mut(&mut self, line: usize) -> &mut Line {
        let clean = &self.clean;
        let chunk =
            self.chunks[line / CHUNK].get_or_insert_with(|| vec![clean.clone(); CHUNK].into());
        &mut chunk[line % CHUNK]
    }
}

/// A copy that takes room only for pages that are not all zeroes.
pub(crate) fn copy(bytes: &[u8]) -> Vec<u8> {
    const PAGE: usize = 4096;
    let mut copy = vec![0; bytes.len()];
    for (to, from) in copy.chunks_mut(PAGE).zip(bytes.chunks(PAGE)) {
        if from.iter().any(|byte| *byte != 0) {
            to.copy_from_slice(from);
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use crate::{Isa, Profile, State};

    #[test]
    fn a_line_far_behind_is_as_good_as_the_first() {
        let mut initial = vec![0; 1 << 20];
        initial[4096 * 7] = 9;
        let profile = Profile::named("px86", Isa::X86_64).unwrap();
        let state = State::new(profile, 64, 0, &initial);
        assert_eq!(state.live_line(4096 * 7 / 64)[0], 9);
        assert_eq!(super::copy(&initial), initial);
    }
}
