//! What a flush, a drain and a persist are made of: the two traits that an instruction set fills
//! in.

use core::marker::PhantomData;

use crate::{Granularity, arch, range::for_each_line, tuning::Copies};

/// One instruction that writes a cache line back, with the fence that completes it.
///
/// Each file in `arch/` implements this for its instructions. Implement it yourself to add one, or
/// to record calls in a test.
///
/// ```
/// use kpmem::{Instruction, Lines, Table};
///
/// /// A cache controller that does everything in `drain`.
/// struct Controller;
/// # fn write_back_all() {}
///
/// // SAFETY: its call completes when all lines are in memory, and is opaque to the compiler.
/// unsafe impl Instruction for Controller {
///     const NAME: &'static str = "controller";
///
///     unsafe fn write_back(_line: *const u8) {}
///
///     fn drain() {
///         write_back_all();
///     }
///
///     unsafe fn write_back_invalidate(_line: *const u8) {}
/// }
///
/// static BY_CONTROLLER: Table = Table::of::<Lines<Controller, 64>>();
/// assert_eq!(BY_CONTROLLER.name(), "controller");
/// ```
///
/// # Safety
/// When `drain` returns, every store that this CPU made to a line before its `write_back` of that
/// line, in program order, must be in the persistence domain, and so must every earlier store past
/// the cache (see [`Stores`](crate::tuning::Stores)). When `drain_invalidate` returns, the same
/// must hold of `write_back_invalidate`, and this CPU's later loads must not find the line in a
/// cache as it was before. The compiler must not be able to move memory accesses across any of
/// these functions (in inline asm: no `nomem`).
pub unsafe trait Instruction {
    /// The instruction's mnemonic, which also names its tables.
    const NAME: &'static str;

    /// Starts to write back the line that holds the byte at `line`.
    ///
    /// # Safety
    /// The address must be mapped for this CPU, and the CPU must have the instruction.
    unsafe fn write_back(line: *const u8);

    /// Waits until every earlier `write_back` of this CPU is complete.
    fn drain();

    /// Starts to write back the line that holds the byte at `line`, and then to drop it from the
    /// caches. Never drops what was not written back.
    ///
    /// # Safety
    /// As for [`write_back`](Self::write_back).
    unsafe fn write_back_invalidate(line: *const u8);

    /// Waits until every earlier `write_back_invalidate` of this CPU is complete, and lets no later
    /// load begin before.
    #[inline(always)]
    fn drain_invalidate() {
        Self::drain();
    }
}

/// A complete set of functions for one [`Granularity`]: what a [`Table`](crate::Table) points to,
/// and what [`Map::fixed`](crate::Map::fixed) inlines.
///
/// ```
/// use kpmem::{Byte, Granularity, Primitives, Table};
///
/// /// Byte granularity that counts its drains.
/// struct Counted;
/// # fn count() {}
///
/// // SAFETY: it does what `Byte` does.
/// unsafe impl Primitives for Counted {
///     const NAME: &'static str = "counted";
///     const GRANULARITY: Granularity = Granularity::Byte;
///     const LINE: usize = 1;
///     type Copies = <Byte as Primitives>::Copies;
///
///     unsafe fn flush(_ptr: *const u8, _len: usize) {}
///
///     fn drain() {
///         count();
///         Byte::<Self::Copies>::drain();
///     }
/// }
///
/// static COUNTED: Table = Table::of::<Counted>();
/// assert_eq!(COUNTED.granularity(), Granularity::Byte);
/// ```
///
/// # Safety
/// After `flush` of a range and then `drain` on the same CPU, all stores that the CPU made to the
/// range before `flush` must be durable. After `writeback_invalidate` they must be durable and the
/// range in no cache, if [`INVALIDATES`](Self::INVALIDATES).
pub unsafe trait Primitives: Sized {
    /// The name of the table.
    const NAME: &'static str;
    /// The granularity at which these functions are right.
    const GRANULARITY: Granularity;
    /// Bytes that one write-back covers; 1 where `flush` does nothing.
    const LINE: usize;
    /// Whether there is a `writeback_invalidate`.
    const INVALIDATES: bool = false;
    /// How copies are made.
    type Copies: Copies;

