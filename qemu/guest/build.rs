//! Gives the kernels of this package their link script, and puts it where the linker of a dependent
//! package finds it too (there, one line in its own build script: `-Tkpmem-guest.ld`).

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=link");
    let var = |name| env::var(name).unwrap_or_default();
    if var("CARGO_CFG_TARGET_OS") != "none" {
        return; // A host build only type-checks the kernels.
    }
    let arch = var("CARGO_CFG_TARGET_ARCH");
    let out = PathBuf::from(var("OUT_DIR"));
    fs::copy(format!("link/{arch}.ld"), out.join("kpmem-guest.ld"))
        .unwrap_or_else(|e| panic!("no link script for {arch}: {e}"));
    fs::copy("link/sections.ld", out.join("kpmem-guest-sections.ld")).expect("sections.ld");
    println!("cargo:rustc-link-search={}", out.display());
    for kind in ["bins", "tests"] {
        println!("cargo:rustc-link-arg-{kind}=-Tkpmem-guest.ld");
        // x86_64-unknown-none defaults to a relocatable image, which would need a loader.
        println!("cargo:rustc-link-arg-{kind}=--no-pie");
    }
}
