//! A kernel of one's own under the crash simulator: `cargo xtask crash --kernel KERNEL`.
//!
//! It keeps a counter in two slots and writes them in turn, so that one is whole at any moment.
//! Each slot is a value and its complement; recovery takes the larger of the whole ones. With the
//! parameter `careless` it writes always the same slot.
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem::Map;
use kpmem_marks::{MAILBOX, Mailbox, begin, claim, end, next_crash, verdict};
use kpmem_runtime::{Machine, println};

kpmem_runtime::entry!(kernel);

const STEPS: u64 = 100;
/// Slots are in different lines, whatever the line size.
const SLOT: usize = 256;

fn kernel(machine: &Machine) {
    let table = machine.cpu().table().expect("a CPU that can flush");
    let len = machine.size() - MAILBOX;
    // SAFETY: the runtime mapped the NVDIMM write-back, and the table is the CPU's own.
    let map = unsafe { Map::with_table(machine.address(), len, table) }.expect("a sound range");
    let mailbox: *mut Mailbox = machine.address().wrapping_add(len).cast();

    // What the simulator boots after a crash, to see that its loop below is faithful.
    if machine.args.get("mode") == Some("reboot") {
        // SAFETY: the mailbox is mapped.
        let cut = unsafe { mailbox.read_volatile() };
        println!("verdict {}", recover(&map, cut.claims));
        return;
    }

    let slots = if machine.args.get("careless").is_some() {
        1
    } else {
        2
    };
    write(&map, 0, 0);
    write(&map, 1, 0);
    begin(0);
    for value in 1..=STEPS {
        let (slot, len) = write(&map, value % slots, value);
        claim(slot, len, value);
    }
    end();

    // SAFETY: the mailbox is the last page of the NVDIMM, outside the map.
    while let Some(crash) = unsafe { next_crash(mailbox) } {
        verdict(recover(&map, crash.claims));
    }
}

/// Writes a slot and persists it.
fn write(map: &Map, slot: u64, value: u64) -> (*const u8, usize) {
    let to = map.address().wrapping_add(slot as usize * SLOT);
    // SAFETY: inside the map, aligned, and nobody else stores there.
    unsafe { to.cast::<[u64; 2]>().write_volatile([value, !value]) };
    map.persist(to, 16).expect("inside the map");
    (to, 16)
}

/// 0 if the counter is at least what was claimed.
fn recover(map: &Map, claimed: u64) -> u64 {
    let read = |slot: usize| {
        let at = map.address().wrapping_add(slot * SLOT).cast::<[u64; 2]>();
        // SAFETY: inside the map and aligned.
        let [value, complement] = unsafe { at.read_volatile() };
        (complement == !value).then_some(value)
    };
    match read(0).max(read(1)) {
        Some(value) if value >= claimed => 0,
        Some(_) => 1,
        None => 2,
    }
}
