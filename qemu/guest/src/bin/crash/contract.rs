//! Contract fuzz: random maps, pointers, lengths and contents; a persist, or flushes that share a
//! drain, or a write-back that drops the lines; then the claim that all of it is durable. No
//! recovery: the simulator checks each claim by itself.

use kpmem::{Dispatch, Error, HookFns, Map};
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
        let size = region.map().size();
        let start = random.below(size - LONGEST);
        let len = 1 + random.below((size - start).min(8 * LONGEST));
        let (base, table) = (region.at(start, len), region.map().table());
        // A map over a random part of the region: over the table under test, or of page granularity
        // with a device that uses it.
        // SAFETY: a part of the region's own map, over the same table; what the hook gets is in it.
        id = unsafe {
            if random.below(4) == 0 {
                let hook = HookFns {
                    flush: |ptr: *const u8, len: usize| {
                        table.flush_fn()(ptr, len);
                        Ok(())
                    },
                    drain: || {
                        table.drain_fn()();
                        Ok(())
                    },
                };
                let map = Map::with_hook(base, len, hook).expect("a part of the region");
                claims(region, &map, &mut random, id)
            } else {
                let map = Map::with_table(base, len, table).expect("a part of the region");
                claims(region, &map, &mut random, id)
            }
        };
    }
    end();
}

/// A range made durable by one call, or flushes of several that share a drain, and the claims. The
/// number of the next claim.
fn claims<D: Dispatch>(region: &mut Region, map: &Map<D>, random: &mut Random, mut id: u64) -> u64 {
    let mut dirty = [(0, 0); SHARED];
    let parts = if random.below(2) == 0 {
        let (offset, len) = fill(region, map, random);
        dirty[0] = (offset, len);
        persist(map, region.at(offset, len), len, random.below(3) == 0);
        1
    } else {
        let parts = 1 + random.below(SHARED);
        for part in &mut dirty[..parts] {
            let (offset, len) = fill(region, map, random);
            *part = (offset, len);
            map.flush(region.at(offset, len), len)
                .expect("inside the map");
        }
        map.drain().expect("a hook that cannot fail");
        parts
    };
    for (offset, len) in &dirty[..parts] {
        region.claim(*offset, *len, id);
        id += 1;
    }
    id
}

/// Makes a range durable, and drops its lines if they are `unwanted` and the map can.
fn persist<D: Dispatch>(map: &Map<D>, ptr: *const u8, len: usize, unwanted: bool) {
    if unwanted {
        match map.writeback_invalidate(ptr, len) {
            Err(Error::NotInvalidated { .. }) => {}
            done => return done.expect("inside the map"),
        }
    }
    map.persist(ptr, len).expect("inside the map");
}

/// Stores random bytes to a random range of the map.
fn fill<D: Dispatch>(region: &mut Region, map: &Map<D>, random: &mut Random) -> (usize, usize) {
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
