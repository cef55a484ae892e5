//! Copies by vectors, which are a little faster past the cache, and up to twice as fast in the
//! nearest one: only with the feature `vector`, and only inside a guard of the caller's, since the
//! registers belong to whoever was interrupted.
//!
//! SDM Volume 1, "Detection of AVX Instructions" and "Detection of AVX-512 Foundation
//! Instructions": CPUID says what the CPU can, XCR0 what the system has enabled. With CPUID alone,
//! a kernel that enables no AVX would die of an invalid opcode.
//!
//! ```
//! use kpmem::{Guard, Map, arch::{Cpu, Clwb, vector::Width}};
//!
//! # fn kernel_fpu_begin() {}
//! # fn kernel_fpu_end() {}
//! /// The vector registers are the kernel's.
//! struct KernelFpu;
//!
//! // SAFETY: both count; between them the task stays, and its registers are saved.
//! unsafe impl Guard for KernelFpu {
//!     type State = ();
//!     fn enter() {
//!         kernel_fpu_begin();
//!     }
//!     fn leave((): ()) {
//!         kernel_fpu_end();
//!     }
//! }
//!
//! let (width, cpu) = (Width::detect(), Cpu::detect());
//! let by_line = width.table::<Clwb, KernelFpu>(cpu)?; // where the CPU has `clwb`
//! assert_eq!(by_line.line(), 64);
//!
//! # let mut memory = vec![0_u64; 512];
//! # let base = memory.as_mut_ptr().cast::<u8>();
//! // SAFETY: the range is mapped write-back, and what has left a core is durable.
//! let map = unsafe { Map::with_table(base, 4096, width.byte_table::<KernelFpu>(cpu))? };
//! // SAFETY: nothing else uses the map.
//! unsafe { map.memset(base, 0, 4096, kpmem::Flags::empty())? };
//!
//! // The stores themselves, for a table of one's own: from 512 bytes on, inside the guard.
//! use kpmem::{Lines, Table, arch::{Mov, Movnti, SmallCached, vector::*}};
//!
//! type Past<V> = Vectors<V, KernelFpu, Movnti, 512>;
//! type Through<V> = Vectors<V, KernelFpu, Mov, 512>;
//! type Mine<V> = Lines<Clwb, 64, SmallCached<Past<V>, Through<V>>>;
//! static TABLES: [Table; 3] =
//!     [Table::of::<Mine<Sse2>>(), Table::of::<Mine<Avx>>(), Table::of::<Mine<Avx512>>()];
//! assert_eq!(<Avx512 as Vector>::BYTES, 64);
//! # Ok::<(), kpmem::Error>(())
//! ```

#[path = "vector/widths.rs"]
mod widths;

pub use widths::{Avx, Avx512, Sse2, Vector};

use core::{arch::asm, marker::PhantomData};

use raw_cpuid::{CpuId, CpuIdReader, CpuIdReaderNative};

use super::{
    ByteCopies, ClzeroByteCopies, Cpu, DurableCache, Features, LineCopies, Movnti, PastCache,
    SmallCached,
};
use crate::{
    Byte, Error, Instruction, Lines, Table,
    copy::stores,
    tuning::{Copies, Stores, Word},
};

pub use crate::Guard;

/// The most bytes that are copied or filled inside one guard: what a kernel has preemption off for,
/// which is a few microseconds. A longer copy leaves the guard and enters it again.
pub const GUARDED: usize = 16 << 10;

/// The vectors of a CPU and its system.
///
/// ```
/// use kpmem::arch::vector::Width;
///
/// // A CPU that reports no AVX, whose XCR0 is not asked.
/// let nothing = |_leaf, _subleaf| raw_cpuid::CpuIdResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
/// assert_eq!(Width::from_cpuid(nothing, || unreachable!()), Width::Sse2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Width {
    /// 16 bytes: every x86-64 CPU.
    Sse2,
    /// 32 bytes.
    Avx,
    /// 64 bytes.
    Avx512,
}

