//! Puts the sources that the simulator and its kernels are compiled from into the binary, so that
//! it needs no checkout.

mod pack;

use std::{
    env,
    error::Error,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

fn main() -> Result<(), Box<dyn Error>> {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it"));
    let (archive, made_of) = pack::archive(&own)?;
    for path in made_of {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let mut hasher = DefaultHasher::new();
    archive.hash(&mut hasher);
    println!("cargo::rustc-env=KPMEM_SOURCES={:016x}", hasher.finish());
    let to = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says it"));
    fs::write(to.join("sources.cpio"), archive)?;
    Ok(())
}
