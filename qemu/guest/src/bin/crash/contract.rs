//! Contract fuzz: random maps, pointers, lengths and contents; a persist, or flushes that share a
//! drain; then the claim that all of it is durable. No recovery: the simulator checks each claim by
//! itself.

use core::ffi::c_void;

use kpmem::{Map, SyncHook, Table};
use kpmem_marks::{begin, end};

use crate::{random::Random, region::Region};

/// Claims of one run.
const CLAIMS: u64 = 2500;
/// Flushes that share a drain, at most.
const SHARED: usize = 6;
/// Longest range in bytes.
const LONGEST: usize = 1200;

pub fn run(region: &mut Region, seed: u64) {
    let mut random = Random(seed);
    begin(seed);
    let mut id = 0;
    while id < CLAIMS {
        let map = sub_map(region, &mut random);
        let mut dirty = [(0, 0); SHARED];
        let parts = match random.below(2) {
            0 => {
                let (offset, len) = fill(region, &map, &mut random);
                dirty[0] = (offset, len);
                map.persist(region.at(offset, len), len)
                    .expect("inside the map");
                1
            }
            _ => {
                let parts = 1 + random.below(SHARED);
                for part in &mut dirty[..parts] {
                    let (offset, len) = fill(region, &map, &mut random);
                    *part = (offset, len);
                    map.flush(region.at(offset, len), len)
                        .expect("inside the map");
                }
                map.drain().expect("no page map");
                parts
            }
        };
        for (offset, len) in &dirty[..parts] {
            region.claim(*offset, *len, id);
            id += 1;
        }
    }
    end();
}

/// A map over a random part of the region: over the table under test, or of page granularity with a
/// device that uses it.
fn sub_map(region: &Region, random: &mut Random) -> Map {
    let size = region.map().size();
    let start = random.below(size - LONGEST);
    let len = 1 + random.below((size - start).min(8 * LONGEST));
    let (base, table) = (region.at(start, len), region.map().table());
    // SAFETY: a part of the region's own map, over the same table; the hook may be called at any
    // time, with a table that is static.
    let map = unsafe {
        if random.below(4) == 0 {
            let hook = SyncHook::new(sync, (&raw const *table).cast_mut().cast());
            Map::with_hook(base, len, hook)
        } else {
            Map::with_table(base, len, table)
        }
    };
    map.expect("a sound range")
}

/// A device that makes a range durable by the functions of a table.
unsafe extern "C" fn sync(table: *mut c_void, ptr: *const u8, len: usize) -> i32 {
    // SAFETY: `sub_map` passes a static table, and the map passes a range of its own.
    unsafe { (*table.cast_const().cast::<Table>()).persist_fn()(ptr, len) };
    0
}

/// Stores random bytes to a random range of the map.
fn fill(region: &mut Region, map: &Map, random: &mut Random) -> (usize, usize) {
    let base = map.address().addr() - region.map().address().addr();
    let len = 1 + random.below(map.size().min(LONGEST));
    // Half of the lengths short: most persists of real programs are.
    let len = if random.below(2) == 0 {
        len
    } else {
        1 + len % 32.min(map.size())
    };
    let offset = base + random.below(map.size() - len + 1);
    let mut bytes = [0; LONGEST];
    for word in bytes[..len].chunks_mut(8) {
        word.copy_from_slice(&random.next().to_le_bytes()[..word.len()]);
    }
    region.store(offset, &bytes[..len]);
    (offset, len)
}
