//! Seeded bugs: the library with one thing wrong, in the ways that people get it wrong. Each is a
//! whole set of tables, so the crash simulator sees the instructions that such a library would
//! execute.
//!
//! Here are the bugs that any instruction set can have; the wrong barriers and instructions are in
//! a file for each set.

use core::{arch::asm, marker::PhantomData};

use kpmem::{
    Byte, Granularity, Instruction, Lines, Primitives, Table,
    arch::{self, Cpu},
};

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod native;

mod copies;

pub use native::Correct;

/// One table for each line size from 16 to 256 bytes, whatever sizes the table itself believes in.
pub type BySize = [Table; 5];

/// The table of the bug with this name, for a CPU with lines of `line` bytes.
pub fn find(name: &str, line: usize) -> Option<&'static Table> {
    let mut all = GENERIC.iter().chain(native::MUTANTS).chain(copies::MUTANTS);
    let (_, tables) = all.find(|(n, _)| *n == name)?;
    tables.get(line.trailing_zeros().checked_sub(4)? as usize)
}

/// What the bug with this name takes the CPU for.
pub fn misdetect(name: &str, cpu: Cpu) -> Option<Cpu> {
    let (_, detect) = native::MISDETECTED.iter().find(|(n, _)| *n == name)?;
    Some(detect(cpu))
}

/// Detection gone wrong: from what the CPU is, to what it is taken for.
type Misdetect = fn(Cpu) -> Cpu;

static GENERIC: &[(&str, BySize)] = &[
    (
        "last-line-skipped",
        [
            Table::of::<UnroundedStart<Correct, 16>>(),
            Table::of::<UnroundedStart<Correct, 32>>(),
            Table::of::<UnroundedStart<Correct, 64>>(),
            Table::of::<UnroundedStart<Correct, 128>>(),
            Table::of::<UnroundedStart<Correct, 256>>(),
        ],
    ),
    (
        "first-line-skipped",
        [
            Table::of::<StartRoundedUp<Correct, 16>>(),
            Table::of::<StartRoundedUp<Correct, 32>>(),
            Table::of::<StartRoundedUp<Correct, 64>>(),
            Table::of::<StartRoundedUp<Correct, 128>>(),
            Table::of::<StartRoundedUp<Correct, 256>>(),
        ],
    ),
    (
        "stride-doubled",
        [
            Table::of::<Lines<Correct, 32>>(),
            Table::of::<Lines<Correct, 64>>(),
            Table::of::<Lines<Correct, 128>>(),
            Table::of::<Lines<Correct, 256>>(),
            Table::of::<Lines<Correct, 512>>(),
        ],
    ),
    ("final-fence-missing", Table::of_sizes::<FenceMissing>()),
    ("flush-removed", Table::of_sizes::<Removed>()),
    ("flush-does-nothing", Table::of_sizes::<Nothing>()),
    ("invalidated-unwritten", Table::of_sizes::<Unwritten>()),
    (
        "invalidate-last-line-skipped",
        [
            Table::of::<UnroundedDrop<Correct, 16>>(),
            Table::of::<UnroundedDrop<Correct, 32>>(),
            Table::of::<UnroundedDrop<Correct, 64>>(),
            Table::of::<UnroundedDrop<Correct, 128>>(),
            Table::of::<UnroundedDrop<Correct, 256>>(),
        ],
    ),
    (
        "invalidate-fence-missing",
        Table::of_sizes::<InvalidateFenceMissing>(),
    ),
    ("eadr-assumed", [const { Table::of::<Byte>() }; 5]),
];

/// The loop as most people write it: from the start itself, by whole lines, while below the end.
struct UnroundedStart<I, const LINE: usize>(PhantomData<I>);

// SAFETY: none: this is the bug. The workloads that use it store nothing that must last.
unsafe impl<I: Instruction, const LINE: usize> Primitives for UnroundedStart<I, LINE> {
    const NAME: &'static str = I::NAME;
    const GRANULARITY: Granularity = Granularity::CacheLine;
    const LINE: usize = LINE;
    type Copies = arch::PlainCopies;

