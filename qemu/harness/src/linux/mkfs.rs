//! File systems made on an image before a guest sees it. The tools are this machine's, or its own
//! packages unpacked.

use crate::{
    arch::Arch,
    image::Image,
    process,
    setup::{closure::closure, release},
};
use anyhow::{Context, Result, bail};
use std::{path::Path, process::Command};

/// Linux maps files by DAX only if a block is a page.
const BLOCK: u64 = 4096;

/// ext4 of so many bytes.
pub(super) fn ext4(size: u64) -> Result<Image> {
    let mut command = tool("mkfs.ext4", "e2fsprogs")?;
    command.args(["-q", "-F", "-b", &BLOCK.to_string(), "-E", "nodiscard"]);
    on_image(command, size)
}

/// XFS. Shared extents and DAX exclude each other in older kernels.
pub(super) fn xfs(size: u64) -> Result<Image> {
    let mut command = tool("mkfs.xfs", "xfsprogs")?;
    command.args(["-q", "-f", "-K", "-m", "reflink=0"]);
    on_image(command, size)
}

fn on_image(mut command: Command, size: u64) -> Result<Image> {
    let image = Image::fresh(size)?;
    command.arg(image.inherited_path());
    process::tie(&mut command, vec![image.fd()]);
    let output = process::output_of(&mut command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cannot make a file system: {}", said.trim());
    }
    Ok(image)
}

/// A program of this machine, or of a package of its release, which is run by the loader that comes
/// with it.
fn tool(name: &str, package: &str) -> Result<Command> {
    for folder in ["/usr/sbin", "/sbin"] {
        let path = Path::new(folder).join(name);
        if path.is_file() {
            return Ok(Command::new(path));
        }
    }
    if let Some(path) = process::find(name) {
        return Ok(Command::new(path));
    }
    let why = || format!("{name} is not installed (package {package})");
    let host = Arch::host().with_context(why)?;
    let unpacked = closure(host, &release(), &[package.to_owned()]).with_context(why)?;
    let file = |name: &str| {
        let each = unpacked.iter().flat_map(|it| {
            let folders = ["sbin", "usr/sbin", "lib64", "usr/lib64", "lib", "usr/lib"];
            folders.map(|folder| it.root.join(folder).join(name))
        });
        each.into_iter()
            .find(|path| path.exists())
            .with_context(why)
    };
    let libraries = unpacked
        .iter()
        .flat_map(|it| ["lib", "usr/lib"].map(|folder| it.root.join(folder).join(host.triplet())));
    let libraries: Vec<_> = libraries.map(|path| path.display().to_string()).collect();
    let mut command = Command::new(file(host.loader())?);
    command.arg("--library-path").arg(libraries.join(":"));
    command.arg(file(name)?);
    Ok(command)
}
