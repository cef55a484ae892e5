//! What the library makes of the firmware's tables: a line for each range, window and CPU.
//!
//! The harness boots it on machines that differ in their memory, and compares. It also maps each
//! range, persists a word there, and says so.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::fmt;

use kpmem::{
    Granularity, PersistentRange, Platform, Source,
    firmware::{Region, cedt::Cedt, nfit::Nfit, srat::Srat},
};
use kpmem_runtime::{Machine, println};

kpmem_runtime::entry!(kernel);

fn kernel(machine: &Machine) {
    let platform = platform(machine);
    for range in platform.ranges() {
        describe(&range);
        persist(machine, &range);
    }
    if let Some(table) = machine.firmware.cedt {
        for window in Cedt::parse(table).expect("a sound CEDT").windows() {
            let part = Region {
                len: window.region.len / 2,
                ..window.region
            };
            println!("window {}: {:?}", window.region, window.restrictions);
            match platform.range(part) {
                Some(range) => describe(&range),
                None => println!("not persistent: {part}"),
            }
        }
    }
    if let Some(tree) = machine.firmware.tree {
        let blocks = tree.cache_blocks();
        println!("blocks clean={:?} zero={:?}", blocks.clean, blocks.zero);
    }
    println!("done");
}

/// All tables that there are. One that is malformed is a panic.
fn platform(machine: &Machine) -> Platform<'static> {
    let firmware = machine.firmware;
    let mut platform = Platform::new();
    if let Some(bytes) = firmware.nfit {
        platform = platform.with_nfit(Nfit::parse(bytes).expect("a sound NFIT"));
    }
    if let Some(bytes) = firmware.cedt {
        platform = platform.with_cedt(Cedt::parse(bytes).expect("a sound CEDT"));
    }
    if let Some(bytes) = firmware.srat {
        platform = platform.with_srat(Srat::parse(bytes).expect("a sound SRAT"));
    }
    match firmware.tree {
        Some(tree) => platform.with_device_tree(tree),
        None => platform,
    }
}

fn describe(range: &PersistentRange<'_>) {
    let source = match range.source() {
        Source::Nfit { .. } => "NFIT",
        Source::CxlWindow => "CEDT",
        Source::DeviceTree => "device tree",
        _ => "another table",
    };
    println!(
        "range {} by {source}: {} granularity, domain {}, {} devices, {} hints, state [{}]",
        range.region(),
        range.granularity(),
        Or(range.domain(), "none"),
        range.devices().count(),
        range.flush_hints().map_or(0, Iterator::count),
        range.state(),
    );
}

/// Maps a range and persists its first word. Only the first one is in the page tables.
fn persist(machine: &Machine, range: &PersistentRange<'_>) {
    let to_virtual = |region: Region| (Ok(region) == machine.nvdimm).then(|| machine.address());
    // SAFETY: the runtime mapped the first NVDIMM, write-back.
    let map = match unsafe { range.map(Granularity::CacheLine, to_virtual) } {
        Ok(map) => map,
        Err(error) => return println!("no map: {error}"),
    };
    let word = map.address().cast::<u64>();
    // SAFETY: nothing else uses it.
    let done = unsafe { map.write(word, 0x006b_706d_656d) };
    println!("map of {} granularity: {done:?}", map.granularity());
}

/// A value, or what stands for none.
struct Or<T>(Option<T>, &'static str);

impl<T: fmt::Display> fmt::Display for Or<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str(self.1),
        }
    }
}
