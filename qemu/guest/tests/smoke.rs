//! A kernel author's own test, here for the runtime itself: `cargo test -p kpmem-guest --target
//! x86_64-unknown-none` boots it in QEMU.
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem::{Error, Granularity, Map};
use kpmem_runtime::{Machine, println};

kpmem_runtime::entry!(kernel);

fn kernel(machine: &Machine) {
    let map = map(machine).unwrap_or_else(|error| panic!("{error}"));
    let word = map.address().cast::<u64>();
    // SAFETY: the map's first bytes, aligned, and nobody else uses them.
    unsafe { word.write_volatile(42) };
    map.persist(word.cast(), 8).expect("inside the map");
    println!("a word is durable, by {}", map.table().name());
}

fn map(machine: &Machine) -> Result<Map, Error> {
    // SAFETY: the CPU's identification or its firmware says so, and the boot code enabled it.
    unsafe { kpmem::select(machine.cpu().table()?) }?;
    // SAFETY: the runtime mapped the NVDIMM write-back.
    unsafe { Map::new(machine.address(), machine.size(), Granularity::CacheLine) }
}
