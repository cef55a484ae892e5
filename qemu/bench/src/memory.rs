//! Where the bytes go: the same lines again and again, one after the other, or anywhere.

use std::ptr::null_mut;

/// More than any last-level cache at hand.
const SIZE: usize = 512 << 20;
const SOURCE: usize = 8 << 20;

/// Where the destinations of a case lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The same lines each time.
    Hot,
    /// One after the other, over more than the last-level cache.
    Cold,
    /// Anywhere in as much.
    Random,
}

/// The memory that is written, and a source.
#[derive(Debug)]
pub struct Memory {
    base: *mut u8,
    source: *mut u8,
    cursor: usize,
}

impl Memory {
    pub fn new() -> Self {
        Self {
            base: map(SIZE),
            source: map(SOURCE),
            cursor: 0,
        }
    }

    /// The source of a copy, in cache if it is small. Not at the same place of a page as the
    /// destinations: a load just above a store in the low 12 bits waits for it.
    pub fn source(&self) -> *const u8 {
        self.source.wrapping_add(1024)
    }

    /// All that is written.
    pub fn all(&self) -> (*mut u8, usize) {
        (self.base, SIZE)
    }

    /// Calls `op` `count` times with a destination of `len` bytes, `align` bytes after a line.
    #[inline(always)]
    pub fn each(
        &mut self,
        placement: Placement,
        align: usize,
        len: usize,
        count: usize,
        mut op: impl FnMut(*mut u8),
    ) {
        let stride = (align + len).next_multiple_of(64);
        let room = SIZE - stride;
        for _ in 0..count {
            let offset = match placement {
                Placement::Hot => 0,
                Placement::Cold => {
                    self.cursor = if self.cursor + stride > room {
                        0
                    } else {
                        self.cursor + stride
                    };
                    self.cursor
                }
                Placement::Random => {
                    self.cursor = self
                        .cursor
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    // The upper half times the room: a range without a division.
                    (((self.cursor >> 32) * (room >> 6)) >> 32) << 6
                }
            };
            // SAFETY: offset, alignment and length are inside the memory.
            op(unsafe { self.base.add(offset + align) });
        }
        if placement == Placement::Random {
            return;
        }
        self.cursor %= room;
    }

    /// Between cases: a place to start that is in bounds.
    pub fn rewind(&mut self) {
        self.cursor = 0;
    }
}

/// Touched memory in huge pages, so that page faults and TLB misses are not what is measured.
fn map(size: usize) -> *mut u8 {
    // SAFETY: a fresh anonymous mapping, never unmapped.
    unsafe {
        let (prot, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
        );
        let huge = 2 << 20;
        let base = libc::mmap(null_mut(), size + huge, prot, flags, -1, 0);
        assert_ne!(base, libc::MAP_FAILED, "no memory");
        let base = base.cast::<u8>();
        let base = base.add(base.align_offset(huge));
        libc::madvise(base.cast(), size, libc::MADV_HUGEPAGE);
        base.write_bytes(1, size);
        base
    }
}
