//! The bare instructions, inlined: nothing can be faster by the same instructions.

use std::arch::asm;

use kpmem::Instruction;

/// One way to store, without a call, a choice or a check. Of whole words, to an aligned
/// destination.
pub trait Stores {
    /// Whether the lines must be flushed.
    const CACHED: bool;

    /// # Safety
    /// Both ranges must be mapped, and the CPU must have the instructions.
    unsafe fn copy(dest: *mut u8, src: *const u8, len: usize);

    /// # Safety
    /// As for [`copy`](Self::copy).
    unsafe fn zero(dest: *mut u8, len: usize);
}

/// `mov`.
pub struct Mov;
/// `movnti`.
pub struct Movnti;
/// `rep movsq`, `rep stosq`.
pub struct Rep;
/// `clzero`, of whole lines; copies as [`Movnti`].
pub struct Clzero;
/// 32-byte vectors through the cache, of whole lines.
pub struct Avx;
/// 32-byte vectors past the cache, of whole lines.
pub struct AvxNt;
/// 64-byte vectors through the cache, of whole lines.
pub struct Avx512;
/// 64-byte vectors past the cache, of whole lines.
pub struct Avx512Nt;

macro_rules! words {
    ($name:ident, $cached:literal, $store:literal) => {
        impl Stores for $name {
            const CACHED: bool = $cached;

            #[inline(always)]
            unsafe fn copy(mut dest: *mut u8, mut src: *const u8, len: usize) {
                // SAFETY: the caller's.
                unsafe {
                    for _ in 0..len / 32 {
                        asm!(
                            "mov {0}, [{4}]", "mov {1}, [{4} + 8]", "mov {2}, [{4} + 16]", "mov {3}, [{4} + 24]",
                            concat!($store, " [{5}], {0}"), concat!($store, " [{5} + 8], {1}"),
                            concat!($store, " [{5} + 16], {2}"), concat!($store, " [{5} + 24], {3}"),
                            out(reg) _, out(reg) _, out(reg) _, out(reg) _, in(reg) src, in(reg) dest,
                            options(nostack, preserves_flags),
                        );
                        (dest, src) = (dest.add(32), src.add(32));
                    }
                    for _ in 0..len % 32 / 8 {
                        asm!(
                            "mov {0}, [{1}]", concat!($store, " [{2}], {0}"),
                            out(reg) _, in(reg) src, in(reg) dest, options(nostack, preserves_flags),
                        );
                        (dest, src) = (dest.add(8), src.add(8));
                    }
                }
            }

            #[inline(always)]
            unsafe fn zero(mut dest: *mut u8, len: usize) {
                // SAFETY: the caller's.
                unsafe {
                    for _ in 0..len / 32 {
                        asm!(
                            concat!($store, " [{0}], {1}"), concat!($store, " [{0} + 8], {1}"),
                            concat!($store, " [{0} + 16], {1}"), concat!($store, " [{0} + 24], {1}"),
                            in(reg) dest, in(reg) 0_u64, options(nostack, preserves_flags),
                        );
                        dest = dest.add(32);
                    }
                    for _ in 0..len % 32 / 8 {
                        asm!(
                            concat!($store, " [{0}], {1}"),
                            in(reg) dest, in(reg) 0_u64, options(nostack, preserves_flags),
                        );
                        dest = dest.add(8);
                    }
                }
            }
        }
    };
}

words!(Mov, true, "mov");
words!(Movnti, false, "movnti");

impl Stores for Rep {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn copy(dest: *mut u8, src: *const u8, len: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "rep movsq",
                inout("rdi") dest => _, inout("rsi") src => _, inout("rcx") len / 8 => _,
                options(nostack, preserves_flags),
            );
        }
    }

    #[inline(always)]
    unsafe fn zero(dest: *mut u8, len: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "rep stosq",
                inout("rdi") dest => _, inout("rcx") len / 8 => _, in("rax") 0_u64,
                options(nostack, preserves_flags),
            );
        }
    }
}

impl Stores for Clzero {
    const CACHED: bool = false;

    #[inline(always)]
    unsafe fn copy(dest: *mut u8, src: *const u8, len: usize) {
        // SAFETY: the caller's.
        unsafe { Movnti::copy(dest, src, len) }
    }

    #[inline(always)]
    unsafe fn zero(dest: *mut u8, len: usize) {
        for at in (0..len).step_by(64) {
            // SAFETY: the caller's.
            unsafe {
                asm!("clzero", in("rax") dest.add(at), options(nostack, preserves_flags));
            }
        }
    }
}

macro_rules! vectors {
    ($name:ident, $cached:literal, $bytes:literal, $register:literal, $load:literal, $store:literal) => {
        impl Stores for $name {
            const CACHED: bool = $cached;

            #[inline(always)]
            unsafe fn copy(dest: *mut u8, src: *const u8, len: usize) {
                // SAFETY: the caller's.
                unsafe {
                    for at in (0..len).step_by($bytes) {
                        asm!(
                            concat!($load, " ", $register, ", [{0}]"),
                            concat!($store, " [{1}], ", $register),
                            in(reg) src.add(at), in(reg) dest.add(at), out("xmm0") _,
                            options(nostack, preserves_flags),
                        );
                    }
                    asm!("vzeroupper", clobber_abi("sysv64"), options(nomem, nostack, preserves_flags));
                }
            }

            #[inline(always)]
            unsafe fn zero(dest: *mut u8, len: usize) {
                // SAFETY: the caller's.
                unsafe {
                    for at in (0..len).step_by($bytes) {
                        asm!(
                            "vpxor xmm0, xmm0, xmm0", concat!($store, " [{0}], ", $register),
                            in(reg) dest.add(at), out("xmm0") _,
                            options(nostack, preserves_flags),
                        );
                    }
                    asm!("vzeroupper", clobber_abi("sysv64"), options(nomem, nostack, preserves_flags));
                }
            }
        }
    };
}

vectors!(Avx, true, 32, "ymm0", "vmovdqu", "vmovdqa");
vectors!(AvxNt, false, 32, "ymm0", "vmovdqu", "vmovntdq");
vectors!(Avx512, true, 64, "zmm0", "vmovdqu64", "vmovdqa64");
vectors!(Avx512Nt, false, 64, "zmm0", "vmovdqu64", "vmovntdq");

#[inline(always)]
pub fn fence() {
    // SAFETY: a fence touches no memory.
    unsafe { asm!("sfence", options(nostack, preserves_flags)) }
}

/// The bare instruction for each line.
///
/// # Safety
/// The range must be mapped, and the CPU must have the instruction.
#[inline(always)]
pub unsafe fn flush<I: Instruction>(ptr: *const u8, len: usize) {
    let end = ptr.addr() + len;
    let mut line = ptr.addr() & !63;
    while line < end {
        // SAFETY: the caller's.
        unsafe { I::write_back(ptr.with_addr(line)) };
        line += 64;
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
