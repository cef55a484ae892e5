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
pub unsafe fn copy_movnti(mut dest: *mut u8, mut src: *const u8, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        for _ in 0..len / 32 {
            asm!(
                "mov {0}, [{4}]", "mov {1}, [{4} + 8]", "mov {2}, [{4} + 16]", "mov {3}, [{4} + 24]",
                "movnti [{5}], {0}", "movnti [{5} + 8], {1}", "movnti [{5} + 16], {2}", "movnti [{5} + 24], {3}",
                out(reg) _, out(reg) _, out(reg) _, out(reg) _, in(reg) src, in(reg) dest,
                options(nostack, preserves_flags),
            );
            (dest, src) = (dest.add(32), src.add(32));
        }
        for _ in 0..len % 32 / 8 {
            asm!(
                "mov {0}, [{1}]", "movnti [{2}], {0}",
                out(reg) _, in(reg) src, in(reg) dest, options(nostack, preserves_flags),
            );
            (dest, src) = (dest.add(8), src.add(8));
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
pub unsafe fn zero_movnti(mut dest: *mut u8, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        for _ in 0..len / 32 {
            asm!(
                "movnti [{0}], {1}", "movnti [{0} + 8], {1}", "movnti [{0} + 16], {1}", "movnti [{0} + 24], {1}",
                in(reg) dest, in(reg) 0_u64, options(nostack, preserves_flags),
            );
            dest = dest.add(32);
        }
        for _ in 0..len % 32 / 8 {
            asm!("movnti [{}], {}", in(reg) dest, in(reg) 0_u64, options(nostack, preserves_flags));
            dest = dest.add(8);
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