    /// Starts to make the `len` bytes at `ptr` durable. No bytes: nothing happens.
    ///
    /// # Safety
    /// The range must be mapped for this CPU and must not wrap past 2^64.
    unsafe fn flush(ptr: *const u8, len: usize);

    /// Waits until all earlier flushes of this CPU are durable.
    fn drain();

    /// `flush`, then `drain`.
    ///
    /// # Safety
    /// As for [`flush`](Self::flush).
    #[inline(always)]
    unsafe fn persist(ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { Self::flush(ptr, len) };
        Self::drain();
    }

    /// Writes each line of the range back, drops it from the caches, and waits for that. Called
    /// only if [`INVALIDATES`](Self::INVALIDATES).
    ///
    /// # Safety
    /// As for [`flush`](Self::flush).
    #[inline(always)]
    unsafe fn writeback_invalidate(ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { Self::persist(ptr, len) }
    }
}

/// Cache-line granularity by the instruction `I`, for lines of `LINE` bytes (a power of two, 8 or
/// more): each line that a range touches is written back once. Copies are tuned by `C`.
///
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// static LARGE: kpmem::Table = kpmem::Table::of::<kpmem::Lines<kpmem::arch::Clflush, 128>>();
/// assert_eq!(LARGE.line(), 128);
/// # }
/// ```
///
/// Another size does not compile, as a word would be flushed in part, or no line found:
///
/// ```compile_fail
/// static SMALL: kpmem::Table = kpmem::Table::of::<kpmem::Lines<kpmem::arch::Clflush, 4>>();
/// println!("{SMALL:?}");
/// ```
/// ```compile_fail
/// static ODD: kpmem::Table = kpmem::Table::of::<kpmem::Lines<kpmem::arch::Clflush, 48>>();
/// println!("{ODD:?}");
/// ```
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// static RIGHT: kpmem::Table = kpmem::Table::of::<kpmem::Lines<kpmem::arch::Clflush, 32>>();
/// println!("{RIGHT:?}");
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lines<I, const LINE: usize, C = arch::LineCopies>(PhantomData<(I, C)>);

// SAFETY: `for_each_line` visits every line of the range, and `I` vouches for write-back and drain,
// `C` for the stores.
unsafe impl<I: Instruction, const LINE: usize, C: Copies> Primitives for Lines<I, LINE, C> {
    const NAME: &'static str = I::NAME;
    const GRANULARITY: Granularity = Granularity::CacheLine;
    const LINE: usize = LINE;
    const INVALIDATES: bool = true;
    type Copies = C;

    #[inline(always)]
    unsafe fn flush(ptr: *const u8, len: usize) {
        for_each_line::<LINE>(ptr, len, |line| {
            // SAFETY: the caller vouches that the range is mapped; a line that it touches lies in a
            // page that it touches.
            unsafe { I::write_back(line) }
        });
    }

    #[inline(always)]
    fn drain() {
        I::drain();
    }

    #[inline(always)]
    unsafe fn writeback_invalidate(ptr: *const u8, len: usize) {
        for_each_line::<LINE>(ptr, len, |line| {
            // SAFETY: as in `flush`.
            unsafe { I::write_back_invalidate(line) }
        });
        I::drain_invalidate();
    }
}

/// Byte granularity: what has left the core is durable, so only the store fence of the instruction
/// set is left. Copies are tuned by `C`.
///
/// ```
/// use kpmem::{Byte, Fixed, Map};
///
/// # let mut memory = vec![0_u64; 512];
/// # let (base, len) = (memory.as_mut_ptr().cast::<u8>(), 4096);
/// // SAFETY: the range is mapped write-back, and what has left a core is durable.
/// let map: Map<Fixed<Byte>> = unsafe { Map::fixed(base, len)? };
/// map.persist(base, len)?; // one fence
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Byte<C = arch::ByteCopies>(PhantomData<C>);

// SAFETY: the creator of a byte-granularity map vouches that every store which left the core is
// durable; the fence makes them leave.
unsafe impl<C: Copies> Primitives for Byte<C> {
    const NAME: &'static str = "byte";
    const GRANULARITY: Granularity = Granularity::Byte;
    const LINE: usize = 1;
    type Copies = C;

    #[inline(always)]
    unsafe fn flush(_ptr: *const u8, _len: usize) {}

    #[inline(always)]
    fn drain() {
        arch::store_fence();
    }
}
