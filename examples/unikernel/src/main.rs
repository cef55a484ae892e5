//! A unikernel that keeps something: how often it was booted, and values by key.
//!
//! It says what persistent memory it found and what was there, then counts on, and acknowledges
//! each number on the serial line once it is durable. Cut its power whenever you like.
//!
//! Parameters: `ticks`, how far to count in this boot (5); `note`, a word to keep; `mmio`, where
//! the registers of a virtio-pmem device are that is not on PCI.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod store;

use core::fmt::Display;

use kpmem_runtime::{
    Machine, exit,
    kpmem::{
        self, Dispatch, Granularity, Map, Platform, Region,
        firmware::nfit::Nfit,
        virtio::{Error, Transport},
    },
    println,
    virtio::{self, Started},
};
use store::Store;

kpmem_runtime::entry!(kernel);

fn kernel(machine: &Machine) {
    match (machine.nvdimm, machine.args.number("mmio")) {
        (Ok(region), _) => nvdimm(machine, region),
        (Err(_), Some(address)) => virtio_pmem(machine, virtio::mmio(address as usize)),
        (Err(why), None) => match virtio::pci() {
            Some(device) => virtio_pmem(machine, device),
            None => end("no NVDIMM, and no virtio-pmem on PCI", why),
        },
    }
}

/// Persistent memory that the CPU's own instructions make durable.
fn nvdimm(machine: &Machine, region: Region) {
    let table = machine.cpu().table();
    let table = table.unwrap_or_else(|error| end("this CPU cannot flush", error));
    // SAFETY: the CPU has the instruction, says its identification or the firmware, and the runtime
    // enabled it.
    unsafe { kpmem::select(table) }.unwrap_or_else(|error| end("another table", error));

    let mut platform = Platform::new();
    if let Some(table) = machine.firmware.nfit {
        let nfit = Nfit::parse(table).unwrap_or_else(|error| end("the NFIT", error));
        platform = platform.with_nfit(nfit);
    }
    if let Some(tree) = machine.firmware.tree {
        platform = platform.with_device_tree(tree);
    }
    // Where the runtime mapped it: at its physical address.
    let to_virtual = |asked: Region| region.contains(asked).then_some(asked.base as *mut u8);
    let map = match platform.ranges().next() {
        Some(range) => {
            println!("NVDIMM, state [{}]: {}", range.state(), range.region());
            // SAFETY: the runtime mapped it write-back; the tables are this machine's.
            unsafe { range.map(Granularity::CacheLine, to_virtual) }
        }
        None => {
            // QEMU's RISC-V machine has none: a memory node, backed by a file, stands in for it.
            println!("memory in the place of an NVDIMM: {region}");
            // SAFETY: as above, and nothing else uses that node.
            unsafe { Map::new(machine.address(), machine.size(), Granularity::CacheLine) }
        }
    };
    serve(machine, &map.unwrap_or_else(|error| end("no map", error)));
}

/// Persistent memory that the host makes durable when it is asked.
fn virtio_pmem<T: Transport>(machine: &Machine, device: Result<T, Error>) {
    let started = device.and_then(virtio::start);
    let Started { pmem, region } = started.unwrap_or_else(|error| end("virtio-pmem", error));
    println!("virtio-pmem: {region}");
    let base = region.base as *mut u8;
    // SAFETY: the runtime mapped it write-back; what the host has synced is in its file.
    let map = unsafe { Map::with_hook(base, region.len as usize, &pmem) };
    serve(machine, &map.unwrap_or_else(|error| end("no map", error)));
}

/// What all this is for, whatever makes it durable.
fn serve<D: Dispatch>(machine: &Machine, map: &Map<D>) {
    println!("a map of {} granularity", map.granularity());
    // SAFETY: nothing else uses the persistent memory.
    let store = unsafe { Store::open(map) };
    let mut store = store.unwrap_or_else(|error| end("the store", error));
    println!("boot {}, {} records", store.boots, store.records);
    for key in ["note", "tick"] {
        if let Some(value) = store.get(key) {
            println!("    {key} = {value}");
        }
    }

    if let Some(note) = machine.args.get("note") {
        let put = store.put("note", note);
        put.unwrap_or_else(|error| end("the note", error));
        println!("the note is durable");
    }
    let last = store.get("tick").and_then(|text| text.parse::<u64>().ok());
    let first = last.map_or(1, |last| last + 1);
    for tick in first..first + machine.args.number("ticks").unwrap_or(5) {
        let put = store.put("tick", tick);
        put.unwrap_or_else(|error| end("a tick", error));
        println!("tick {tick} is durable");
    }
}

/// Says why there is nothing more to do.
fn end(what: &str, why: impl Display) -> ! {
    println!("{what}: {why}");
    exit(1)
}
