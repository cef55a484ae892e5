//! What the library makes of firmware's tables, in a kernel on machines that differ in their
//! memory.

use crate::{
    arch::Arch,
    boot::{End, Vm},
    image::{DEFAULT_SIZE, Image},
    machine::Machine,
    report::{Case, Suite},
};
use anyhow::Result;
use std::{path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);

/// A machine, and what the kernel must say of it.
struct Variant {
    arch: Arch,
    name: &'static str,
    /// Arguments of QEMU beside those of the machine with one NVDIMM.
    extra: &'static str,
    /// Its lines between boot and end, in order.
    lines: &'static [&'static str],
}

const fn variant(
    arch: Arch,
    name: &'static str,
    extra: &'static str,
    lines: &'static [&'static str],
) -> Variant {
    Variant {
        arch,
        name,
        extra,
        lines,
    }
}

const BY_LINE: &str = "range 0x4000000 bytes at 0x100000000 by NFIT: cache-line granularity, domain \
                       0, 1 devices, 0 hints, state []";
const BY_BYTE: &str = "range 0x4000000 bytes at 0x100000000 by NFIT: byte granularity, domain 0, 1 \
                       devices, 0 hints, state []";
const MAPPED: &str = "map of cache-line granularity: Ok(())";
const MAPPED_BY_BYTE: &str = "map of byte granularity: Ok(())";

const VARIANTS: [Variant; 9] = [
    variant(Arch::X86_64, "no statement", "", &[BY_LINE, MAPPED]),
    variant(
        Arch::X86_64,
        "mem-ctrl",
        "-machine nvdimm-persistence=mem-ctrl",
        &[BY_LINE, MAPPED],
    ),
    variant(
        Arch::X86_64,
        "cpu",
        "-machine nvdimm-persistence=cpu",
        &[BY_BYTE, MAPPED_BY_BYTE],
    ),
    variant(
        Arch::X86_64,
        "two NVDIMMs, one with labels",
        "-object memory-backend-ram,id=more,size=32M -device nvdimm,memdev=more,label-size=128K",
        &[
            BY_LINE,
            MAPPED,
            "range 0x1e00000 bytes at 0x104000000 by NFIT: cache-line granularity, domain 0, 1 \
             devices, 0 hints, state []",
            "no map: the persistent memory of 0x1e00000 bytes at 0x104000000 is not mapped",
        ],
    ),
    variant(
        Arch::X86_64,
        "an NVDIMM that is not armed",
        "-object memory-backend-ram,id=more,size=32M -device nvdimm,memdev=more,unarmed=on",
        &[
            BY_LINE,
            MAPPED,
            "range 0x2000000 bytes at 0x104000000 by NFIT: cache-line granularity, domain 0, 1 \
             devices, 0 hints, state [not armed]",
            "no map: the device 0x2 of the persistent memory at 0x104000000 is not armed",
        ],
    ),
    variant(
        Arch::X86_64,
        "CXL",
        "-machine cxl=on,cxl-fmw.0.targets.0=cxl.1,cxl-fmw.0.size=4G \
         -device pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl.1 -device cxl-rp,port=0,bus=cxl.1,id=rp,slot=2 \
         -object memory-backend-ram,id=more,size=256M -object memory-backend-ram,id=lsa,size=256K \
         -device cxl-type3,bus=rp,persistent-memdev=more,lsa=lsa,id=pmem0",
        &[
            BY_LINE,
            MAPPED,
            // Where the kernel may map what it finds behind the bridge.
            "window 0x100000000 bytes at 0x280000000: Restrictions(DEVICE_COHERENT | \
             HOST_ONLY_COHERENT | VOLATILE | PERSISTENT)",
            "range 0x80000000 bytes at 0x280000000 by CEDT: cache-line granularity, domain none, 0 \
             devices, 0 hints, state []",
        ],
    ),
    variant(
        Arch::Aarch64,
        "no statement",
        "",
        &[
            "range 0x4000000 bytes at 0x80000000 by NFIT: cache-line granularity, domain 0, 1 \
             devices, 0 hints, state []",
            MAPPED,
        ],
    ),
    variant(
        Arch::Aarch64,
        "cpu",
        "-machine nvdimm-persistence=cpu",
        &[
            "range 0x4000000 bytes at 0x80000000 by NFIT: byte granularity, domain 0, 1 devices, 0 \
             hints, state []",
            MAPPED_BY_BYTE,
        ],
    ),
    variant(
        Arch::Riscv64,
        "device tree",
        "",
        &["blocks clean=Some(64) zero=Some(64)"],
    ),
];

/// Boots each machine of an instruction set and compares.
pub fn run(arch: Arch, kernel: &Path) -> Result<Suite> {
    let mut suite = Suite::new("platform", Some(arch), None);
    for variant in VARIANTS.iter().filter(|variant| variant.arch == arch) {
        let (lines, end) = boot(variant, kernel)?;
        let result = judge(&lines, &end, variant.lines);
        suite.add(Case::from_result(
            format!("{} is read", variant.name),
            result,
        ));
    }
    Ok(suite)
}

fn boot(variant: &Variant, kernel: &Path) -> Result<(Vec<String>, End)> {
    let mut machine = Machine::new(variant.arch);
    machine.extra = variant
        .extra
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let (image, mut lines) = (Image::fresh(DEFAULT_SIZE)?, Vec::new());
    let vm = Vm::boot(&machine, kernel, &image, "")?;
    let end = vm.run(LIMIT, |line| lines.push(line.text.trim_end().to_owned()))?;
    Ok((lines, end))
}

fn judge(lines: &[String], end: &End, expected: &[&str]) -> Result<(), String> {
    let said = || format!("the guest said:\n    {}", lines.join("\n    "));
    if *end != End::Exit(0) {
        return Err(format!("{end}; {}", said()));
    }
    match lines {
        [_, between @ .., done] if done == "done" && between == expected => Ok(()),
        _ => Err(said()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told() {
        let lines = ["boot", "range", "done"].map(str::to_owned);
        assert!(judge(&lines, &End::Exit(0), &["range"]).is_ok());
        for (lines, end, expected) in [
            (&lines[..], End::Exit(0), &["other"][..]),
            (&lines[..], End::Exit(0), &[]),
            (&lines[..], End::Exit(3), &["range"]),
            (&lines[..2], End::Exit(0), &["range"]),
            (&[], End::Exit(0), &[]),
        ] {
            assert!(judge(lines, &end, expected).is_err());
        }
    }
}
