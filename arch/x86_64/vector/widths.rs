//! The loops of the three vector widths: four vectors an iteration.
//!
//! SDM Volume 2, "MOVNTDQ": stores a vector past the cache, aligned to its size. SDM Volume 1, "Mixing AVX and SSE Code": VZEROUPPER before
//! code without AVX.

use core::arch::asm;

/// One vector width.
///
/// # Safety
/// The functions must store what they say, by aligned stores past the cache.
pub unsafe trait Vector {
    /// Bytes of a vector.
    const BYTES: usize;

    /// Copies `blocks` times four vectors.
    ///
    /// # Safety
    /// Both ranges must be valid, `dest` aligned to a vector and not inside the source, `blocks` not 0; the CPU must have the vectors and
    /// nobody else may need what is in them.
    unsafe fn copy(dest: *mut u64, src: *const u8, blocks: usize);

    /// Stores `word` to `blocks` times four vectors.
    ///
    /// # Safety
    /// As for [`copy`](Self::copy).
    unsafe fn fill(dest: *mut u64, word: u64, blocks: usize);
}

/// 16-byte vectors: `movdqu`, `movntdq`.
#[derive(Clone, Copy, Debug)]
pub struct Sse2;

// SAFETY: asm that does so.
unsafe impl Vector for Sse2 {
    const BYTES: usize = 16;

    #[inline(always)]
    unsafe fn copy(dest: *mut u64, src: *const u8, blocks: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "2:",
                "movdqu xmm0, [{src}]",
                "movdqu xmm1, [{src} + 16]",
                "movdqu xmm2, [{src} + 32]",
                "movdqu xmm3, [{src} + 48]",
                "movntdq [{dest}], xmm0",
                "movntdq [{dest} + 16], xmm1",
                "movntdq [{dest} + 32], xmm2",
                "movntdq [{dest} + 48], xmm3",
                "add {src}, 64",
                "add {dest}, 64",
                "dec {blocks}",
                "jnz 2b",
                src = inout(reg) src => _, dest = inout(reg) dest => _, blocks = inout(reg) blocks => _,
                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
                options(nostack),
            );
        }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, blocks: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "movq xmm0, {word}",
                "punpcklqdq xmm0, xmm0",
                "2:",
                "movntdq [{dest}], xmm0",
                "movntdq [{dest} + 16], xmm0",
                "movntdq [{dest} + 32], xmm0",
                "movntdq [{dest} + 48], xmm0",
                "add {dest}, 64",
                "dec {blocks}",
                "jnz 2b",
                word = in(reg) word, dest = inout(reg) dest => _, blocks = inout(reg) blocks => _,
                out("xmm0") _,
                options(nostack),
            );
        }
    }
}

/// 32-byte vectors: `vmovdqu`, `vmovntdq`.
#[derive(Clone, Copy, Debug)]
pub struct Avx;

// SAFETY: asm that does so.
unsafe impl Vector for Avx {
    const BYTES: usize = 32;

    #[inline(always)]
    unsafe fn copy(dest: *mut u64, src: *const u8, blocks: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "2:",
                "vmovdqu ymm0, [{src}]",
                "vmovdqu ymm1, [{src} + 32]",
                "vmovdqu ymm2, [{src} + 64]",
                "vmovdqu ymm3, [{src} + 96]",
                "vmovntdq [{dest}], ymm0",
                "vmovntdq [{dest} + 32], ymm1",
                "vmovntdq [{dest} + 64], ymm2",
                "vmovntdq [{dest} + 96], ymm3",
                "add {src}, 128",
                "add {dest}, 128",
                "dec {blocks}",
                "jnz 2b",
                "vzeroupper",
                src = inout(reg) src => _, dest = inout(reg) dest => _, blocks = inout(reg) blocks => _,
                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
                options(nostack),
            );
        }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, blocks: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "vmovq xmm0, {word}",
                "vpunpcklqdq xmm0, xmm0, xmm0",
                "vinsertf128 ymm0, ymm0, xmm0, 1",
                "2:",
                "vmovntdq [{dest}], ymm0",
                "vmovntdq [{dest} + 32], ymm0",
                "vmovntdq [{dest} + 64], ymm0",
                "vmovntdq [{dest} + 96], ymm0",
                "add {dest}, 128",
                "dec {blocks}",
                "jnz 2b",
                "vzeroupper",
                word = in(reg) word, dest = inout(reg) dest => _, blocks = inout(reg) blocks => _,
                out("xmm0") _,
                options(nostack),
            );
        }
    }
}

/// 64-byte vectors: `vmovdqu64`, `vmovntdq`.
#[derive(Clone, Copy, Debug)]
pub struct Avx512;

// SAFETY: asm that does so.
unsafe impl Vector for Avx512 {
    const BYTES: usize = 64;

    #[inline(always)]
    unsafe fn copy(dest: *mut u64, src: *const u8, blocks: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "2:",
                "vmovdqu64 zmm0, [{src}]",
                "vmovdqu64 zmm1, [{src} + 64]",
                "vmovdqu64 zmm2, [{src} + 128]",
                "vmovdqu64 zmm3, [{src} + 192]",
                "vmovntdq [{dest}], zmm0",
                "vmovntdq [{dest} + 64], zmm1",
                "vmovntdq [{dest} + 128], zmm2",
                "vmovntdq [{dest} + 192], zmm3",
                "add {src}, 256",
                "add {dest}, 256",
                "dec {blocks}",
                "jnz 2b",
                "vzeroupper",
                src = inout(reg) src => _, dest = inout(reg) dest => _, blocks = inout(reg) blocks => _,
                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
                options(nostack),
            );
        }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, blocks: usize) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "vpbroadcastq zmm0, {word}",
                "2:",
                "vmovntdq [{dest}], zmm0",
                "vmovntdq [{dest} + 64], zmm0",
                "vmovntdq [{dest} + 128], zmm0",
                "vmovntdq [{dest} + 192], zmm0",
                "add {dest}, 256",
                "dec {blocks}",
                "jnz 2b",
                "vzeroupper",
                word = in(reg) word, dest = inout(reg) dest => _, blocks = inout(reg) blocks => _,
                out("xmm0") _,
                options(nostack),
            );
        }
    }
}
