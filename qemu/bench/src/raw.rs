//! The bare instructions, inlined: nothing can be faster by the same instructions.

use std::arch::asm;

#[inline(always)]
pub fn fence() {
    // SAFETY: a fence touches no memory.
    unsafe { asm!("sfence", options(nostack, preserves_flags)) }
}

/// `clwb` of each line.
///
/// # Safety
/// The range must be mapped, and the CPU must have the instruction.
#[inline(always)]
pub unsafe fn flush(ptr: *const u8, len: usize) {
    let end = ptr.addr() + len;
    let mut line = ptr.addr() & !63;
    while line < end {
        // SAFETY: the caller's.
        unsafe { asm!("clwb [{}]", in(reg) line, options(nostack, preserves_flags)) };
        line += 64;
    }
}

/// `movnti` of each word of an aligned destination; what follows the last word is left out.
///
/// # Safety
/// Both ranges must be mapped.
#[inline(always)]
pub unsafe fn copy_movnti(dest: *mut u8, src: *const u8, len: usize) {
    for at in (0..len / 8).map(|word| word * 8) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "mov {0}, [{1}]", "movnti [{2}], {0}",
                out(reg) _, in(reg) src.add(at), in(reg) dest.add(at), options(nostack, preserves_flags),
            );
        }
    }
}

/// `rep movsb`, through the cache.
///
/// # Safety
/// Both ranges must be mapped.
#[inline(always)]
pub unsafe fn copy_cached(dest: *mut u8, src: *const u8, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        if len <= 256 {
            for at in (0..len / 8).map(|word| word * 8) {
                asm!(
                    "mov {0}, [{1}]", "mov [{2}], {0}",
                    out(reg) _, in(reg) src.add(at), in(reg) dest.add(at), options(nostack, preserves_flags),
                );
            }
            return;
        }
        asm!(
            "rep movsb",
            inout("rdi") dest => _, inout("rsi") src => _, inout("rcx") len => _,
            options(nostack, preserves_flags),
        );
    }
}

/// `movnti` of zeroes.
///
/// # Safety
/// The range must be mapped.
#[inline(always)]
pub unsafe fn zero_movnti(dest: *mut u8, len: usize) {
    for at in (0..len / 8).map(|word| word * 8) {
        // SAFETY: the caller's.
        unsafe {
            asm!("movnti [{}], {}", in(reg) dest.add(at), in(reg) 0_u64, options(nostack, preserves_flags));
        }
    }
}

/// `rep stosb` of zeroes, through the cache.
///
/// # Safety
/// The range must be mapped.
#[inline(always)]
pub unsafe fn zero_cached(dest: *mut u8, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "rep stosb",
            inout("rdi") dest => _, inout("rcx") len => _, in("al") 0_u8,
            options(nostack, preserves_flags),
        );
    }
}

/// Reads one word of each line.
///
/// # Safety
/// The range must be mapped.
#[inline(always)]
pub unsafe fn read(ptr: *const u8, len: usize) {
    for at in (0..len).step_by(64) {
        // SAFETY: the caller's.
        unsafe {
            asm!("mov {}, [{}]", out(reg) _, in(reg) ptr.add(at), options(nostack, preserves_flags, readonly))
        };
    }
}
