//! What a kernel says to the crash simulator.
//!
//! A mark is one instruction that does nothing on real hardware, and in QEMU without the simulator:
//! a long NOP with a displacement on x86_64, an unallocated HINT on aarch64, `slti x0, x0, imm` on
//! riscv64. Up to three numbers go with it in the first argument registers of the C ABI (rdi, rsi,
//! rdx; x0, x1, x2; a0, a1, a2); C kernels include `kpmem_marks.h`, which is in this package's
//! folder `include`.
//!
//! # How a kernel is explored
//! 1. It prepares its persistent memory and says [`begin`].
//! 2. It works, and says [`claim`] whenever it relies on bytes being durable. The simulator checks
//!    at once that they are.
//! 3. It says [`end`]. With a recovery to check, it goes on in a loop: for each [`Crash`] that
//!    [`next_crash`] puts in memory it recovers, as after a reboot, and gives its [`verdict`].
//!
//! [`next_crash`] reports through a [`Mailbox`]: the last page of the persistent memory, which the
//! simulator does not track and the workload must leave alone. Recovery must depend on nothing that
//! an earlier recovery left in ordinary memory; the simulator boots the kernel again on a sample of
//! the crashes and compares the verdicts.
//!
//! ```
//! use kpmem_marks::{Crash, MAILBOX, Mailbox, begin, claim, crash_point, end, next_crash, verdict};
//!
//! # #[repr(align(4096))] struct Memory([u8; 8192]);
//! # let mut memory = Memory([0; 8192]);
//! # let pmem = memory.0.as_mut_ptr();
//! # fn persist(_ptr: *const u8, _len: usize) {}
//! # fn recover(_crash: Crash) -> u64 { 0 }
//! begin(1);
//! // SAFETY: nothing else uses the first byte.
//! unsafe { pmem.write_volatile(42) };
//! crash_point(); // images of this moment, too
//! persist(pmem, 1);
//! claim(pmem, 1, 1); // the byte is durable
//! end();
//!
//! // SAFETY: the last page is the simulator's.
//! let mailbox = unsafe { pmem.add(8192 - MAILBOX) }.cast::<Mailbox>();
//! // SAFETY: as above.
//! while let Some(crash) = unsafe { next_crash(mailbox) } {
//!     verdict(recover(crash)); // 0: what was claimed is there
//! }
//! ```
#![no_std]

use core::{arch::asm, ptr};

/// The marks, by the number in the instruction.
///
/// ```
/// use kpmem_marks::{Op, X86_DISPLACEMENT};
///
/// // What a disassembler shows of a claim on x86_64: `nopl 0x6b706d02(%rax)`.
/// assert_eq!(X86_DISPLACEMENT + Op::Claim as u32, 0x6b70_6d02);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
    /// A workload starts: its number.
    Begin = 0,
    /// It is over.
    End = 1,
    /// Bytes are durable: address, length, the workload's number for the claim.
    Claim = 2,
    /// Crash images are wanted of this moment too.
    CrashPoint = 3,
    /// The next crash image, please; the answer is in the mailbox.
    NextCrash = 4,
    /// What recovery found: 0 is good, anything else the workload's own number.
    Verdict = 5,
    /// Pages lie there: virtual address, physical address, length.
    Mapped = 6,
    /// Is the workload to be run once more? The answer is in the mailbox.
    Again = 7,
}

impl Op {
    /// All of them, by number.
    pub const ALL: [Self; 8] = [
        Self::Begin,
        Self::End,
        Self::Claim,
        Self::CrashPoint,
        Self::NextCrash,
        Self::Verdict,
        Self::Mapped,
        Self::Again,
    ];
}

/// x86_64: displacement of `nopl disp32(%rax)` (0F 1F 80 disp32); the mark's number is added.
pub const X86_DISPLACEMENT: u32 = 0x6b70_6d00;
/// aarch64: number of the HINT; the mark's number is added.
pub const AARCH64_HINT: u32 = 0x60;
/// riscv64: immediate of `slti x0, x0, imm`; the mark's number is added.
pub const RISCV64_IMMEDIATE: u32 = 0x4b0;

/// Bytes of the mailbox, at the end of the persistent memory.
pub const MAILBOX: usize = 4096;

/// What [`next_crash`] answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Mailbox {
    /// [`Mailbox::MAGIC`] if a simulator answered.
    pub magic: u64,
    /// 1 if a crash image is in memory, 0 if there are no more.
    pub more: u64,
    /// Number of the workload that had begun last.
    pub begin: u64,
    /// How many claims it had made.
    pub claims: u64,
    /// The number of the last one, if there were any.
    pub last_claim: u64,
}

impl Mailbox {
    /// Says that a simulator wrote it.
    pub const MAGIC: u64 = u64::from_le_bytes(*b"kpmemcut");
}

/// A power cut, as recovery meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Number of the workload that had begun last.
    pub begin: u64,
    /// How many claims it had made: these must hold.
    pub claims: u64,
    /// The number of the last one, if there were any.
    pub last_claim: u64,
}

