//! A kernel whose persistent memory is a file of the host's, by virtio-pmem: what it says is
//! persisted is in that file, whatever happens next.
//!
//! Parameters: `mmio`, the address of the device's registers where it is not on PCI; `seed` of what
//! is written; and `mode`: `persist` (writes, persists, says so and waits for its end), `store`
//! (writes and says so: a control), `recover` (says how much of it is there), `stop` (as `persist`,
//! then stops the device and ends).
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::slice;
use kpmem_log::pattern;
use kpmem_runtime::{
    Machine,
    kpmem::{Map, Region, virtio::Transport},
    println,
    virtio::{self, Started},
};

kpmem_runtime::entry!(kernel);

/// What is written: a range with odd ends, by parts that are persisted one by one.
const OFFSET: usize = 4099;
const PART: usize = 12_345;
const PARTS: usize = 10;

fn kernel(machine: &Machine) {
    match machine.args.number("mmio") {
        Some(address) => {
            let device = virtio::mmio(address as usize);
            run(machine, device.unwrap_or_else(|error| panic!("{error}")));
        }
        None => {
            let device = virtio::pci().expect("there is no virtio-pmem on the root bus");
            run(machine, device.unwrap_or_else(|error| panic!("{error}")));
        }
    }
}

fn run<T: Transport>(machine: &Machine, transport: T) {
    let started = virtio::start(transport).unwrap_or_else(|error| panic!("{error}"));
    let Started { pmem, region } = started;
    let Region { base, len } = region;
    println!("virtio-pmem {base:#x}+{len:#x}");
    // SAFETY: the runtime mapped it write-back; what QEMU has synced is in the file.
    let map = unsafe { Map::with_hook(base as *mut u8, len as usize, &pmem) };
    let map = map.unwrap_or_else(|error| panic!("{error}"));

    let seed = machine.args.number("seed").unwrap_or(0);
    let at = map.address().wrapping_add(OFFSET);
    assert!(map.size() >= OFFSET + PARTS * PART, "too little memory");
    // SAFETY: inside the map, and stores go by this slice only.
    let bytes = unsafe { slice::from_raw_parts_mut(at, PARTS * PART) };
    let fill = |part: &mut [u8], skip| {
        let values = pattern(seed).skip(skip);
        part.iter_mut()
            .zip(values)
            .for_each(|(to, value)| *to = value);
    };
    let mode = machine.args.get("mode").unwrap_or("persist");
    match mode {
        "persist" | "store" | "stop" => {
            for (number, part) in bytes.chunks_mut(PART).enumerate() {
                fill(part, number * PART);
                if mode != "store" {
                    let (ptr, len) = (part.as_ptr(), part.len());
                    map.persist(ptr, len)
                        .unwrap_or_else(|error| panic!("{error}"));
                }
            }
            println!(
                "{}",
                if mode == "store" {
                    "stored"
                } else {
                    "persisted"
                }
            );
            println!("pattern {seed} {OFFSET} {}", bytes.len());
        }
        "recover" => {
            let same = bytes.iter().zip(pattern(seed));
            let same = same
                .filter(|(found, expected)| **found == *expected)
                .count();
            println!("found {same} of {}", bytes.len());
            return;
        }
        _ => panic!("mode={mode}: not one of persist, store, recover, stop"),
    }
    if mode == "stop" {
        pmem.stop().unwrap_or_else(|error| panic!("{error}"));
        println!("stopped");
        return;
    }
    println!("waiting");
    loop {
        core::hint::spin_loop();
    }
}
