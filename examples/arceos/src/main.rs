//! kpmem inside a kernel of others: the platform crates of ArceOS boot the machine, map its memory
//! and have its console; kpmem finds the NVDIMM in the firmware's tables and makes durable what is
//! counted there.
//!
//! It acknowledges each number on the serial line once it is durable, until its power is cut.
#![no_std]
#![no_main]

extern crate axplat_x86_pc;

use core::{fmt::Display, panic::PanicInfo, slice, sync::atomic::AtomicU64};

use axplat::{
    console_println, init,
    mem::{PhysAddr, phys_to_virt},
    power::system_off,
};
use kpmem::{Error, Granularity, Map, Platform, Region, firmware};

const MAGIC: u64 = u64::from_le_bytes(*b"kpmemarc");

#[axplat::main]
fn kernel(cpu: usize, boot_information: usize) -> ! {
    axcpu::init::init_percpu(cpu);
    init::init_early(cpu, boot_information);
    init::init_later(cpu, boot_information);

    let table = nfit().unwrap_or_else(|error| end("no NFIT", error));
    let map = map(table).unwrap_or_else(|error| end("no map", error));
    let Err(error) = count(&map);
    end("what was counted is not durable", error)
}

/// The firmware's table of persistent memory.
fn nfit() -> Result<&'static [u8], firmware::Error> {
    let rsdp = rsdp().ok_or(firmware::Error::Missing("RSDP in the BIOS's memory"))?;
    firmware::find_table(physical, rsdp, *b"NFIT")
}

/// A map of the first range that is persistent.
fn map(nfit: &[u8]) -> Result<Map, Error> {
    let nfit = firmware::nfit::Nfit::parse(nfit).unwrap_or_else(|error| end("the NFIT", error));
    let platform = Platform::new().with_nfit(nfit);
    let Some(range) = platform.ranges().next() else {
        end("the NFIT", "it names no persistent memory");
    };
    let region = range.region();
    console_println!("NVDIMM: {region}, {} granularity", range.granularity());
    // SAFETY: ArceOS's boot code mapped it write-back; the table is this machine's.
    unsafe { range.map(Granularity::CacheLine, to_virtual) }
}

/// Counts for ever: a magic word, the boots, the last number.
fn count(map: &Map) -> Result<core::convert::Infallible, Error> {
    // SAFETY: inside the map and aligned. Nothing else uses it.
    let [magic, boots, last] = unsafe { &*map.address().cast::<[AtomicU64; 3]>() };
    let read = |word: &AtomicU64| word.load(core::sync::atomic::Ordering::Relaxed);
    if read(magic) != MAGIC {
        map.store(boots, 0)?;
        map.store(last, 0)?;
        map.store(magic, MAGIC)?;
    }
    map.store(boots, read(boots) + 1)?;
    console_println!("boot {}", read(boots));
    console_println!("    tick = {}", read(last));
    loop {
        map.store(last, read(last) + 1)?;
        console_println!("tick {} is durable", read(last));
    }
}

/// The root of ACPI's tables, which a BIOS leaves below 1 MiB (ACPI 6.5, section 5.2.5.1 "Finding
/// the RSDP on IA-PC Systems").
fn rsdp() -> Option<u64> {
    let signed = |&address: &u64| physical(address, 8) == Some(b"RSD PTR ");
    (0xe_0000..0x10_0000).step_by(16).find(signed)
}

/// The bytes at a physical address.
fn physical(address: u64, len: usize) -> Option<&'static [u8]> {
    let len64 = len as u64;
    let start = to_virtual(Region {
        base: address,
        len: len64,
    })?;
    // SAFETY: mapped, and firmware's tables do not change any more.
    Some(unsafe { slice::from_raw_parts(start, len) })
}

/// Where ArceOS's boot code mapped a range: the first 512 GiB, at one offset.
fn to_virtual(region: Region) -> Option<*mut u8> {
    let end = region.base.checked_add(region.len)?;
    let start = PhysAddr::from_usize(usize::try_from(region.base).ok()?);
    (end <= 512 << 30).then(|| phys_to_virt(start).as_mut_ptr())
}

/// Says why there is nothing more to do.
fn end(what: &str, why: impl Display) -> ! {
    console_println!("{what}: {why}");
    system_off()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    console_println!("PANIC: {info}");
    system_off()
}
