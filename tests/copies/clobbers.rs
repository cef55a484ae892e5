//! Copies by vectors say which registers they change: values around a copy in line survive it.
#![cfg(feature = "vector")]

use std::{
    arch::{
        asm,
        x86_64::{__m256i, _mm256_set1_epi64x},
    },
    marker::PhantomData,
};

use kpmem::{
    Byte, Fixed, Flags, Lines, Map, NoGuard,
    arch::vector::{Avx, Avx512, Sse2, Vector, VectorByteCopies, VectorCopies, Width},
};

use super::strategies::Best;

const BYTES: usize = 512;

/// Copies and fills 512 bytes, through the cache and past it, the last with sevens.
trait Copier {
    /// # Safety
    /// Both are that long, `dest` aligned to a line, and the CPU has the vectors.
    unsafe fn run(dest: *mut u64, src: *const u8);
}

/// The loops of `V` alone.
struct Bare<V>(PhantomData<V>);

impl<V: Vector> Copier for Bare<V> {
    #[inline(always)]
    unsafe fn run(dest: *mut u64, src: *const u8) {
        let blocks = BYTES / (4 * V::BYTES);
        // SAFETY: the caller's; user space has its own registers.
        unsafe {
            V::copy(dest, src, blocks, true);
            V::fill(dest, 0, blocks, false);
            V::copy(dest, src, blocks, false);
            V::fill(dest, u64::from_ne_bytes([7; 8]), blocks, true);
        }
    }
}

/// Maps that are fixed at compile time, which plan their copies in line.
struct Through<V>(PhantomData<V>);

impl<V: Vector> Copier for Through<V> {
    #[inline(always)]
    unsafe fn run(dest: *mut u64, src: *const u8) {
        type Line<V> = Lines<Best, 64, VectorCopies<V, NoGuard>>;
        type OfBytes<V> = Byte<VectorByteCopies<V, NoGuard>>;
        let dest = dest.cast();
        // SAFETY: as in `Bare`.
        unsafe {
            let (line, byte) = (
                Map::<Fixed<Line<V>>>::fixed(dest, BYTES).unwrap(),
                Map::<Fixed<OfBytes<V>>>::fixed(dest, BYTES).unwrap(),
            );
            line.memmove(dest, src, BYTES, Flags::empty()).unwrap();
            line.memset(dest, 0, BYTES, Flags::TEMPORAL).unwrap();
            byte.memmove(dest, src, BYTES, Flags::empty()).unwrap();
            byte.memset(dest, 7, BYTES, Flags::NONTEMPORAL).unwrap();
        }
    }
}

/// Holds six values in registers while `C` runs.
///
/// # Safety
/// The CPU must have AVX2; and as for `C`.
#[target_feature(enable = "avx2")]
unsafe fn survivors<C: Copier>(dest: *mut u64, src: *const u8) -> [[u64; 4]; 6] {
    let of = |value| _mm256_set1_epi64x(value);
    let (mut a, mut b, mut c, mut d, mut e, mut f) = (of(1), of(2), of(3), of(4), of(5), of(6));
    // SAFETY: the caller's; and vectors are 32 bytes of integers.
    unsafe {
        asm!("/* {} {} {} {} {} {} */", inout(ymm_reg) a, inout(ymm_reg) b, inout(ymm_reg) c,
            inout(ymm_reg) d, inout(ymm_reg) e, inout(ymm_reg) f, options(nomem, nostack));
        C::run(dest, src);
        asm!("/* {} {} {} {} {} {} */", inout(ymm_reg) a, inout(ymm_reg) b, inout(ymm_reg) c,
            inout(ymm_reg) d, inout(ymm_reg) e, inout(ymm_reg) f, options(nomem, nostack));
        [a, b, c, d, e, f].map(|value| std::mem::transmute::<__m256i, [u64; 4]>(value))
    }
}

fn check<C: Copier>() {
    #[repr(align(64))]
    struct Aligned([u8; BYTES]);
    let (mut dest, src) = (Aligned([0; BYTES]), [1_u8; BYTES]);
    // SAFETY: both are long enough, and who calls this asked for the vectors.
    let survivors = unsafe { survivors::<C>(dest.0.as_mut_ptr().cast(), src.as_ptr()) };
    assert_eq!(survivors, [1, 2, 3, 4, 5, 6].map(|value| [value; 4]));
    assert_eq!(dest.0, [7; BYTES]);
}

#[test]
fn the_upper_halves_of_registers_survive() {
    if Width::detect() < Width::Avx || !is_x86_feature_detected!("avx2") {
        return;
    }
    check::<Bare<Sse2>>();
    check::<Bare<Avx>>();
    check::<Through<Sse2>>();
    check::<Through<Avx>>();
    if Width::detect() >= Width::Avx512 {
        check::<Bare<Avx512>>();
        check::<Through<Avx512>>();
    }
}
