//! How many instructions a call executes: where time means nothing, in emulation, this is exact and
//! repeatable.
//!
//! With `-icount shift=0`, which the parameter `icount` vouches for, QEMU's counters advance by one
//! for each instruction.

use crate::{
    outcome::{Case, Outcome, Stop, ensure, ensure_eq},
    selection::table,
};
use core::hint::black_box;
use kpmem::{BYTE, PersistFn};
use kpmem_runtime::Machine;

pub const CASES: &[Case] = &[
    ("a_line_takes_two_instructions_beside_its_own", by_line),
    ("a_word_is_a_handful_of_instructions", by_word),
    ("copies_take_few_instructions", copies),
];

/// What a call costs beside its lines: arguments, rounding, the fence, the return.
const CONSTANT: u64 = 24;

#[cfg(target_arch = "x86_64")]
fn now() -> u64 {
    // SAFETY: reads a counter; every x86-64 CPU has it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Arm ARM, "PMCCNTR_EL0": the cycle counter, which must be enabled.
#[cfg(target_arch = "aarch64")]
fn now() -> u64 {
    let cycles: u64;
    // SAFETY: at EL1 these registers can be accessed, and nothing else uses them.
    unsafe {
        core::arch::asm!(
            "msr PMCNTENSET_EL0, {bit}",
            "msr PMCR_EL0, {one}",
            "isb",
            "mrs {cycles}, PMCCNTR_EL0",
            bit = in(reg) 1_u64 << 31,
            one = in(reg) 1_u64,
            cycles = out(reg) cycles,
        );
    }
    cycles
}

#[cfg(target_arch = "riscv64")]
fn now() -> u64 {
    let instructions: u64;
    // SAFETY: the boot code allows this counter in S-mode.
    unsafe { core::arch::asm!("rdinstret {}", out(reg) instructions) };
    instructions
}

unsafe extern "C" fn nothing(_: *const u8, _: usize) {}

/// The same instructions around every call.
#[inline(never)]
fn once(call: &dyn Fn()) -> u64 {
    let begin = now();
    call();
    now() - begin
}

/// Instructions of one call, without what it takes to count them. The same each time.
fn count(machine: &Machine, call: impl Fn()) -> Result<u64, Stop> {
    if machine.args.get("icount").is_none() {
        return Err(Stop::Skipped("QEMU does not count instructions"));
    }
    let empty: PersistFn = black_box(nothing);
    let start = machine.address();
    // SAFETY: it does nothing.
    let base = once(&|| unsafe { empty(black_box(start), black_box(8)) });
    let (first, second) = (once(&call), once(&call));
    ensure_eq!(first, second);
    Ok(first.saturating_sub(base))
}

/// Makes aligned bytes durable.
fn persist(machine: &Machine, function: PersistFn, len: usize) -> Result<u64, Stop> {
    let function = black_box(function);
    let start = machine.address();
    // SAFETY: inside the NVDIMM; the CPU has the instruction.
    count(machine, || unsafe {
        function(black_box(start), black_box(len))
    })
}

fn by_line(machine: &Machine) -> Outcome {
    let table = table()?;
    let drops = table.writeback_invalidate_fn().expect("lines");
    // Arm's clean of a line and the instruction that drops it are two, but for `dc cvac`'s.
    let two = ["cvap", "cvadp"].contains(&table.name());
    let each_drop = if two { 2 } else { 1 };
    for (function, each) in [
        (table.flush_fn(), 1),
        (table.persist_fn(), 1),
        (drops, each_drop),
    ] {
        for len in [4096, 65536] {
            let taken = persist(machine, function, len)?;
            let lines = (len / table.line()) as u64;
            // Beside its own, a line takes an addition and a branch.
            let (least, most) = (each * lines, (each + 2) * lines + CONSTANT);
            ensure!(
                taken >= least,
                "only {taken} instructions for {lines} lines, not {least}"
            );
            ensure!(
                taken <= most,
                "{taken} instructions for {lines} lines, not {most}"
            );
        }
        // Eight lines more cost the same each time, however the compiler unrolled the loop.
        let lines = |count| persist(machine, function, count * table.line());
        let (few, more, most) = (lines(16)?, lines(24)?, lines(32)?);
        ensure_eq!(more - few, most - more);
        let round = (more - few) / 8;
        ensure!(
            (each..=each + 2).contains(&round),
            "{round} instructions for one line more"
        );
    }
    Ok(())
}

fn by_word(machine: &Machine) -> Outcome {
    for (table, most) in [(table()?, 18), (&BYTE, 6)] {
        let taken = persist(machine, table.persist_fn(), 8)?;
        ensure!(
            taken <= most,
            "{} takes {taken} instructions, not {most}",
            table.name()
        );
    }
    Ok(())
}

fn copies(machine: &Machine) -> Outcome {
    for (table, flushes) in [(table()?, true), (&BYTE, false)] {
        for len in [8, 64, 4096] {
            let memmove = black_box(table.memmove_fn());
            let (dest, src) = (machine.address(), machine.address().wrapping_add(1 << 20));
            let taken = count(machine, || {
                // SAFETY: inside the NVDIMM; the CPU has the instructions.
                unsafe { memmove(black_box(dest), black_box(src), black_box(len), 0) };
            })?;
            let (words, lines) = (len as u64 / 8, len.div_ceil(table.line()) as u64);
            // A load and a store for each word, a loop around four or fewer, and a flush for each
            // KiB.
            let most = 4 * words
                + if flushes {
                    3 * lines + 40 * (1 + len as u64 / 1024)
                } else {
                    0
                }
                + 100;
            ensure!(
                taken <= most,
                "{len} bytes take {taken} instructions, not {most}"
            );
        }
    }
    Ok(())
}
