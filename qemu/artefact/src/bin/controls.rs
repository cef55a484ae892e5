//! Primitives with one thing wrong each: the harness must refuse every one, or it would not see
//! such a thing in the library.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::{
    arch::asm,
    hint::black_box,
    sync::atomic::{AtomicUsize, Ordering},
};
use kpmem::{DrainFn, Instruction, Lines, Table};
use kpmem_artefact::{
    Functions, collect,
    native::{Best, Other},
};

const COUNT: usize = 8;
static TABLES: [Table; COUNT] = [
    Table::of::<Lines<Vector, 64>>(),
    Table::of::<Lines<Panic, 64>>(),
    Table::of::<Lines<NoFence, 64>>(),
    Table::of::<Lines<Atomic, 64>>(),
    Table::of::<Lines<Call, 64>>(),
    Table::of::<Lines<Wrong, 64>>(),
    Table::of::<Lines<Kept, 64>>(),
    Table::of::<Lines<Unfenced, 64>>(),
];

/// Read by the harness.
#[unsafe(no_mangle)]
static KPMEM_FUNCTIONS: [Functions; COUNT] = collect(&[&TABLES]);

struct Vector;

// SAFETY: never run.
unsafe impl Instruction for Vector {
    const NAME: &'static str = "a vector or float register";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: never run.
        unsafe {
            Best::write_back(line);
            #[cfg(target_arch = "x86_64")]
            asm!("pxor xmm0, xmm0");
            #[cfg(target_arch = "aarch64")]
            asm!(".arch_extension fp", "fmov d0, x0");
            #[cfg(target_arch = "riscv64")]
            asm!("fmv.d.x ft0, zero");
        }
    }

    #[inline(always)]
    fn drain() {
        Best::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

struct Panic;

// SAFETY: never run.
unsafe impl Instruction for Panic {
    const NAME: &'static str = "a panic";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        assert!(!line.is_null(), "a null line");
        // SAFETY: never run.
        unsafe { Best::write_back(line) }
    }

    #[inline(always)]
    fn drain() {
        Best::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

struct NoFence;

// SAFETY: never run.
unsafe impl Instruction for NoFence {
    const NAME: &'static str = "no fence";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: never run.
        unsafe { Best::write_back(line) }
    }

    #[inline(always)]
    fn drain() {}

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

struct Atomic;
static COUNTER: AtomicUsize = AtomicUsize::new(0);

// SAFETY: never run.
unsafe impl Instruction for Atomic {
    const NAME: &'static str = "an atomic";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        COUNTER.fetch_add(1, Ordering::Relaxed);
        // SAFETY: never run.
        unsafe { Best::write_back(line) }
    }

    #[inline(always)]
    fn drain() {
        Best::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

struct Call;

// SAFETY: never run.
unsafe impl Instruction for Call {
    const NAME: &'static str = "a call";

    #[inline(never)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: never run.
        unsafe { Best::write_back(line) }
    }

    #[inline(always)]
    fn drain() {
        Best::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

struct Wrong;

// SAFETY: never run.
unsafe impl Instruction for Wrong {
    const NAME: &'static str = "another instruction";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: never run.
        unsafe { Other::write_back(line) }
    }

    #[inline(always)]
    fn drain() {
        Best::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

struct Kept;

// SAFETY: never run.
unsafe impl Instruction for Kept {
    const NAME: &'static str = "a line that is not dropped";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: never run.
        unsafe { Best::write_back(line) }
    }

    #[inline(always)]
    fn drain() {
        Best::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Best::write_back(line) }
    }

    #[inline(always)]
    fn drain_invalidate() {
        Best::drain_invalidate();
    }
}

struct Unfenced;

// SAFETY: never run.
unsafe impl Instruction for Unfenced {
    const NAME: &'static str = "no fence after a drop";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: never run.
        unsafe { Best::write_back(line) }
    }

    #[inline(always)]
    fn drain() {
        Best::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Best::write_back_invalidate(line) }
    }

    #[inline(always)]
    fn drain_invalidate() {}
}

/// Calls and jumps through a pointer.
///
/// # Safety
/// Never called.
#[unsafe(no_mangle)]
unsafe extern "C" fn kpmem_indirect(drain: DrainFn) {
    // SAFETY: never called.
    unsafe {
        drain();
        drain();
    }
}

#[unsafe(no_mangle)]
extern "C" fn kpmem_entry() {
    black_box(&raw const KPMEM_FUNCTIONS);
    black_box(kpmem_indirect as *const u8);
}

#[cfg(not(target_os = "none"))]
fn main() {
    kpmem_entry();
}
