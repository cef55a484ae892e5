//! Memory between two pages that fault, with a canary in every byte.

use std::ptr::null_mut;

pub const PAGE: usize = 4096;

/// `size` bytes with an unmapped page on either side. Never unmapped.
#[derive(Clone, Copy)]
pub struct Arena {
    base: *mut u8,
    size: usize,
}

impl Arena {
    pub fn new(pages: usize) -> Self {
        let size = pages * PAGE;
        // SAFETY: a fresh anonymous mapping, of which the outer pages lose their access.
        unsafe {
            let (prot, flags) = (
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANON,
            );
            let low = libc::mmap(null_mut(), size + 2 * PAGE, prot, flags, -1, 0);
            assert_ne!(low, libc::MAP_FAILED);
            let base = low.cast::<u8>().add(PAGE);
            for guard in [low.cast::<u8>(), base.add(size)] {
                assert_eq!(libc::mprotect(guard.cast(), PAGE, libc::PROT_NONE), 0);
            }
            Self { base, size }
        }
    }

    pub fn at(self, offset: usize) -> *mut u8 {
        assert!(offset <= self.size);
        self.base.wrapping_add(offset)
    }

    pub fn size(self) -> usize {
        self.size
    }

    /// The offset at which a range of `len` bytes ends with the arena, less `gap`.
    pub fn at_end(self, len: usize, gap: usize) -> usize {
        self.size - len - gap
    }

    pub fn read(self) -> Vec<u8> {
        // SAFETY: the arena is mapped, and no other thread stores to it in tests that call this.
        unsafe { std::slice::from_raw_parts(self.base, self.size).to_vec() }
    }

    /// Gives every byte a value that its neighbours do not have.
    pub fn scribble(self, seed: usize) {
        for i in 0..self.size {
            // SAFETY: inside the arena.
            unsafe { self.base.add(i).write(pattern(seed, i)) };
        }
    }
}

fn pattern(seed: usize, i: usize) -> u8 {
    ((i ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 29) as u8
}
