//! Copies by vectors say which registers they change: values around a copy in line survive it.
#![cfg(feature = "vector")]

use std::{
    arch::x86_64::{__m256i, _mm256_add_epi64, _mm256_set1_epi64x},
    hint::black_box,
};

use kpmem::arch::vector::{Avx, Sse2, Vector, Width};

/// More values than a function can keep elsewhere, each in a whole register.
const VALUES: usize = 12;

/// # Safety
/// The CPU must have AVX2; `blocks` is that of `V`'s call.
#[target_feature(enable = "avx2")]
unsafe fn survivors<V: Vector>(dest: *mut u64, src: *const u8, blocks: usize) -> Vec<[u64; 4]> {
    let one = _mm256_set1_epi64x(black_box(1));
    let mut values = [one; VALUES];
    for i in 1..VALUES {
        values[i] = _mm256_add_epi64(values[i - 1], one);
    }
    // SAFETY: the caller's; user space has its own registers.
    unsafe {
        V::copy(dest, src, blocks, true);
        V::fill(dest, 7, blocks, false);
    }
    // SAFETY: both are 32 bytes of integers.
    let words = |value| unsafe { std::mem::transmute::<__m256i, [u64; 4]>(value) };
    values
        .map(|value| words(_mm256_add_epi64(value, one)))
        .into()
}

#[test]
fn the_upper_halves_of_registers_survive() {
    if Width::detect() < Width::Avx || !is_x86_feature_detected!("avx2") {
        return;
    }
    #[repr(align(64))]
    struct Aligned([u64; 64]);
    let (mut dest, src) = (Aligned([0; 64]), [1_u64; 64]);
    let expected: Vec<_> = (2..2 + VALUES as u64).map(|value| [value; 4]).collect();
    // SAFETY: both are 512 bytes, two blocks of the widest.
    unsafe {
        let (dest, src) = (dest.0.as_mut_ptr(), src.as_ptr().cast());
        assert_eq!(survivors::<Sse2>(dest, src, 2), expected);
        assert_eq!(survivors::<Avx>(dest, src, 2), expected);
    }
    assert_eq!(dest.0[..32], [7; 32]);
}
