//! Loads where several vCPUs run at once.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use kpmem_model::event::MAX_CPUS;

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

/// Odd while a CPU's store is being reported.
static REPORTS: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];

/// Reports a store, for which others wait that may have seen it.
pub fn store(cpu: u8, report: impl FnOnce()) {
    let Some(reports) = REPORTS.get(usize::from(cpu)) else {
        return report();
    };
    reports.fetch_add(1, Ordering::AcqRel);
    report();
    reports.fetch_add(1, Ordering::AcqRel);
}

/// A store that this load may have seen is waiting for the lock that the load would take first: of
/// a word of which nothing is known yet, nothing else would show that.
fn let_others_report(cpu: u8, cpus: u32) {
    let all = (0..).zip(&REPORTS).take(cpus as usize);
    for (_, other) in all.filter(|(it, _)| *it != cpu) {
        let before = other.load(Ordering::Acquire);
        while before % 2 == 1 && other.load(Ordering::Acquire) == before {
            thread::yield_now();
        }
    }
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
    cpus: u32,
    mut report: impl FnMut(Touch<'_>) -> bool,
    give_up: impl FnOnce(Touch<'_>),
) {
    const YIELDS: u32 = 200;
    const FIRST: u32 = 8;
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
    // A store to a word that none was reported of may have been made, and its report not begun.
    if look.is_some_and(|it| it.stores == 0) {
        (0..FIRST).for_each(|_| thread::yield_now());
    }
    let_others_report(touch.cpu, cpus);
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

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    #[test]
    fn a_load_waits_for_a_store_that_is_being_reported() {
        let order = Mutex::new(Vec::new());
        let say = |what| order.lock().unwrap().push(what);
        let (begins, begun) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                store(0, || {
                    begins.send(()).unwrap();
                    thread::sleep(Duration::from_millis(50));
                    say("store");
                });
            });
            begun.recv().unwrap();
            let touch = Touch {
                cpu: 1,
                addr: 0x1000,
                bytes: &[1],
                ordered: true,
            };
            let report = |_: Touch<'_>| {
                say("load");
                false
            };
            load(touch, 2, report, |_| panic!("it was known"));
        });
        assert_eq!(*order.lock().unwrap(), ["store", "load"]);
    }
}
