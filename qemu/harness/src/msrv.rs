//! The oldest compiler that the library promises to build with.

use crate::{arch::Arch, process, toolchain::Toolchain, workspace};
use anyhow::{Context, Result, bail};
use std::{fs, path::Path, process::Command, time::Duration};

/// `rust-version` of the library.
pub const MSRV: &str = "1.85";
/// What is built, and its target directory.
const DIRECTORY: &str = "msrv";
/// A compiler is some hundred megabytes.
const RUSTUP_LIMIT: Duration = Duration::from_secs(600);

/// Builds the library with it for the host, and for the bare targets where its `core` can be had.
/// The answer says what was built.
pub fn build() -> Result<String> {
    let toolchain = find()?;
    let version = toolchain.version()?;
    if format!("{}.{}", version.0, version.1) != MSRV {
        bail!(
            "{} is {}.{}, not {MSRV}",
            toolchain.rustc().display(),
            version.0,
            version.1
        );
    }
    // All but `fdt`, which says that it needs a newer one.
    let features = "acpi,bytemuck,vector,virtio-pmem,zerocopy";
    let arguments = ["--quiet", "--package", "kpmem", "--features", features];
    process::run(toolchain.cargo("build").args(arguments))?;
    // And what it is to a hypervisor, which is for the host only.
    let hypervisor = ["--quiet", "--package", "kpmem-vmm"];
    process::run(toolchain.cargo("build").args(hypervisor))?;
    let mut built = vec!["host"];
    for arch in Arch::ALL {
        if toolchain.has(arch) || toolchain.has_sources() {
            process::run(toolchain.cargo_for(arch, "build").args(arguments))?;
            built.push(arch.target());
        }
    }
    Ok(built.join(", "))
}

/// The one that rustup has; else the distribution's, unpacked beside the newer one and not
/// installed; else one that rustup fetches.
pub fn find() -> Result<Toolchain> {
    if let Some(toolchain) = from_rustup() {
        return Ok(toolchain);
    }
    let unpacked = match from_distribution() {
        Ok(toolchain) => return Ok(toolchain),
        Err(error) => error,
    };
    eprintln!("setup: rustup toolchain install {MSRV}");
    let mut install = Command::new("rustup");
    install.args([
        "toolchain",
        "install",
        MSRV,
        "--profile",
        "minimal",
        "--no-self-update",
    ]);
    for arch in Arch::ALL {
        install.args(["--target", arch.target()]);
    }
    process::run_within(&mut install, RUSTUP_LIMIT)
        .with_context(|| format!("no Rust {MSRV}: the distribution has none ({unpacked:#})"))?;
    from_rustup().with_context(|| format!("rustup has no Rust {MSRV} after installing it"))
}

fn from_rustup() -> Option<Toolchain> {
    let mut which = Command::new("rustup");
    // Only asked for, it would be installed at once, and without the bare targets.
    which
        .args(["which", "--toolchain", MSRV, "rustc"])
        .env("RUSTUP_AUTO_INSTALL", "0");
    let path = process::stdout_of(&mut which).ok()?;
    let sysroot = Path::new(path.trim()).parent()?.parent()?;
    Some(Toolchain::at(sysroot.to_owned(), DIRECTORY))
}

fn from_distribution() -> Result<Toolchain> {
    let home = workspace::target().join("msrv-compiler");
    let root = home.join("root");
    let mark = home.join("complete");
    if !mark.is_file() {
        let version = packaged_version()?;
        eprintln!("setup: unpacking the distribution's Rust {version} (some 140 MB to fetch)");
        fs::create_dir_all(&root)?;
        let pinned = [
            "rustc-web",
            "cargo-web",
            "libstd-rust-web-dev",
            "rust-web-src",
        ];
        let mut packages = pinned.map(|name| format!("{name}={version}")).to_vec();
        packages.push(format!("libstd-rust-web-{MSRV}={version}"));
        // What these link to, and a newer compiler on the machine does not.
        packages.extend(["libllvm19", "libpcre3", "libhttp-parser2.9"].map(str::to_owned));
        let mut download = Command::new("apt-get");
        process::stdout_of(
            download
                .args(["download", "--quiet"])
                .args(packages)
                .current_dir(&home),
        )?;
        for file in fs::read_dir(&home)?.flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|extension| extension == "deb") {
                process::run(Command::new("dpkg").arg("-x").arg(&file).arg(&root))?;
                fs::remove_file(file)?;
            }
        }
        fs::write(&mark, version)?;
    }
    let gnu = format!("{}-linux-gnu", std::env::consts::ARCH);
    let libraries = [format!("usr/lib/{gnu}"), format!("lib/{gnu}")].map(|path| root.join(path));
    let libraries = std::env::join_paths(libraries)?;
    Ok(Toolchain::at(root.join("usr"), DIRECTORY).with_libraries(libraries.into()))
}

/// The distribution's version of the compiler that begins with [`MSRV`].
fn packaged_version() -> Result<String> {
    let text = process::stdout_of(Command::new("apt-cache").args(["madison", "rustc-web"]))?;
    text.lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|version| version.starts_with(&format!("{MSRV}.")))
        .map(str::to_owned)
        .with_context(|| format!("apt knows no rustc-web {MSRV}"))
}