impl Width {
    /// The widest vectors that CPUID and XCR0 of this CPU allow.
    #[must_use]
    pub fn detect() -> Self {
        let xcr0 = || {
            let (low, high): (u32, u32);
            // SAFETY: called if CPUID reports OSXSAVE, and then the register can be read at any
            // privilege level.
            unsafe {
                asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
            }
            u64::from(high) << 32 | u64::from(low)
        };
        Self::from_cpuid(CpuIdReaderNative, xcr0)
    }

    /// The same of another CPU. `xcr0` is asked only if CPUID reports that it can be.
    pub fn from_cpuid(reader: impl CpuIdReader, xcr0: impl FnOnce() -> u64) -> Self {
        /// XCR0: SSE and AVX state; with the opmask and the two halves of ZMM.
        const YMM: u64 = 0b110;
        const ZMM: u64 = 0b1110_0110;
        let cpuid = CpuId::with_cpuid_reader(reader);
        let basic = cpuid.get_feature_info();
        let (Some(true), Some(true)) = (
            basic.as_ref().map(|f| f.has_oxsave()),
            basic.as_ref().map(|f| f.has_avx()),
        ) else {
            return Self::Sse2;
        };
        let enabled = xcr0();
        let extended = cpuid.get_extended_feature_info();
        if enabled & ZMM == ZMM && extended.is_some_and(|f| f.has_avx512f()) {
            Self::Avx512
        } else if enabled & YMM == YMM {
            Self::Avx
        } else {
            Self::Sse2
        }
    }

    /// The table of `I` for 64-byte lines whose copies use vectors of this width inside `G`, tuned
    /// for `cpu`. Who makes a map with it vouches for both.
    ///
    /// # Errors
    /// [`Error::LineSize`] if the CPU's lines are not of 64 bytes.
    pub fn table<I: Instruction, G: Guard>(self, cpu: Cpu) -> Result<&'static Table, Error> {
        if cpu.line != 64 {
            return Err(Error::LineSize {
                line: cpu.line,
                instruction: I::NAME,
            });
        }
        let amd = cpu.features.contains(Features::CLZERO);
        Ok(match self {
            Self::Sse2 => line_table::<I, Sse2, G>(amd),
            Self::Avx => line_table::<I, Avx, G>(amd),
            Self::Avx512 => line_table::<I, Avx512, G>(amd),
        })
    }

    /// The same for byte granularity, where vectors also go through the cache.
    #[must_use]
    pub fn byte_table<G: Guard>(self, cpu: Cpu) -> &'static Table {
        let amd = cpu.features.contains(Features::CLZERO);
        match self {
            Self::Sse2 => byte_table::<Sse2, G>(amd),
            Self::Avx => byte_table::<Avx, G>(amd),
            Self::Avx512 => byte_table::<Avx512, G>(amd),
        }
    }
}

fn line_table<I: Instruction, V: Vector, G: Guard>(amd: bool) -> &'static Table {
    if amd {
        const { &Table::of::<Lines<I, 64, ClzeroVectorCopies<V, G>>>() }
    } else {
        const { &Table::of::<Lines<I, 64, VectorCopies<V, G>>>() }
    }
}

fn byte_table<V: Vector, G: Guard>(amd: bool) -> &'static Table {
    if amd {
        const { &Table::of::<Byte<ClzeroVectorByteCopies<V, G>>>() }
    } else {
        const { &Table::of::<Byte<VectorByteCopies<V, G>>>() }
    }
}

/// The bytes that pay for the guard.
const FROM: usize = 256;

/// By vectors, or `S` for a few bytes.
type Wide<V, G, S> = Vectors<V, G, S, FROM>;

/// Cache-line granularity: by vectors, past the cache, and through it where the flags say so.
pub type VectorCopies<V, G> =
    SmallCached<Wide<V, G, Movnti>, Wide<V, G, <LineCopies as Copies>::Temporal>>;
/// Byte granularity: by vectors, through the cache and past it.
pub type VectorByteCopies<V, G> =
    DurableCache<Wide<V, G, <ByteCopies as Copies>::Temporal>, Wide<V, G, Movnti>, false>;
/// [`VectorCopies`] on a CPU with `clzero`.
pub type ClzeroVectorCopies<V, G> = PastCache<Wide<V, G, Movnti>>;
/// [`VectorByteCopies`] on a CPU with `clzero`.
pub type ClzeroVectorByteCopies<V, G> =
    DurableCache<Wide<V, G, <ClzeroByteCopies as Copies>::Temporal>, Wide<V, G, Movnti>, true>;

