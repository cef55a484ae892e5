//! Persisting real NVDIMM: what was stored is there, and the bytes around it stay.

use crate::{
    content::{AREA, area},
    outcome::{Case, Outcome, ensure, ensure_eq},
    selection::table,
};
use core::slice;
use kpmem::{Map, PersistFn};
use kpmem_log::pattern;
use kpmem_runtime::{Machine, memory::PAGE};

pub const CASES: &[Case] = &[
    ("the_nvdimm_is_there_from_end_to_end", both_ends),
    ("persist_keeps_content_at_every_offset", persisted),
    ("dropped_lines_keep_content_at_every_offset", dropped),
    ("many_flushes_share_one_drain", shared_drain),
];

/// Runs after all others: what it writes must still be there at the end.
pub const LAST: &[Case] = &[("pattern_for_the_host", pattern_for_the_host)];

fn both_ends(machine: &Machine) -> Outcome {
    ensure!(machine.size() >= 2 * AREA, "only {} bytes", machine.size());
    for offset in [0, machine.size() - 1] {
        let byte = machine.address().wrapping_add(offset);
        for value in [0x5a, 0xa5] {
            // SAFETY: inside the NVDIMM, which only this kernel uses.
            let read = unsafe {
                byte.write_volatile(value);
                byte.read_volatile()
            };
            ensure_eq!(read, value);
        }
    }
    Ok(())
}

fn persisted(machine: &Machine) -> Outcome {
    every_offset(machine, table()?.persist_fn())
}

fn dropped(machine: &Machine) -> Outcome {
    let function = table()?.writeback_invalidate_fn();
    every_offset(machine, function.expect("lines can be dropped"))
}

fn every_offset(machine: &Machine, function: PersistFn) -> Outcome {
    let table = table()?;
    // SAFETY: the NVDIMM is mapped write-back; the table is selected.
    let map = unsafe { Map::with_table(machine.address(), machine.size(), table) }?;
    let line = table.line();
    let lens = [1, 7, 8, line - 1, line, line + 1, 2 * line, 3 * line + 5];
    for (count, offset) in (0..2 * line).enumerate() {
        let len = lens[count % lens.len()];
        // SAFETY: the last slice is out of use.
        let frame = unsafe { area(&map, 6 * line) };
        frame.fill(0xee);
        let bytes = &mut frame[offset..offset + len];
        bytes
            .iter_mut()
            .zip(pattern(count as u64))
            .for_each(|(byte, value)| *byte = value);
        let ptr = bytes.as_ptr();
        // SAFETY: the range is inside the map.
        unsafe { function(ptr, len) };
        let (before, rest) = frame.split_at(offset);
        let (bytes, behind) = rest.split_at(len);
        let same = bytes.iter().copied().eq(pattern(count as u64).take(len));
        ensure!(same, "other content after {len} bytes at {offset}");
        let stays = before.iter().chain(behind).all(|byte| *byte == 0xee);
        ensure!(stays, "other neighbours after {len} bytes at {offset}");
    }
    Ok(())
}

fn shared_drain(machine: &Machine) -> Outcome {
    let table = table()?;
    // SAFETY: the NVDIMM is mapped write-back; the table is selected.
    let map = unsafe { Map::with_table(machine.address(), machine.size(), table) }?;
    for page in 0..8 {
        // SAFETY: the last slice is out of use.
        let bytes = &mut unsafe { area(&map, 8 * PAGE) }[page * PAGE..][..100];
        bytes.fill(page as u8 + 1);
        map.flush(bytes.as_ptr(), bytes.len())?;
    }
    map.drain()?;
    // SAFETY: the last slice is out of use.
    let bytes = unsafe { area(&map, 8 * PAGE) };
    let same = (0..8).all(|page| {
        bytes[page * PAGE..][..100]
            .iter()
            .all(|byte| *byte == page as u8 + 1)
    });
    ensure!(same, "other content");
    Ok(())
}

/// What the host will find in the backing file.
pub struct HostPattern {
    pub seed: u64,
    pub offset: usize,
    pub len: usize,
}

/// The pattern of this boot: a range with odd ends.
pub fn host_pattern(machine: &Machine) -> HostPattern {
    let seed = machine.args.number("seed").unwrap_or(0);
    HostPattern {
        seed,
        offset: 2 * AREA + 13,
        len: 123_457,
    }
}

fn pattern_for_the_host(machine: &Machine) -> Outcome {
    let table = table()?;
    // SAFETY: the NVDIMM is mapped write-back; the table is selected.
    let map = unsafe { Map::with_table(machine.address(), machine.size(), table) }?;
    let HostPattern { seed, offset, len } = host_pattern(machine);
    ensure!(
        machine.size() >= offset + len,
        "only {} bytes",
        machine.size()
    );
    let ptr = map.address().wrapping_add(offset);
    // SAFETY: inside the NVDIMM, which only this case uses now.
    let bytes = unsafe { slice::from_raw_parts_mut(ptr, len) };
    bytes
        .iter_mut()
        .zip(pattern(seed))
        .for_each(|(byte, value)| *byte = value);
    map.persist(ptr, len)?;
    Ok(())
}
