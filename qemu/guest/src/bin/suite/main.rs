//! The bare-metal suite: the library's promises, at the privilege of a kernel, on the NVDIMM that
//! the firmware describes.
//!
//! Parameters: `expect`, the table that selection must find on this CPU, or `refused`; `line`, its
//! line size; `inject`, the name of the table to select where selection refuses; `icount`, where
//! QEMU counts instructions. The cases run in order: those about selection come before anything is
//! selected, the pattern for the host comes last.
//!
//! The kernel runs with floating point and vectors off, so that an instruction of that kind
//! anywhere in the library, outside the guard of a table that is told to use them, would be a trap.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod content;
mod copies;
mod counts;
mod edges;
mod faults;
mod maps;
mod nvdimm;
mod outcome;
mod page_maps;
mod second_cpu;
mod selection;
mod strategies;
mod tables;
mod window;

use kpmem_runtime::{Machine, exit, print, println};
use nvdimm::HostPattern;
use outcome::{Case, Stop};

kpmem_runtime::entry!(kernel);

const CASES: &[&[Case]] = &[
    selection::CASES,
    maps::CASES,
    nvdimm::CASES,
    edges::CASES,
    faults::CASES,
    page_maps::CASES,
    tables::CASES,
    copies::CASES,
    counts::CASES,
    // Late, for an idle second CPU takes its share of the host.
    second_cpu::CASES,
    nvdimm::LAST,
];

fn kernel(machine: &Machine) {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, case) in CASES.iter().copied().flatten() {
        // The name goes first: after a trap or a hang it is the last line.
        print!("test {name} ... ");
        match case(machine) {
            Ok(()) => {
                passed += 1;
                println!("ok");
            }
            Err(Stop::Failed(why)) => {
                failed += 1;
                println!("FAILED: {why}");
            }
            Err(Stop::Skipped(why)) => {
                skipped += 1;
                println!("skipped: {why}");
            }
        }
    }
    if selection::table().is_ok() {
        let HostPattern { seed, offset, len } = nvdimm::host_pattern(machine);
        println!("pattern {seed} {offset} {len}");
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    exit((failed != 0).into())
}
