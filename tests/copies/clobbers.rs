//! Copies by vectors say which registers they change: values around a copy in line survive it.
#![cfg(feature = "vector")]

use std::arch::{
    asm,
    x86_64::{__m256i, _mm256_set1_epi64x},
};

use kpmem::arch::vector::{Avx, Sse2, Vector, Width};

/// Holds six values in registers while `V` copies and fills.
///
/// # Safety
/// The CPU must have AVX2; `blocks` is that of `V`'s call.
#[target_feature(enable = "avx2")]
unsafe fn survivors<V: Vector>(dest: *mut u64, src: *const u8, blocks: usize) -> [[u64; 4]; 6] {
    let of = |value| _mm256_set1_epi64x(value);
    let (mut a, mut b, mut c, mut d, mut e, mut f) = (of(1), of(2), of(3), of(4), of(5), of(6));
    // SAFETY: the caller's; user space has its own registers; and vectors are 32 bytes of integers.
    unsafe {
        asm!("/* {} {} {} {} {} {} */", inout(ymm_reg) a, inout(ymm_reg) b, inout(ymm_reg) c,
            inout(ymm_reg) d, inout(ymm_reg) e, inout(ymm_reg) f, options(nomem, nostack));
        V::copy(dest, src, blocks, true);
        V::fill(dest, 7, blocks, false);
        asm!("/* {} {} {} {} {} {} */", inout(ymm_reg) a, inout(ymm_reg) b, inout(ymm_reg) c,
            inout(ymm_reg) d, inout(ymm_reg) e, inout(ymm_reg) f, options(nomem, nostack));
        [a, b, c, d, e, f].map(|value| std::mem::transmute::<__m256i, [u64; 4]>(value))
    }
}

#[test]
fn the_upper_halves_of_registers_survive() {
    if Width::detect() < Width::Avx || !is_x86_feature_detected!("avx2") {
        return;
    }
    #[repr(align(64))]
    struct Aligned([u64; 64]);
    let (mut dest, src) = (Aligned([0; 64]), [1_u64; 64]);
    let expected = [1, 2, 3, 4, 5, 6].map(|value| [value; 4]);
    // SAFETY: both are 512 bytes, two blocks of the widest.
    unsafe {
        let (dest, src) = (dest.0.as_mut_ptr(), src.as_ptr().cast());
        assert_eq!(survivors::<Sse2>(dest, src, 2), expected);
        assert_eq!(survivors::<Avx>(dest, src, 2), expected);
    }
    assert_eq!(dest.0[..32], [7; 32]);
}
