//! A kernel whose persistent memory is a file of the host's, by virtio-pmem: what it says is
//! persisted is in that file, whatever happens next.
//!
//! Parameters: `mmio`, the address of the device's registers where it is not on PCI; `seed` of what
//! is written; and `mode`: `persist` (writes, persists, says so and waits for its end), `store`
//! (writes and says so: a control), `recover` (says how much of it is there), `stop` (as `persist`,
//! then stops the device and ends).
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::{ptr::NonNull, slice};
use kpmem::{
    Map,
    virtio::{Address, Mmio, Pmem, QueueMemory, Region, Spins, Transport, Window},
};
use kpmem_guest::{
    Machine,
    memory::{PAGE, page},
    paging::{Memory, map_page},
    println,
};
use kpmem_log::pattern;

kpmem_guest::entry!(kernel);

/// What is written: a range with odd ends, by parts that are persisted one by one.
const OFFSET: usize = 4099;
const PART: usize = 12_345;
const PARTS: usize = 10;

/// Some minutes, at least: a busy host may be slow to sync.
const PATIENCE: Spins = Spins(1 << 36);

fn kernel(machine: &Machine) {
    match machine.args.number("mmio") {
        Some(address) => run(machine, mmio(address as usize)),
        None => run(machine, pci()),
    }
}

fn mmio(address: usize) -> Mmio<Window> {
    const SIZE: usize = 0x200;
    // SAFETY: the host says that the registers are there, and nothing else uses them.
    let window = unsafe {
        map_identity(address as u64, SIZE as u64, Memory::Device);
        Window::new(NonNull::new(address as *mut u8).expect("no null"), SIZE)
    };
    Mmio::new(window).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
fn pci() -> kpmem::virtio::Pci<Window> {
    use kpmem::virtio::{BarRange, Error, Pci};

    let map = |range: BarRange| {
        let address = range.address();
        // SAFETY: registers of the device, in BARs that the firmware laid out.
        unsafe {
            map_identity(address, range.len, Memory::Device);
            let base = NonNull::new(address as *mut u8)?;
            Some(Window::new(base, range.len as usize))
        }
    };
    let found =
        kpmem_guest::pci::functions().find_map(|mut function| match Pci::new(&mut function, map) {
            Err(Error::WrongPciDevice { .. }) => None,
            found => Some(found),
        });
    let found = found.expect("there is no virtio-pmem on the root bus");
    found.unwrap_or_else(|error| panic!("{error}"))
}

/// Elsewhere QEMU has no such device.
#[cfg(not(all(target_os = "none", target_arch = "x86_64")))]
fn pci() -> Mmio<Window> {
    panic!("this machine has no virtio-pmem over PCI")
}

/// # Safety
/// As [`map_page`].
unsafe fn map_identity(start: u64, len: u64, memory: Memory) {
    let first = start & !(PAGE as u64 - 1);
    for page in (first..start + len).step_by(PAGE) {
        // SAFETY: passed on to the caller.
        unsafe { map_page(page as usize, page, memory) };
    }
}

fn run<T: Transport>(machine: &Machine, transport: T) {
    let queue = page();
    let memory = NonNull::new(queue.cast::<QueueMemory>()).expect("a page is not at 0");
    let address = Address::Physical(queue.addr() as u64);
    // SAFETY: a page that nothing else gets, mapped at its physical address.
    let pmem = unsafe { Pmem::new(transport, memory, address, PATIENCE) };
    let Region { base, len } = pmem.start().unwrap_or_else(|error| panic!("{error}"));
    println!("virtio-pmem {base:#x}+{len:#x}");
    // SAFETY: the memory that the device brings, which nothing else uses.
    unsafe { map_identity(base, len, Memory::Normal) };
    // SAFETY: mapped as was just seen to; what QEMU has synced is in the file.
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
