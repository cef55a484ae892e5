//! The library's features: every set that means something of its own builds, without a warning.

use crate::{
    arch::Arch,
    parallel, process,
    report::{Case, Suite},
    toolchain::Toolchain,
    workspace,
};
use anyhow::Result;

/// Features that build upon each other: a set has one of each group.
const OF_A_CPU: [&str; 3] = ["", "detect", "vector"];
const OF_PAGES: [&str; 3] = ["", "page", "virtio-pmem"];
const OF_FIRMWARE: [&str; 5] = ["", "nfit", "acpi", "fdt", "acpi,fdt"];
/// Features that add methods and touch no other: alone, together, and with everything.
const OF_TYPES: [&str; 4] = [
    "bytemuck",
    "zerocopy",
    "bytemuck,zerocopy",
    "vector,virtio-pmem,acpi,fdt,bytemuck,zerocopy",
];
/// The release that `fdt` needs, because its dependency does.
const FOR_FDT: (u32, u32) = (1, 88);

/// The host, and the bare targets.
const TARGETS: [Option<Arch>; 4] = [
    None,
    Some(Arch::X86_64),
    Some(Arch::Aarch64),
    Some(Arch::Riscv64),
];

/// Checks the library with each set for each target. Each target has a directory of its own, since
/// in one they would only wait for each other.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("features", None, None);
    for (target, result) in TARGETS.iter().zip(parallel::map(&TARGETS, |it| each(*it))) {
        let name = target.map_or("the host", Arch::target);
        let (sets, faults) = result?;
        suite.add(Case::check(
            format!("{sets} sets of features build for {name} without a warning"),
            sets > 0 && faults.is_empty(),
            faults.join("\n"),
        ));
    }
    let warned = fault(&Toolchain::active()?, None, "", "-Wunsafe_code")?;
    suite.add(Case::check(
        "negative control: a warning is a fault",
        warned.is_some_and(|said| said.contains("warning")),
        "it was none",
    ));
    Ok(suite)
}

/// How many sets were checked, and what was said of those that are at fault.
fn each(target: Option<Arch>) -> Result<(usize, Vec<String>)> {
    let toolchain = target.map_or_else(Toolchain::active, Toolchain::require)?;
    let with_fdt = toolchain.version()? >= FOR_FDT;
    let mut faults = Vec::new();
    let sets: Vec<_> = sets(target)
        .into_iter()
        .filter(|set| with_fdt || !set.contains("fdt"))
        .collect();
    for set in &sets {
        if let Some(said) = fault(&toolchain, target, set, "")? {
            faults.push(format!("[{set}] {said}"));
        }
    }
    Ok((sets.len(), faults))
}

/// The sets for a target: those of a CPU mean something on x86_64 only, and what differs there
/// differs without an operating system too.
fn sets(target: Option<Arch>) -> Vec<String> {
    let of_a_cpu = match target {
        Some(Arch::X86_64) => &OF_A_CPU[..],
        _ => &OF_A_CPU[..1],
    };
    let mut sets: Vec<_> = OF_TYPES.map(str::to_owned).into();
    for cpu in of_a_cpu {
        for pages in OF_PAGES {
            for firmware in OF_FIRMWARE {
                sets.push([*cpu, pages, firmware].join(","));
            }
        }
    }
    sets
}

/// What the compiler has to say of the library with these features, if anything.
fn fault(
    toolchain: &Toolchain,
    target: Option<Arch>,
    features: &str,
    flags: &str,
) -> Result<Option<String>> {
    let mut check = match target {
        Some(arch) => toolchain.cargo_for(arch, "check"),
        None => toolchain.cargo("check"),
    };
    let directory = target.map_or("host", Arch::name);
    check
        .args(["--quiet", "--package", "kpmem", "--no-default-features"])
        .args(["--features", features])
        .env("RUSTFLAGS", flags)
        .env(
            "CARGO_TARGET_DIR",
            workspace::reports().join("features").join(directory),
        );
    let output = process::output_of(&mut check)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let quiet = output.status.success() && said.is_empty();
    Ok((!quiet).then_some(said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_feature_is_alone_in_a_set() {
        let sets: BTreeSet<_> = sets(Some(Arch::X86_64))
            .into_iter()
            .map(|set| set.trim_matches(',').replace(",,", ","))
            .collect();
        for alone in OF_A_CPU.iter().chain(&OF_PAGES).chain(&OF_FIRMWARE[..4]) {
            assert!(sets.contains(*alone), "{alone}");
        }
        assert_eq!(sets.len(), 3 * 3 * 5 + 4);
    }
}
