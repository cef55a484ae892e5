//! Puts the link script where the linker of a dependent package finds it, and tells the build
//! script of that package which arguments to give: `DEP_KPMEM_RUNTIME_LINK_ARGS`, words without
//! spaces in them, none for a host build. `DEP_KPMEM_RUNTIME_LINK_SCRIPT` is the script's path, for
//! a link that cargo does not do.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=link");
    let var = |name| env::var(name).unwrap_or_default();
    if var("CARGO_CFG_TARGET_OS") != "none" {
        return; // A host build only type-checks the kernels.
    }
    let arch = var("CARGO_CFG_TARGET_ARCH");
    let out = PathBuf::from(var("OUT_DIR"));
    let script = out.join("kpmem-runtime.ld");
    fs::copy(format!("link/{arch}.ld"), &script)
        .unwrap_or_else(|e| panic!("no link script for {arch}: {e}"));
    fs::copy("link/sections.ld", out.join("kpmem-runtime-sections.ld")).expect("sections.ld");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:link_script={}", script.display());
    // x86_64-unknown-none defaults to a relocatable image, which would need a loader.
    let args = ["-Tkpmem-runtime.ld", "--no-pie"];
    println!("cargo:link_args={}", args.join(" "));
    // For the tests here.
    args.iter()
        .for_each(|arg| println!("cargo:rustc-link-arg={arg}"));
}
