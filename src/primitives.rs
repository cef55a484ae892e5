//! What a flush, a drain and a persist are made of: the two traits that an instruction set fills in.

use core::marker::PhantomData;

use crate::{Granularity, arch, range::for_each_line};

/// One instruction that writes a cache line back, with the fence that completes it.
///
/// Each file in `arch/` implements this for its instructions. Implement it yourself to add one, or to record calls in a test.
///
/// # Safety
/// When `drain` returns, every store that this CPU made to a line before its `write_back` of that line, in program order, must be in
/// the persistence domain. The compiler must not be able to move memory accesses across either function (in inline asm: no `nomem`).
pub unsafe trait Instruction {
    /// The instruction's mnemonic, which also names its tables.
    const NAME: &'static str;

    /// Starts to write back the line that holds the address `line`.
    ///
    /// # Safety
    /// The address must be mapped for this CPU, and the CPU must have the instruction.
    unsafe fn write_back(line: usize);

    /// Waits until every earlier `write_back` of this CPU is complete.
    fn drain();
}

/// A complete set of functions for one [`Granularity`]: what a [`Table`](crate::Table) points to, and what
/// [`Map::fixed`](crate::Map::fixed) inlines.
///
/// # Safety
/// After `flush` of a range and then `drain` on the same CPU, all stores that the CPU made to the range before `flush` must be
/// durable.
pub unsafe trait Primitives {
    /// The name of the table.
    const NAME: &'static str;
    /// The granularity at which these functions are right.
    const GRANULARITY: Granularity;
    /// Bytes that one write-back covers; 1 where `flush` does nothing.
    const LINE: usize;

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
}

/// Cache-line granularity by the instruction `I`, for lines of `LINE` bytes: each line that a range touches is written back once.
#[derive(Clone, Copy, Debug)]
pub struct Lines<I, const LINE: usize>(PhantomData<I>);

// SAFETY: `for_each_line` visits every line of the range, and `I` vouches for write-back and drain.
unsafe impl<I: Instruction, const LINE: usize> Primitives for Lines<I, LINE> {
    const NAME: &'static str = I::NAME;
    const GRANULARITY: Granularity = Granularity::CacheLine;
    const LINE: usize = LINE;

    #[inline(always)]
    unsafe fn flush(ptr: *const u8, len: usize) {
        for_each_line::<LINE>(ptr.addr(), len, |line| {
            // SAFETY: the caller vouches that the range is mapped; a line that it touches lies in a page that it touches.
            unsafe { I::write_back(line) }
        });
    }

    #[inline(always)]
    fn drain() {
        I::drain();
    }
}

/// Byte granularity: what has left the core is durable, so only the store fence of the instruction set is left.
#[derive(Clone, Copy, Debug)]
pub struct Byte;

// SAFETY: the creator of a byte-granularity map vouches that every store which left the core is durable; the fence makes them leave.
unsafe impl Primitives for Byte {
    const NAME: &'static str = "byte";
    const GRANULARITY: Granularity = Granularity::Byte;
    const LINE: usize = 1;

    #[inline(always)]
    unsafe fn flush(_ptr: *const u8, _len: usize) {}

    #[inline(always)]
    fn drain() {
        arch::store_fence();
    }
}
