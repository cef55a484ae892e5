//! Page granularity: the hooks of the maps, found by address.

use crate::{
    Case,
    outcome::{Outcome, Stop, ensure, ensure_eq},
    selection::table,
};
use core::{cell::Cell, ffi::c_void};
use kpmem::{Error, Granularity, Map, SyncHook};
use kpmem_guest::{Machine, memory::PAGE};

pub const CASES: &[Case] = &[
    ("the_hook_of_a_page_map_is_found_by_address", by_address),
    ("a_range_over_two_page_maps_calls_both_hooks", spanning),
    ("a_failing_hook_surfaces", failing),
    ("page_maps_do_not_overlap", overlap),
    ("dropping_a_page_map_forgets_its_hook", dropped),
    ("a_hook_can_make_pages_durable", durable),
];

/// A hook's context: what it was called with last, and what it shall return.
#[derive(Default)]
struct Recorder {
    calls: Cell<usize>,
    last: Cell<(usize, usize)>,
    result: Cell<i32>,
}

impl Recorder {
    fn hook(&self) -> SyncHook {
        let context = (&raw const *self).cast_mut().cast();
        // SAFETY: each case drops its maps before its recorders, and one CPU runs.
        unsafe { SyncHook::new(record, context) }
    }

    /// The calls since the last time, and the last one's range.
    fn take(&self) -> (usize, (usize, usize)) {
        (self.calls.take(), self.last.take())
    }
}

unsafe extern "C" fn record(context: *mut c_void, ptr: *const u8, len: usize) -> i32 {
    // SAFETY: the context of `Recorder::hook`.
    let recorder = unsafe { &*context.cast::<Recorder>() };
    recorder.calls.set(recorder.calls.get() + 1);
    recorder.last.set((ptr.addr(), len));
    recorder.result.get()
}

const NONE: (usize, (usize, usize)) = (0, (0, 0));

/// A map of one page of the NVDIMM.
fn map_page(machine: &Machine, page: usize, hook: SyncHook) -> Result<Map, Error> {
    // SAFETY: the NVDIMM is mapped, and durability is not what these cases are about.
    unsafe { Map::with_hook(machine.address().add(page * PAGE), PAGE, hook) }
}

fn by_address(machine: &Machine) -> Outcome {
    let (a, b) = (Recorder::default(), Recorder::default());
    let first = map_page(machine, 0, a.hook())?;
    let second = map_page(machine, 1, b.hook())?;
    ensure_eq!(first.granularity(), Granularity::Page);
    ensure_eq!(first.persist_fn() as usize, second.persist_fn() as usize);

    let ptr = second.address().wrapping_add(100);
    second.persist(ptr, 7)?;
    ensure_eq!((a.take(), b.take()), (NONE, (1, (ptr.addr(), 7))));
    // SAFETY: the ranges are inside the maps.
    unsafe { second.persist_fn()(first.address(), PAGE) };
    ensure_eq!(
        (a.take(), b.take()),
        ((1, (first.address().addr(), PAGE)), NONE)
    );

    first.persist(ptr, 0)?;
    ensure!(
        first.persist(ptr, 7).is_err(),
        "outside the map, and accepted"
    );
    ensure_eq!((a.take(), b.take()), (NONE, NONE));
    Ok(())
}

fn spanning(machine: &Machine) -> Outcome {
    let (a, b) = (Recorder::default(), Recorder::default());
    let first = map_page(machine, 0, a.hook())?;
    let second = map_page(machine, 1, b.hook())?;
    let border = second.address();
    // SAFETY: the range is inside both maps.
    unsafe { first.persist_fn()(border.wrapping_sub(3), 8) };
    ensure_eq!(a.take(), (1, (border.addr() - 3, 3)));
    ensure_eq!(b.take(), (1, (border.addr(), 5)));
    ensure_eq!((first.drain(), second.drain()), (Ok(()), Ok(())));
    Ok(())
}

fn failing(machine: &Machine) -> Outcome {
    let (a, b) = (Recorder::default(), Recorder::default());
    let first = map_page(machine, 0, a.hook())?;
    let second = map_page(machine, 1, b.hook())?;
    b.result.set(-5);
    let (ptr, start) = (second.address(), second.address().addr());
    let failure = |len| {
        Err(Error::Sync {
            start,
            len,
            code: -5,
        })
    };
    ensure_eq!(second.persist(ptr, 9), failure(9));
    // A plain function cannot say it; the next drain of that map does, once.
    // SAFETY: the range is inside both maps.
    unsafe { second.flush_fn()(first.address(), 2 * PAGE) };
    ensure_eq!(a.take().0, 1);
    ensure_eq!(first.drain(), Ok(()));
    ensure_eq!(second.drain(), failure(PAGE));
    ensure_eq!(second.drain(), Ok(()));
    Ok(())
}

fn overlap(machine: &Machine) -> Outcome {
    let recorder = Recorder::default();
    let map = map_page(machine, 1, recorder.hook())?;
    // SAFETY: refused.
    let second = unsafe { Map::with_hook(machine.address(), PAGE + 1, recorder.hook()) };
    let error = Error::Overlap {
        start: machine.address().addr(),
        len: PAGE + 1,
        other_start: map.address().addr(),
        other_len: PAGE,
    };
    ensure!(
        second.as_ref().is_err_and(|e| *e == error),
        "not {error:?} but {second:?}"
    );
    Ok(())
}

fn dropped(machine: &Machine) -> Outcome {
    let (a, b) = (Recorder::default(), Recorder::default());
    let persist = map_page(machine, 0, a.hook())?.persist_fn();
    let map = map_page(machine, 0, b.hook())?;
    // SAFETY: the range is inside the map.
    unsafe { persist(map.address(), 1) };
    ensure_eq!((a.take().0, b.take().0), (0, 1));
    Ok(())
}

/// As a driver would do it: the hook asks another layer, here the CPU's own instruction.
fn durable(machine: &Machine) -> Outcome {
    unsafe extern "C" fn sync(_: *mut c_void, ptr: *const u8, len: usize) -> i32 {
        let Ok(table) = table() else { return -1 };
        // SAFETY: the library gives ranges inside the map.
        unsafe { table.persist_fn()(ptr, len) };
        0
    }
    table()?;
    // SAFETY: `sync` makes the range durable by the selected table.
    let map = map_page(machine, 3, unsafe {
        SyncHook::new(sync, core::ptr::null_mut())
    })?;
    // SAFETY: inside the map, which only this case uses.
    let bytes = unsafe { core::slice::from_raw_parts_mut(map.address(), PAGE) };
    bytes.fill(0x3c);
    map.persist(map.address(), PAGE).map_err(Stop::from)?;
    ensure!(bytes.iter().all(|byte| *byte == 0x3c), "other content");
    Ok(())
}
