//! Functions in C that are right or wrong on purpose: `qemu/judged/c/`.

use super::{Ask, compile, question};
use crate::{
    arch::Arch,
    crash::plan::Cpu,
    judge,
    report::{Case, Suite},
};
use anyhow::Result;
use std::path::Path;

/// Bugs that every instruction set can have, and words of the sentence that tells of each.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "persist",
        "wrong_rounding",
        "(base+0x3f, 2) leaves line +0x40 unflushed",
    ),
    ("persist", "wrong_last_line", "unflushed"),
    ("persist", "wrong_count", "unflushed"),
    ("persist", "wrong_register", "unflushed"),
    ("persist", "wrong_no_fence", "without having waited"),
    (
        "persist",
        "wrong_nothing",
        "(base+0x0, 1) leaves line +0x0 unflushed",
    ),
    ("persist", "wrong_order", "without having waited"),
    ("memcpy", "wrong_memcpy_torn", "in parts"),
    ("memcpy", "wrong_memcpy_tail", "unflushed"),
    ("memcpy", "wrong_memcpy_content", "leaves another byte"),
    ("memmove", "wrong_memmove_forwards", "leaves another byte"),
    ("memset", "wrong_memset_unflushed", "unflushed"),
    ("persist", "wrong_long", "unflushed"),
    ("persist", "wrong_empty", "did not come to its end"),
    (
        "memcpy",
        "wrong_memcpy_reads_on",
        "reads behind the end of its source",
    ),
    ("memmove", "wrong_memmove_one_way", "leaves another byte"),
    ("memset", "wrong_memset_overruns", "leaves another byte"),
    ("persist", "wrong_same_line", "unflushed"),
    ("persist", "wrong_same_range", "unflushed"),
    ("persist", "wrong_first_call", "unflushed"),
    ("persist", "wrong_16_bits", "unflushed"),
    ("persist", "wrong_page_threes", "unflushed"),
    (
        "memcpy",
        "wrong_memcpy_returns_end",
        "does not return its destination",
    ),
    ("memcpy", "wrong_memcpy_neighbour", "leaves another byte"),
    ("memcpy", "wrong_memcpy_source", "changes its source"),
    ("memset", "wrong_memset_value", "leaves another byte"),
    ("memset", "wrong_memset_shortcut", "leaves another byte"),
];

/// Bugs of one instruction set.
fn wrong_of(arch: Arch) -> &'static [(&'static str, &'static str, &'static str)] {
    match arch {
        Arch::X86_64 => &[
            ("persist", "wrong_lfence", "without having waited"),
            ("memcpy", "wrong_memcpy_movnti", "without having waited"),
        ],
        Arch::Aarch64 => &[
            ("persist", "wrong_rounding", "unflushed"),
            ("persist", "wrong_dmb", "without having waited"),
            ("persist", "wrong_dsb_ishst", "without having waited"),
            ("persist", "wrong_cvac", "unflushed"),
        ],
        Arch::Riscv64 => &[
            ("persist", "wrong_rounding", "unflushed"),
            ("persist", "wrong_fence_r_r", "without having waited"),
            ("persist", "wrong_fence_w_w", "without having waited"),
        ],
    }
}

/// What is asked of them on one CPU.
pub fn asks(suite: &mut Suite, cpu: Cpu, folder: &Path) -> Result<Vec<Ask>> {
    let arch = cpu.arch;
    let mut asks = Vec::new();
    let object = compile(arch, arch.name(), folder)?;
    let all = [
        ("persist", "right_persist"),
        ("flush", "right_flush"),
        ("drain", "right_drain"),
        ("memcpy", "right_memcpy"),
        ("memmove", "right_memmove"),
        ("memset", "right_memset"),
    ];
    // A copy of exactly a word is among these.
    asks.push(Ask::right(
        format!("right functions in C on {arch} are called right"),
        question(cpu, &object, &all, 7),
    ));
    if arch == Arch::Aarch64 {
        asks.push(Ask::right(
            "the order of Linux is right".to_owned(),
            question(cpu, &object, &[("persist", "right_linux")], 13),
        ));
    }
    let general: &[_] = if arch == Arch::X86_64 { WRONG } else { &[] };
    for (what, symbol, words) in general.iter().chain(wrong_of(arch)) {
        // The smallest counterexample has to be looked for everywhere.
        let step = if words.contains("base") { 1 } else { 21 };
        asks.push(Ask::wrong(
            format!("{symbol} on {arch} is found"),
            question(cpu, &object, &[(what, symbol)], step),
            words,
        ));
    }
    let marks = compile(arch, "marks", folder)?;
    suite.add(Case::from_result(
        format!("kpmem_marks.h on {arch} says what kpmem-marks says"),
        header(&marks),
    ));
    asks.push(Ask::right(
        format!("a claim in C on {arch} that holds is no fault"),
        question(cpu, &marks, &[("persist", "right_claim")], 50),
    ));
    asks.push(Ask::wrong(
        format!("a claim in C on {arch} that comes too early is found"),
        question(cpu, &marks, &[("persist", "wrong_claim")], 50),
        "unflushed",
    ));
    Ok(asks)
}

/// Every mark, in the order of their numbers, as the simulator decodes them.
fn header(object: &Path) -> Result<(), String> {
    let found = judge::marks_in(object, "all_marks").map_err(|error| format!("{error:#}"))?;
    let expected: Vec<u8> = (0..=7).collect();
    if found == expected {
        Ok(())
    } else {
        Err(format!("the marks are {found:?}, not {expected:?}"))
    }
}
