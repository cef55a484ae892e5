//! The tables of this instruction set: each runs here, if the CPU has its instruction.

use crate::{
    content::check_content,
    outcome::{Case, Outcome, ensure, ensure_eq},
};
use core::ptr::NonNull;
use kpmem::{BYTE, Map, Table, arch, deep::Hints};
#[cfg(target_arch = "aarch64")]
use kpmem::{Error, deep::ByTable};
use kpmem_runtime::Machine;

pub const CASES: &[Case] = &[
    ("every_table_that_the_cpu_has_runs", each_runs),
    ("byte_granularity_runs", byte_runs),
    ("functions_fixed_at_compile_time_run", fixed_runs),
    ("deep_flush_reaches_its_domain", deep),
];

#[cfg(target_arch = "x86_64")]
mod native {
    use super::*;
    use arch::Features;

    pub type Least = arch::Clflush;
    pub static TABLES: [&[Table]; 3] = [&arch::CLWB, &arch::CLFLUSHOPT, &arch::CLFLUSH];

    pub fn can_run(machine: &Machine, table: &Table) -> bool {
        let features = machine.cpu().features;
        match table.name() {
            "clwb" => features.contains(Features::CLWB),
            "clflushopt" => features.contains(Features::CLFLUSHOPT),
            "clflush" => features.contains(Features::CLFLUSH),
            _ => false,
        }
    }

    /// CPUID leaf 1, EBX bits 15 to 8, times 8 (Intel SDM volume 2, "CPUID").
    pub fn hardware_line(_: &Machine) -> usize {
        let leaf = core::arch::x86_64::__cpuid(1);
        (leaf.ebx >> 8 & 0xff) as usize * 8
    }
}

#[cfg(target_arch = "aarch64")]
mod native {
    use super::*;
    use arch::Features;

    pub type Least = arch::Cvac;
    pub static TABLES: [&[Table]; 3] = [&arch::CVADP, &arch::CVAP, &arch::CVAC];

    pub fn can_run(machine: &Machine, table: &Table) -> bool {
        let features = machine.cpu().features;
        match table.name() {
            "cvadp" => features.contains(Features::DPB2),
            "cvap" => features.contains(Features::DPB),
            "cvac" => true,
            _ => false,
        }
    }

    /// CTR_EL0.DminLine, log2 of 4-byte words (Arm ARM, "CTR_EL0").
    pub fn hardware_line(_: &Machine) -> usize {
        let ctr: u64;
        // SAFETY: reads a register.
        unsafe { core::arch::asm!("mrs {}, ctr_el0", out(reg) ctr, options(nomem, nostack)) };
        4 << (ctr >> 16 & 0xf)
    }
}

#[cfg(target_arch = "riscv64")]
mod native {
    use super::*;
    use arch::Features;

    pub type Least = arch::CboClean;
    pub static TABLES: [&[Table]; 2] = [&arch::ZICBOM, &arch::ZICBOM_FLUSH];

    pub fn can_run(machine: &Machine, _: &Table) -> bool {
        machine.cpu().features.contains(Features::ZICBOM)
    }

    /// There is no register: the device tree's `riscv,cbom-block-size`, 0 without Zicbom.
    pub fn hardware_line(machine: &Machine) -> usize {
        machine.block.unwrap_or(0)
    }
}

/// By a hint, as an NFIT has them; and where the CPU knows a deeper point than persist's, to that.
fn deep(machine: &Machine) -> Outcome {
    let Ok(table) = machine.cpu().table() else {
        return Ok(()); // no cache-line map, so nothing to go on from
    };
    // SAFETY: the NVDIMM is mapped write-back, and the CPU has the instruction.
    let map = unsafe { Map::with_table(machine.address(), machine.size(), table) }?;
    let mut register = 0_u64;
    let hint = NonNull::from(&mut register);
    // SAFETY: a word of its own stands in for the register.
    let domain = unsafe { Hints::new([hint]) }?;
    map.deep_flush_start(&domain, map.address(), 200)?;
    // SAFETY: as above.
    ensure_eq!(unsafe { hint.read_volatile() }, 0);
    map.deep_drain(&domain)?;
    // SAFETY: as above.
    ensure_eq!(unsafe { hint.read_volatile() }, 1);
    #[cfg(target_arch = "aarch64")]
    match machine.cpu().deep_table() {
        // SAFETY: the CPU has the instruction, and the domain gets ranges of the map.
        Ok(table) => map.deep_flush(&unsafe { ByTable::new(table) }, map.address(), 200)?,
        Err(error) => {
            let dpb2 = arch::Features::DPB2;
            let expected = matches!(error, Error::NoDeepDomain { .. });
            ensure!(
                expected && !machine.cpu().features.contains(dpb2),
                "{error}"
            );
        }
    }
    Ok(())
}

/// The line size by the hardware's own words, beside what the library made of them.
pub fn hardware_line(machine: &Machine) -> usize {
    native::hardware_line(machine)
}

/// All tables, by instruction.
pub fn all() -> &'static [&'static [Table]] {
    &native::TABLES
}

/// The table of an instruction for this machine's lines.
pub fn named(machine: &Machine, name: &str) -> Option<&'static Table> {
    let mut tables = all().iter().copied().flatten();
    tables.find(|table| table.name() == name && table.line() == hardware_line(machine))
}

/// Those for shorter lines than the CPU's are right too: they only write some lines back twice.
fn each_runs(machine: &Machine) -> Outcome {
    let fits =
        |table: &&Table| table.line() <= hardware_line(machine) && native::can_run(machine, table);
    let mut count = 0;
    for table in all().iter().copied().flatten().filter(fits) {
        // SAFETY: the NVDIMM is mapped write-back, the CPU has the instruction, and its lines are
        // no shorter.
        let map = unsafe { Map::with_table(machine.address(), machine.size(), table) }?;
        check_content(&map, count)?;
        ensure!(
            table.writeback_invalidate_fn().is_some(),
            "{} drops no lines",
            table.name()
        );
        count += 1;
    }
    ensure!(
        count > 0 || machine.cpu().table().is_err(),
        "no table at all"
    );
    Ok(())
}

fn byte_runs(machine: &Machine) -> Outcome {
    // SAFETY: the NVDIMM is mapped; durability is not what this case is about.
    let map = unsafe { Map::with_table(machine.address(), machine.size(), &BYTE) }?;
    check_content(&map, 100)?;
    ensure!(
        BYTE.writeback_invalidate_fn().is_none(),
        "byte granularity drops lines"
    );
    Ok(())
}

fn fixed_runs(machine: &Machine) -> Outcome {
    use kpmem::{Byte, Fixed, Lines};
    // SAFETY: as above.
    let byte: Map<Fixed<Byte>> = unsafe { Map::fixed(machine.address(), machine.size()) }?;
    check_content(&byte, 101)?;
    ensure_eq!(byte.table().name(), BYTE.name());

    if hardware_line(machine) >= 64 && machine.cpu().features != arch::Features::empty() {
        // SAFETY: the NVDIMM is mapped write-back; the CPU has the least of its instruction set's
        // instructions, and its lines are no shorter.
        let lines: Map<Fixed<Lines<native::Least, 64>>> =
            unsafe { Map::fixed(machine.address(), machine.size()) }?;
        check_content(&lines, 102)?;
        ensure_eq!(lines.table().line(), 64);
    }
    Ok(())
}
