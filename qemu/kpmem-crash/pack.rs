//! The archive of the sources that are compiled at run time.
//!
//! In a checkout it is made of what lies there. A package of the registry can hold only files of
//! its own folder, so `cargo xtask package` puts the archive there first, and it is taken from
//! there.

use cpio::newc::{Builder, trailer};
use std::{
    collections::BTreeMap,
    fs,
    io::{Error, Result, Write},
    path::{Path, PathBuf},
};

/// What is packed, from the repository's root: all that its workspace wants to be there.
const TAKEN: [&str; 14] = [
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
    "LICENSE-APACHE",
    "LICENSE-MIT",
];
/// What is left out: what cargo makes, a workspace of its own, what only the tests read, and the
/// archive itself.
const LEFT_OUT: [&str; 4] = [
    "qemu/fuzz",
    "qemu/harness/golden",
    "qemu/kpmem-crash/sources.cpio",
    "tests/data",
];
/// The package's folder in a checkout.
const HERE: &str = "qemu/kpmem-crash";

/// The archive for the package in this folder, and what it was made of.
///
/// # Errors
///
/// If a file cannot be read; if a package has no archive, or one that is not of the checkout around
/// it, in which cargo is about to publish it.
pub fn archive(own: &Path) -> Result<(Vec<u8>, Vec<PathBuf>)> {
    let is_checkout = |folder: &&Path| folder.join(HERE).join("pack.rs").is_file();
    let checkout = own.ancestors().find(is_checkout);
    if let Some(root) = checkout
        && root.join(HERE) == own
    {
        let made_of = TAKEN.map(|name| root.join(name)).to_vec();
        return Ok((packed(root)?, made_of));
    }
    let file = own.join("sources.cpio");
    let archive = fs::read(&file).map_err(|error| {
        let why = "the package was made without its sources: `cargo xtask package` makes it";
        Error::new(error.kind(), format!("{}: {error}: {why}", file.display()))
    })?;
    // `cargo publish` builds what it is about to send in `target/package`.
    let verified = own.parent().is_some_and(|it| it.ends_with("package"));
    if let Some(root) = checkout.filter(|_| verified)
        && packed(root)? != archive
    {
        return Err(Error::other(format!(
            "{} holds other sources than {}: run `cargo xtask package` again",
            file.display(),
            root.display()
        )));
    }
    Ok((archive, vec![file]))
}

/// The sources of a checkout.
fn packed(root: &Path) -> Result<Vec<u8>> {
    let mut files = BTreeMap::new();
    for taken in TAKEN {
        collect(root, taken, &mut files)?;
    }
    let mut archive = Vec::new();
    for (name, content) in &files {
        let mut entry = Builder::new(name)
            .mode(0o100_644)
            .write(&mut archive, content.len() as u32);
        entry.write_all(content)?;
        entry.finish()?;
    }
    trailer(archive)
}

/// The files at or below `name`, by their names from the root.
fn collect(root: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with as much of a checkout as is packed.
    fn checkout() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for taken in TAKEN {
            let path = root.path().join(taken);
            // A name without an extension may be a file's as well.
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match taken.starts_with(char::is_uppercase) {
                true => fs::write(path, taken).unwrap(),
                false => fs::create_dir_all(path).unwrap(),
            }
        }
        fs::create_dir(root.path().join(HERE)).unwrap();
        fs::write(root.path().join(HERE).join("pack.rs"), "").unwrap();
        fs::write(root.path().join("src/lib.rs"), "one").unwrap();
        root
    }

    /// A package of this archive, in this folder.
    fn package(folder: &Path, archive: &[u8]) -> PathBuf {
        let own = folder.join("kpmem-crash-0.1.0");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("pack.rs"), "").unwrap();
        fs::write(own.join("sources.cpio"), archive).unwrap();
        own
    }

    #[test]
    fn a_checkout_is_packed_whatever_lies_in_it() {
        let root = checkout();
        let own = root.path().join(HERE);
        let (fresh, made_of) = archive(&own).unwrap();
        assert!(made_of.contains(&root.path().join("src")));
        fs::write(own.join("sources.cpio"), "stale").unwrap();
        fs::create_dir(root.path().join("qemu/target")).unwrap();
        fs::write(root.path().join("qemu/target/made"), "").unwrap();
        assert_eq!(archive(&own).unwrap().0, fresh);
        fs::write(root.path().join("src/lib.rs"), "two").unwrap();
        assert_ne!(archive(&own).unwrap().0, fresh);
    }

    #[test]
    fn a_package_has_its_own() {
        let registry = tempfile::tempdir().unwrap();
        let own = package(registry.path(), b"of the package");
        let (found, made_of) = archive(&own).unwrap();
        assert_eq!(found, b"of the package");
        assert_eq!(made_of, [own.join("sources.cpio")]);
        fs::remove_file(own.join("sources.cpio")).unwrap();
        let said = archive(&own).unwrap_err().to_string();
        assert!(said.contains("cargo xtask package"), "{said}");
    }

    #[test]
    fn what_is_published_is_what_is_there() {
        let root = checkout();
        let fresh = archive(&root.path().join(HERE)).unwrap().0;
        let verified = root.path().join("target/package");
        let own = package(&verified, &fresh);
        assert_eq!(archive(&own).unwrap().0, fresh);
        fs::write(root.path().join("src/lib.rs"), "two").unwrap();
        let said = archive(&own).unwrap_err().to_string();
        assert!(said.contains("holds other sources"), "{said}");
    }
}
