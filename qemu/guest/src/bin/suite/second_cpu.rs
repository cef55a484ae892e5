//! The library on two CPUs: what one persists the other sees, and each can persist on its own.

use crate::{
    outcome::{Case, Outcome, Stop, ensure, ensure_eq},
    selection::table,
    window::unmapped,
};
use core::{
    slice,
    sync::atomic::{AtomicUsize, Ordering},
};
use kpmem::{Map, Table};
use kpmem_log::pattern;
use kpmem_runtime::{Machine, smp, trap::fault};

pub const CASES: &[Case] = &[
    ("one_cpu_has_no_second", alone),
    ("the_second_cpu_runs", runs),
    ("the_second_cpu_persists_a_range", persists),
    (
        "the_second_cpu_sees_what_the_first_persisted",
        sees_what_was_persisted,
    ),
    ("each_cpu_has_its_own_trap_state", own_traps),
];

/// A place that no other case uses.
const AREA: usize = 3 << 20;
const LEN: usize = 10_001;

/// Runs a function on the second CPU to its end.
fn on_second(f: fn(usize), argument: usize) -> Result<(), Stop> {
    let running = smp::start(f, argument);
    running
        .ok_or(Stop::Skipped("the machine has one CPU"))?
        .wait();
    Ok(())
}

fn alone(_: &Machine) -> Outcome {
    if smp::cpus() > 1 {
        return Err(Stop::Skipped("the machine has several CPUs"));
    }
    ensure!(smp::start(|_| (), 0).is_none(), "something has started");
    Ok(())
}

fn runs(_: &Machine) -> Outcome {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    ensure_eq!(smp::current(), 0);
    for argument in [1000, 2000] {
        on_second(
            |argument| SEEN.store(argument + smp::current(), Ordering::Relaxed),
            argument,
        )?;
        ensure_eq!(SEEN.load(Ordering::Relaxed), argument + 1);
    }
    Ok(())
}

/// What the CPUs share: a map of [`LEN`] bytes, the pattern that it should hold, and whether the
/// second one was content.
struct Shared {
    map: Map,
    seed: u64,
    good: bool,
}

impl Shared {
    fn new(machine: &Machine, table: &'static Table) -> Result<Self, Stop> {
        let start = machine.address().wrapping_add(AREA + 1);
        // SAFETY: inside the NVDIMM, which is mapped write-back; the table is selected.
        let map = unsafe { Map::with_table(start, LEN, table) }?;
        Ok(Self {
            map,
            seed: 0,
            good: false,
        })
    }

    /// Runs a function on the second CPU, which gets this by its address.
    fn lend(&mut self, f: fn(usize)) -> Result<bool, Stop> {
        on_second(f, (&raw mut *self).expose_provenance())?;
        // SAFETY: a reference. Volatile: the other CPU has changed it.
        Ok(unsafe { (&raw const self.good).read_volatile() })
    }

    /// # Safety
    /// The argument must come from [`Self::lend`].
    unsafe fn borrow<'a>(argument: usize) -> &'a mut Self {
        // SAFETY: the lender waits for the borrower to return.
        unsafe { &mut *core::ptr::with_exposed_provenance_mut(argument) }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the map's memory, which only one CPU uses at a time.
        unsafe { slice::from_raw_parts_mut(self.map.address(), LEN) }
    }

    fn fill(&mut self, seed: u64) -> Result<(), kpmem::Error> {
        self.seed = seed;
        let bytes = self.bytes();
        bytes
            .iter_mut()
            .zip(pattern(seed))
            .for_each(|(byte, value)| *byte = value);
        self.map.persist(self.map.address(), LEN)
    }

    fn holds(&mut self) -> bool {
        let pattern = pattern(self.seed).take(LEN);
        self.bytes().iter().copied().eq(pattern)
    }
}

fn persists(machine: &Machine) -> Outcome {
    let mut shared = Shared::new(machine, table()?)?;
    shared.fill(1)?;
    let good = shared.lend(|argument| {
        // SAFETY: lent.
        let shared = unsafe { Shared::borrow(argument) };
        shared.good = shared.fill(2).is_ok();
    })?;
    ensure!(good, "persist fails on the second CPU");
    ensure!(shared.holds(), "other content than the second CPU stored");
    Ok(())
}

fn sees_what_was_persisted(machine: &Machine) -> Outcome {
    let mut shared = Shared::new(machine, table()?)?;
    for seed in 3..6 {
        shared.fill(seed)?;
        let good = shared.lend(|argument| {
            // SAFETY: lent.
            let shared = unsafe { Shared::borrow(argument) };
            shared.good = shared.holds();
        })?;
        ensure!(
            good,
            "the second CPU finds other content than pattern {seed}"
        );
    }
    Ok(())
}

/// A probe waits on the first CPU while the second one meets a fault: each returns to its own.
fn own_traps(_: &Machine) -> Outcome {
    static FAULT: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn load(ptr: *const u8, _: usize) {
        // SAFETY: the probe stands by where nothing is mapped.
        unsafe { ptr.read_volatile() };
    }

    unsafe extern "C" fn fault_on_second(ptr: *const u8, _: usize) {
        let running = smp::start(
            |_| {
                // SAFETY: the function touches one byte.
                let address = unsafe { fault(load, unmapped().wrapping_add(1), 1) };
                FAULT.store(address.unwrap_or(0), Ordering::Relaxed);
            },
            0,
        );
        if let Some(running) = running {
            running.wait();
            // SAFETY: the probe of this CPU stands by.
            unsafe { ptr.read_volatile() };
        }
    }

    // SAFETY: the function touches one byte, holds no lock and needs no destructor.
    let address = unsafe { fault(fault_on_second, unmapped(), 1) };
    if smp::cpus() < 2 {
        return Err(Stop::Skipped("the machine has one CPU"));
    }
    ensure_eq!(address, Some(unmapped().addr()));
    ensure_eq!(FAULT.load(Ordering::Relaxed), unmapped().addr() + 1);
    Ok(())
}