/// Vectors of `V` inside `G`, for copies and fills of at least `FROM` bytes in ascending order; `S`
/// for all else, and through the cache or past it as `S` is.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<V, G, S, const FROM: usize>(PhantomData<(V, G, S)>);

// SAFETY: a vector store is aligned to its size, which is that of two words or more; the rest is
// what `S` does.
unsafe impl<V: Vector, G: Guard, S: Stores, const FROM: usize> Stores for Vectors<V, G, S, FROM> {
    const CACHED: bool = S::CACHED;

    #[inline(always)]
    fn fetch(dest: *mut u64, words: usize) {
        S::fetch(dest, words);
    }

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller's.
        unsafe { S::word(dest, word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, words: [Word; 4]) {
        // SAFETY: the caller's.
        unsafe { S::block(dest, words) }
    }

    #[inline(always)]
    unsafe fn copy_up(dest: *mut u64, src: *const u8, words: usize) {
        // SAFETY: the caller's.
        unsafe {
            if words < FROM / 8 {
                S::copy_up(dest, src, words);
            } else {
                copy_up::<V, G, S>(dest, src, words);
            }
        }
    }

    #[inline(always)]
    unsafe fn copy_down(dest: *mut u64, src: *const u8, words: usize) {
        // SAFETY: the caller's.
        unsafe { S::copy_down(dest, src, words) }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        // SAFETY: the caller's.
        unsafe {
            if words < FROM / 8 {
                S::fill(dest, word, words);
            } else {
                fill::<V, G, S>(dest, word, words);
            }
        }
    }
}

/// [`Stores::copy_up`] by vectors. Not in line, so that a small copy saves no register for it.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn copy_up<V: Vector, G: Guard, S: Stores>(dest: *mut u64, src: *const u8, words: usize) {
    let (head, blocks) = split::<V>(dest, words);
    let rest = head + blocks * block_words::<V>();
    // SAFETY: the caller's; the parts make up the range, and the guard lends the vectors.
    unsafe {
        S::fetch(dest, words);
        stores::words_up::<S>(dest, src, head);
        guarded::<V, G>(blocks, |block, blocks| {
            let at = head + block * block_words::<V>();
            V::copy(dest.add(at), src.add(at * 8), blocks, S::CACHED);
        });
        stores::words_up::<S>(
            dest.wrapping_add(rest),
            src.wrapping_add(rest * 8),
            words - rest,
        );
    }
}

/// [`Stores::fill`] by vectors.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn fill<V: Vector, G: Guard, S: Stores>(dest: *mut u64, word: u64, words: usize) {
    let (head, blocks) = split::<V>(dest, words);
    let rest = head + blocks * block_words::<V>();
    // SAFETY: as in `copy_up`.
    unsafe {
        S::fetch(dest, words);
        stores::words_fill::<S>(dest, word, head);
        guarded::<V, G>(blocks, |block, blocks| {
            V::fill(
                dest.add(head + block * block_words::<V>()),
                word,
                blocks,
                S::CACHED,
            );
        });
        stores::words_fill::<S>(dest.wrapping_add(rest), word, words - rest);
    }
}

/// Calls `part` with the first block and the number of blocks of each part, inside the guard.
#[inline(always)]
fn guarded<V: Vector, G: Guard>(blocks: usize, part: impl Fn(usize, usize)) {
    let most = const { GUARDED / 8 / block_words::<V>() };
    let mut done = 0;
    while done < blocks {
        let now = most.min(blocks - done);
        let state = G::enter();
        part(done, now);
        G::leave(state);
        done += now;
    }
}

const fn block_words<V: Vector>() -> usize {
    4 * V::BYTES / 8
}

/// The words before the first line, and the blocks that follow.
#[inline(always)]
fn split<V: Vector>(dest: *mut u64, words: usize) -> (usize, usize) {
    let head = (dest.addr().wrapping_neg() % 64 / 8).min(words);
    (head, (words - head) / block_words::<V>())
}
