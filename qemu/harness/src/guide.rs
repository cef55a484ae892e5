//! The porting guide's code for instruction sets that this machine is not: as a doctest it is
//! empty here, so it is compiled for the bare target.

use crate::{arch::Arch, process, toolchain::Toolchain, workspace};
use anyhow::{Context, Result, bail};
use std::{fmt::Write, fs};

/// Compiles the guide's code for an instruction set. The answer says how many blocks that were.
pub fn check(toolchain: &Toolchain, arch: Arch) -> Result<String> {
    let mut code = String::from("#![no_std]\n#![allow(dead_code, unused_imports)]\n");
    let mut count = 0;
    for block in all_blocks(arch)? {
        writeln!(code, "mod block_{count} {{\n{block}}}")?;
        count += 1;
    }
    if count == 0 {
        bail!("the guide has no code for {}", arch.name());
    }
    let home = workspace::reports().join("guide");
    fs::create_dir_all(home.join("src"))?;
    fs::write(home.join("Cargo.toml"), manifest())?;
    fs::write(home.join("src/lib.rs"), code)?;
    let lock = "Cargo.lock";
    fs::copy(workspace::root().join(lock), home.join(lock))?;
    let mut command = toolchain.cargo_for(arch, "check");
    command.arg("--quiet").current_dir(&home);
    process::run(command.arg("--target-dir").arg(workspace::target()))
        .with_context(|| format!("the guide's code for {} does not compile", arch.name()))?;
    Ok(format!("{count} blocks"))
}

/// A package of its own, outside of the workspace.
fn manifest() -> String {
    let kpmem = workspace::root();
    format!(
        "[package]\nname = \"kpmem-guide\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n\
         [dependencies]\nkpmem = {{ path = {kpmem:?}, features = [\"acpi\", \"fdt\"] }}\n"
    )
}

fn all_blocks(arch: Arch) -> Result<Vec<String>> {
    let guide = workspace::root().join("src/guide");
    let mut files = Vec::new();
    for entry in fs::read_dir(&guide).with_context(|| format!("no {}", guide.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files.sort();
    let mut blocks = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        blocks.extend(blocks_of(&text).filter(|block| is_for(block, arch)));
    }
    Ok(blocks)
}

fn is_for(block: &str, arch: Arch) -> bool {
    block.contains(&format!("target_arch = \"{}\"", arch.name()))
}

/// The code blocks that are doctests, with the lines that rustdoc hides.
fn blocks_of(text: &str) -> impl Iterator<Item = String> {
    // Between the fences: every second part.
    let parts = text.split("\n```").skip(1).step_by(2);
    parts.filter_map(|part| {
        let code = part.strip_prefix('\n')?;
        let shown = |line: &str| match line {
            "#" => String::new(),
            line => line.strip_prefix("# ").unwrap_or(line).to_owned(),
        };
        Some(code.lines().map(|line| shown(line) + "\n").collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Text\n\n```\n# #[cfg(target_arch = \"aarch64\")]\nfn f() {}\n#\n```\n\n\
                        ```c\nint g;\n```\n\n```rust,ignore\nh();\n```\n\n```\n#[x]\nfn i() {}\n```\n";

    #[test]
    fn doctests_are_found_with_their_hidden_lines() {
        let blocks: Vec<_> = blocks_of(TEXT).collect();
        let first = "#[cfg(target_arch = \"aarch64\")]\nfn f() {}\n\n";
        assert_eq!(blocks, [first, "#[x]\nfn i() {}\n"]);
        assert!(is_for(&blocks[0], Arch::Aarch64));
        assert!(!is_for(&blocks[0], Arch::Riscv64) && !is_for(&blocks[1], Arch::Aarch64));
    }

    #[test]
    fn the_guide_has_code_for_both() {
        for arch in [Arch::Aarch64, Arch::Riscv64] {
            assert!(!all_blocks(arch).unwrap().is_empty(), "{}", arch.name());
        }
    }
}
