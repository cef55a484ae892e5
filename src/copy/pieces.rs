//! The bytes before the first word of a copy and after its last, none of which fills a word.
//!
//! They may be uninitialised (padding, say), as for libc's `memmove`, and they may be parts of a
//! pointer; so they are moved as [`MaybeUninit`] and never looked at.

use core::mem::MaybeUninit;

use crate::arch::UNALIGNED_STORES;

/// Copies `len` bytes, fewer than 15 and without a whole aligned word, in ascending order.
///
/// # Safety
/// Both ranges must be valid.
#[inline(always)]
pub(super) unsafe fn up(mut dest: *mut u8, mut src: *const u8, mut len: usize) {
    if UNALIGNED_STORES {
        // SAFETY: the caller's.
        return unsafe { from_both_ends(dest, src, len) };
    }
    while len != 0 {
        let size = piece(dest.addr(), len);
        // SAFETY: the piece is a part of the range.
        unsafe { store(dest, src, size) };
        (dest, src) = (dest.wrapping_add(size), src.wrapping_add(size));
        len -= size;
    }
}

/// [`up`] from the last piece to the first.
///
/// # Safety
/// Both ranges must be valid.
#[inline(always)]
pub(super) unsafe fn down(dest: *mut u8, src: *const u8, mut len: usize) {
    if UNALIGNED_STORES {
        // SAFETY: the caller's.
        return unsafe { from_both_ends(dest, src, len) };
    }
    while len != 0 {
        let size = piece(dest.addr().wrapping_add(len), len);
        len -= size;
        // SAFETY: the piece is a part of the range.
        unsafe { store(dest.add(len), src.add(len), size) };
    }
}

/// Copies by one store what is aligned to its size, else by two of any alignment that overlap: what
/// fills no word needs no order. (Comparisons, as a `match` would be a jump through a table.)
///
/// # Safety
/// As for [`up`].
#[inline(always)]
unsafe fn from_both_ends(dest: *mut u8, src: *const u8, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        let aligned = dest.addr() & len.wrapping_sub(1) == 0;
        if len >= 8 {
            both_ends::<u64>(dest, src, len);
        } else if len > 4 {
            both_ends::<u32>(dest, src, len);
        } else if len > 2 {
            if aligned && len == 4 {
                store_as::<u32>(dest, src);
            } else {
                both_ends::<u16>(dest, src, len);
            }
        } else if len > 1 {
            if aligned {
                store_as::<u16>(dest, src);
            } else {
                both_ends::<u8>(dest, src, len);
            }
        } else if len != 0 {
            store_as::<u8>(dest, src);
        }
    }
}

/// # Safety
/// As for [`up`], and `len` is at least the size of `T` and at most twice that.
#[inline(always)]
unsafe fn both_ends<T: Copy>(dest: *mut u8, src: *const u8, len: usize) {
    let last = len - size_of::<T>();
    // SAFETY: the caller's; both are loaded before one is stored, as the ranges may overlap.
    unsafe {
        let first_part = src.cast::<MaybeUninit<T>>().read_unaligned();
        let last_part = src.add(last).cast::<MaybeUninit<T>>().read_unaligned();
        dest.cast::<MaybeUninit<T>>().write_unaligned(first_part);
        dest.add(last)
            .cast::<MaybeUninit<T>>()
            .write_unaligned(last_part);
    }
}

/// The size of the largest piece of `len` bytes, 1, 2 or 4, that begins or ends at `address` and is
/// aligned.
#[inline(always)]
const fn piece(address: usize, len: usize) -> usize {
    let aligned = (address | 4) & (address | 4).wrapping_neg();
    if aligned <= len {
        aligned
    } else if len >= 2 {
        2
    } else {
        1
    }
}

/// # Safety
/// `size` bytes must be readable at `src`, and writable at `dest`, which is aligned to that.
#[inline(always)]
unsafe fn store(dest: *mut u8, src: *const u8, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        match size {
            1 => store_as::<u8>(dest, src),
            2 => store_as::<u16>(dest, src),
            _ => store_as::<u32>(dest, src),
        }
    }
}

/// # Safety
/// As for [`store`]. A volatile store of an integer's size is one store instruction.
#[inline(always)]
unsafe fn store_as<T>(dest: *mut u8, src: *const u8) {
    // SAFETY: the caller's.
    unsafe {
        let piece = src.cast::<MaybeUninit<T>>().read_unaligned();
        dest.cast::<MaybeUninit<T>>().write_volatile(piece);
    }
}
