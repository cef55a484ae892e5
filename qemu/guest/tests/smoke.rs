//! A kernel author's own test: `cargo test -p kpmem-guest --target x86_64-unknown-none`.
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem_guest::{Machine, println};

kpmem_guest::entry!(kernel);

fn kernel(machine: &Machine) {
    // SAFETY: the NVDIMM is mapped, and nothing else uses it.
    unsafe { machine.address().write_volatile(42) };
    println!("{} bytes of persistent memory", machine.size());
}