/// Starts the workload of this number. What the memory holds now is durable.
#[inline(always)]
pub fn begin(id: u64) {
    mark::<{ Op::Begin as u32 }>(id, 0, 0);
}

/// Ends the workload.
#[inline(always)]
pub fn end() {
    mark::<{ Op::End as u32 }>(0, 0, 0);
}

/// Says that `len` bytes at `ptr` are durable. The simulator reports a violation if a crash could
/// still lose one of them.
#[inline(always)]
pub fn claim(ptr: *const u8, len: usize, id: u64) {
    mark::<{ Op::Claim as u32 }>(ptr.addr() as u64, len as u64, id);
}

/// Asks for crash images of this moment, besides those before each barrier and at each claim.
#[inline(always)]
pub fn crash_point() {
    mark::<{ Op::CrashPoint as u32 }>(0, 0, 0);
}

/// Has the next crash image put in memory; `None` when there are no more, or no simulator is there.
///
/// # Safety
/// `mailbox` must be the last [`MAILBOX`] bytes of the persistent memory.
pub unsafe fn next_crash(mailbox: *mut Mailbox) -> Option<Crash> {
    mark::<{ Op::NextCrash as u32 }>(0, 0, 0);
    // SAFETY: the caller vouches for the page, which nobody else uses.
    let answer = unsafe { ptr::read_volatile(mailbox) };
    (answer.magic == Mailbox::MAGIC && answer.more == 1).then_some(Crash {
        begin: answer.begin,
        claims: answer.claims,
        last_claim: answer.last_claim,
    })
}

/// Whether the workload is to be run once more, from its [`begin`] on: then the persistent memory
/// is again what it was at the first one. The simulator has several CPUs take turns in another way
/// each time (`cargo xtask crash --schedules`). What the workload uses in ordinary memory, and what
/// the other CPUs do before `begin`, must be the same each time too. `false` where no simulator is
/// there.
///
/// ```
/// # #[repr(align(4096))] struct Memory([u8; 8192]);
/// # let mut memory = Memory([0; 8192]);
/// # let pmem = memory.0.as_mut_ptr();
/// # fn run() {}
/// # let mailbox = unsafe { pmem.add(4096) }.cast();
/// loop {
///     run(); // begin, the work of all CPUs, end, recovery of each crash
///     // SAFETY: the last page of the persistent memory is the simulator's.
///     if !unsafe { kpmem_marks::again(mailbox) } {
///         break;
///     }
/// }
/// ```
///
/// # Safety
/// `mailbox` must be the last [`MAILBOX`] bytes of the persistent memory.
pub unsafe fn again(mailbox: *mut Mailbox) -> bool {
    mark::<{ Op::Again as u32 }>(0, 0, 0);
    // SAFETY: the caller vouches for the page, which nobody else uses.
    let answer = unsafe { ptr::read_volatile(mailbox) };
    answer.magic == Mailbox::MAGIC && answer.more == 1
}

/// Says where virtual pages lie in physical memory. The simulator finds out by itself where one CPU
/// runs; where several do, it may need to be told of pages that nothing was stored to yet.
///
/// ```
/// # let page = [0_u8; 4096];
/// kpmem_marks::mapped(page.as_ptr(), 0x1_0000_0000, page.len());
/// ```
#[inline(always)]
pub fn mapped(ptr: *const u8, physical: u64, len: usize) {
    mark::<{ Op::Mapped as u32 }>(ptr.addr() as u64, physical, len as u64);
}

/// Says what recovery found: 0 if all is well, else a number that means something to the workload.
#[inline(always)]
pub fn verdict(code: u64) {
    mark::<{ Op::Verdict as u32 }>(code, 0, 0);
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn mark<const OP: u32>(a: u64, b: u64, c: u64) {
    // SAFETY: a NOP. It is not `nomem`: the simulator reads and writes memory here.
    unsafe {
        asm!(
            ".byte 0x0f, 0x1f, 0x80",
            ".long {}",
            const X86_DISPLACEMENT + OP,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn mark<const OP: u32>(a: u64, b: u64, c: u64) {
    // SAFETY: a hint that no extension has allocated is a NOP. It is not `nomem`: the simulator
    // reads and writes memory here.
    unsafe {
        asm!(
            "hint #{}",
            const AARCH64_HINT + OP,
            in("x0") a,
            in("x1") b,
            in("x2") c,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(target_arch = "riscv64")]
#[inline(always)]
fn mark<const OP: u32>(a: u64, b: u64, c: u64) {
    // SAFETY: a HINT encoding, which does nothing. It is not `nomem`: the simulator reads and
    // writes memory here.
    unsafe {
        asm!(
            "slti x0, x0, {}",
            const RISCV64_IMMEDIATE + OP,
            in("a0") a,
            in("a1") b,
            in("a2") c,
            options(nostack, preserves_flags),
        );
    }
}