    unsafe fn flush(ptr: *const u8, len: usize) {
        for line in (ptr.addr()..ptr.addr() + len).step_by(LINE) {
            // SAFETY: the caller vouches for the range.
            unsafe { I::write_back(ptr.with_addr(line)) };
        }
    }

    fn drain() {
        I::drain();
    }
}

/// The flush is right, and the loop that drops lines is the one above.
struct UnroundedDrop<I, const LINE: usize>(PhantomData<I>);

// SAFETY: none: this is the bug.
unsafe impl<I: Instruction, const LINE: usize> Primitives for UnroundedDrop<I, LINE> {
    const NAME: &'static str = I::NAME;
    const GRANULARITY: Granularity = Granularity::CacheLine;
    const LINE: usize = LINE;
    const INVALIDATES: bool = true;
    type Copies = arch::PlainCopies;

    unsafe fn flush(ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { Lines::<I, LINE>::flush(ptr, len) };
    }

    fn drain() {
        I::drain();
    }

    unsafe fn writeback_invalidate(ptr: *const u8, len: usize) {
        for line in (ptr.addr()..ptr.addr() + len).step_by(LINE) {
            // SAFETY: the caller vouches for the range.
            unsafe { I::write_back_invalidate(ptr.with_addr(line)) };
        }
        I::drain_invalidate();
    }
}

/// The start is rounded the wrong way.
struct StartRoundedUp<I, const LINE: usize>(PhantomData<I>);

// SAFETY: none: this is the bug.
unsafe impl<I: Instruction, const LINE: usize> Primitives for StartRoundedUp<I, LINE> {
    const NAME: &'static str = I::NAME;
    const GRANULARITY: Granularity = Granularity::CacheLine;
    const LINE: usize = LINE;
    type Copies = arch::PlainCopies;

    unsafe fn flush(ptr: *const u8, len: usize) {
        for line in (ptr.addr().next_multiple_of(LINE)..ptr.addr() + len).step_by(LINE) {
            // SAFETY: the caller vouches for the range.
            unsafe { I::write_back(ptr.with_addr(line)) };
        }
    }

    fn drain() {
        I::drain();
    }
}

/// Flushes, and never waits.
struct FenceMissing;

// SAFETY: none: this is the bug.
unsafe impl Instruction for FenceMissing {
    const NAME: &'static str = Correct::NAME;

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { Correct::write_back(line) }
    }

    fn drain() {}

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// The flush has a result that nobody needs and is said to touch no memory, so the compiler removes
/// it.
struct Removed;

// SAFETY: none: this is the bug.
unsafe impl Instruction for Removed {
    const NAME: &'static str = Correct::NAME;

    unsafe fn write_back(line: *const u8) {
        let _unused: usize;
        // SAFETY: an empty instruction sequence, where a flush would stand.
        unsafe {
            asm!("/* {} {} */", in(reg) line.addr(), out(reg) _unused, options(pure, nomem, nostack))
        };
    }

    fn drain() {
        Correct::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// The fallback for a CPU that cannot flush: nothing.
struct Nothing;

// SAFETY: none: this is the bug.
unsafe impl Instruction for Nothing {
    const NAME: &'static str = "nothing";

    unsafe fn write_back(_line: *const u8) {}

    fn drain() {
        Correct::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// Drops a line without having written it back.
struct Unwritten;

// SAFETY: none: this is the bug.
unsafe impl Instruction for Unwritten {
    const NAME: &'static str = Correct::NAME;

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { Correct::write_back(line) }
    }

    fn drain() {
        Correct::drain();
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller vouches for the line; emulation has no cache that could lose it.
        unsafe { native::discard(line) }
    }
}

/// Writes back and drops, and never waits.
struct InvalidateFenceMissing;

// SAFETY: none: this is the bug.
unsafe impl Instruction for InvalidateFenceMissing {
    const NAME: &'static str = Correct::NAME;

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { Correct::write_back(line) }
    }

    fn drain() {
        Correct::drain();
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: as above.
        unsafe { Correct::write_back_invalidate(line) }
    }

    fn drain_invalidate() {}
}
