//! Loads where several vCPUs run at once.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::observed::Touch;

/// How often any word of these was stored to, by a hash of its address.
static STORES: [AtomicU32; 4096] = [const { AtomicU32::new(0) }; 4096];

fn stores_to(addr: u64) -> &'static AtomicU32 {
    &STORES[(addr / 8) as usize % STORES.len()]
}

/// A store to this word was reported.
pub fn stored(addr: u64) {
    stores_to(addr).fetch_add(1, Ordering::Release);
}

/// What a load saw, and how often its word had been stored to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    cpu: u8,
    addr: u64,
    value: u128,
    stores: u32,
}

/// A load may be reported before the store that it saw: its CPU is about to, unless the host has
/// others to run. Who stores without a report (a device) is believed after a while, by `give_up`. A
/// loop that waits for a word learns nothing new, and must keep the others neither from the lock
/// nor from their core.
pub fn load(
    touch: Touch<'_>,
    mut report: impl FnMut(Touch<'_>) -> bool,
    give_up: impl FnOnce(Touch<'_>),
) {
    const YIELDS: u32 = 200;
    const PATIENCE: Duration = Duration::from_secs(2);
    const RECENT: usize = 64;
    thread_local! {
        static SEEN: [Cell<Option<Look>>; RECENT] = const { [const { Cell::new(None) }; RECENT] };
    }
    let value = touch.bytes.iter().rev();
    let look = Some(Look {
        cpu: touch.cpu,
        addr: touch.addr,
        value: value.fold(0, |value, byte| value << 8 | u128::from(*byte)),
        stores: stores_to(touch.addr).load(Ordering::Acquire),
    });
    let slot = (touch.addr / 8) as usize % RECENT;
    if SEEN.with(|seen| seen[slot].get() == look) {
        return thread::yield_now();
    }
    for _ in 0..YIELDS {
        if !report(touch) {
            return SEEN.with(|seen| seen[slot].set(look));
        }
        thread::yield_now();
    }
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if !report(touch) {
            return SEEN.with(|seen| seen[slot].set(look));
        }
        thread::sleep(Duration::from_micros(200));
    }
    give_up(touch);
}
