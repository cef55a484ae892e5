//! Packs the sources that the simulator and its kernels are compiled from, so that the binary needs
//! no checkout.

use cpio::newc::{Builder, trailer};
use std::{
    collections::BTreeMap,
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

/// What is packed, from the repository's root: all that its workspace wants to be there.
const TAKEN: [&str; 13] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "arch",
    "capi",
    "examples/unikernel",
    "libpmem2",
    "qemu",
    "src",
    "tests",
    "vmm",
    "LICENSE-MIT",
];
/// What is left out: what cargo makes, a workspace of its own, and what only the tests read.
const LEFT_OUT: [&str; 3] = ["qemu/fuzz", "qemu/harness/golden", "tests/data"];

fn main() -> io::Result<()> {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it"));
    let root = own.ancestors().nth(2).expect("two folders above");
    let mut files = BTreeMap::new();
    for taken in TAKEN {
        println!("cargo::rerun-if-changed={}", root.join(taken).display());
        collect(root, taken, &mut files)?;
    }
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    println!("cargo::rustc-env=KPMEM_SOURCES={:016x}", hasher.finish());

    let to = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says it")).join("sources.cpio");
    let mut archive = fs::File::create(to)?;
    for (name, content) in &files {
        let mut entry = Builder::new(name)
            .mode(0o100_644)
            .write(&mut archive, content.len() as u32);
        io::Write::write_all(&mut entry, content)?;
        entry.finish()?;
    }
    trailer(archive)?;
    Ok(())
}

/// The files at or below `name`, by their names from the root.
fn collect(root: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let path = root.join(name);
    if path.is_file() {
        files.insert(name.to_owned(), fs::read(path)?);
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let below = format!("{name}/{}", entry.file_name().to_string_lossy());
        let left_out = LEFT_OUT.contains(&below.as_str()) || entry.file_name() == "target";
        if !left_out && !entry.file_type()?.is_symlink() {
            collect(root, &below, files)?;
        }
    }
    Ok(())
}
