//! The loops of the three vector widths: four vectors an iteration.
//!
//! SDM Volume 2, "MOVNTDQ": stores a vector past the cache, aligned to its size; "MOVDQA": the same
//! through the cache. SDM Volume 1, "Mixing AVX and SSE Code": VZEROUPPER before code without AVX.

use core::arch::asm;

/// One vector width.
///
/// # Safety
/// The functions must store what they say, by stores that are aligned to a vector.
pub unsafe trait Vector {
    /// Bytes of a vector.
    const BYTES: usize;

    /// Copies `blocks` times four vectors, through the cache or past it.
    ///
    /// # Safety
    /// Both ranges must be valid, `dest` aligned to a vector and not inside the source, `blocks`
    /// not 0; the CPU must have the vectors and nobody else may need what is in them.
    unsafe fn copy(dest: *mut u64, src: *const u8, blocks: usize, cached: bool);

    /// Stores `word` to `blocks` times four vectors, through the cache or past it.
    ///
    /// # Safety
    /// As for [`copy`](Self::copy).
    unsafe fn fill(dest: *mut u64, word: u64, blocks: usize, cached: bool);
}

macro_rules! copy {
    ($load:literal, $store:literal, $register:literal, $end:literal, $dest:ident, $src:ident, $blocks:ident) => {
        asm!(
            "2:",
            concat!($load, " ", $register, "0, [rsi]"),
            concat!($load, " ", $register, "1, [rsi + {bytes}]"),
            concat!($load, " ", $register, "2, [rsi + 2 * {bytes}]"),
            concat!($load, " ", $register, "3, [rsi + 3 * {bytes}]"),
            concat!($store, " [rdi], ", $register, "0"),
            concat!($store, " [rdi + {bytes}], ", $register, "1"),
            concat!($store, " [rdi + 2 * {bytes}], ", $register, "2"),
            concat!($store, " [rdi + 3 * {bytes}], ", $register, "3"),
            "add rsi, 4 * {bytes}",
            "add rdi, 4 * {bytes}",
            "dec rcx",
            "jnz 2b",
            $end,
            inout("rsi") $src => _, inout("rdi") $dest => _, inout("rcx") $blocks => _,
            bytes = const Self::BYTES,
            clobber_abi("sysv64"),
            options(nostack),
        )
    };
}

macro_rules! fill {
    ($splat:literal, $store:literal, $register:literal, $end:literal, $dest:ident, $word:ident, $blocks:ident) => {
        asm!(
            $splat,
            "2:",
            concat!($store, " [rdi], ", $register, "0"),
            concat!($store, " [rdi + {bytes}], ", $register, "0"),
            concat!($store, " [rdi + 2 * {bytes}], ", $register, "0"),
            concat!($store, " [rdi + 3 * {bytes}], ", $register, "0"),
            "add rdi, 4 * {bytes}",
            "dec rcx",
            "jnz 2b",
            $end,
            in("rax") $word, inout("rdi") $dest => _, inout("rcx") $blocks => _,
            bytes = const Self::BYTES,
            clobber_abi("sysv64"),
            options(nostack),
        )
    };
}

macro_rules! width {
    (
        $(#[$doc:meta])* $name:ident: $bytes:literal bytes in $register:literal,
        $load:literal, $cached:literal, $past:literal, splat $splat:literal, end $end:literal
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        // SAFETY: asm that does so.
        unsafe impl Vector for $name {
            const BYTES: usize = $bytes;

            #[inline(always)]
            unsafe fn copy(dest: *mut u64, src: *const u8, blocks: usize, cached: bool) {
                // SAFETY: the caller's.
                unsafe {
                    if cached {
                        copy!($load, $cached, $register, $end, dest, src, blocks)
                    } else {
                        copy!($load, $past, $register, $end, dest, src, blocks)
                    }
                }
            }

            #[inline(always)]
            unsafe fn fill(dest: *mut u64, word: u64, blocks: usize, cached: bool) {
                // SAFETY: the caller's.
                unsafe {
                    if cached {
                        fill!($splat, $cached, $register, $end, dest, word, blocks)
                    } else {
                        fill!($splat, $past, $register, $end, dest, word, blocks)
                    }
                }
            }
        }
    };
}

width! {
    /// 16-byte vectors.
    Sse2: 16 bytes in "xmm", "movdqu", "movdqa", "movntdq",
    splat "movq xmm0, rax; punpcklqdq xmm0, xmm0", end ""
}

width! {
    /// 32-byte vectors.
    Avx: 32 bytes in "ymm", "vmovdqu", "vmovdqa", "vmovntdq",
    splat "vmovq xmm0, rax; vpunpcklqdq xmm0, xmm0, xmm0; vinsertf128 ymm0, ymm0, xmm0, 1", end "vzeroupper"
}

width! {
    /// 64-byte vectors.
    Avx512: 64 bytes in "zmm", "vmovdqu64", "vmovdqa64", "vmovntdq",
    splat "vpbroadcastq zmm0, rax", end "vzeroupper"
}
