//! Page granularity: a map calls its hook, and plain pointers find the hooks by address.

use crate::{
    Case,
    outcome::{Outcome, Stop, ensure, ensure_eq},
    selection::table,
};
use core::cell::Cell;
use kpmem::{Error, Granularity, Hook, HookFns, Map, PageSlot, Paged};
use kpmem_runtime::{Machine, memory::PAGE};

pub const CASES: &[Case] = &[
    ("the_hook_of_a_page_map_is_found_by_address", by_address),
    ("a_range_over_two_page_maps_calls_both_hooks", spanning),
    ("many_flushes_of_a_page_map_share_one_drain", one_drain),
    ("a_failing_hook_surfaces", failing),
    ("a_range_that_no_page_map_covers_surfaces", not_covered),
    ("page_maps_do_not_overlap", overlap),
    ("dropping_a_page_map_forgets_its_hook", dropped),
    ("a_page_map_drops_no_lines", drops_nothing),
    ("a_hook_can_make_pages_durable", durable),
];

/// A hook that remembers what it was called with last, and returns what it shall.
#[derive(Debug, Default)]
struct Recorder {
    flushes: Cell<usize>,
    last: Cell<(usize, usize)>,
    drains: Cell<usize>,
    result: Cell<i32>,
}

impl Recorder {
    /// The flushes since the last time, and the last one's range.
    fn take(&self) -> (usize, (usize, usize)) {
        (self.flushes.take(), self.last.take())
    }

    fn answer(&self) -> Result<(), i32> {
        match self.result.get() {
            0 => Ok(()),
            code => Err(code),
        }
    }
}

impl Hook for Recorder {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        self.flushes.set(self.flushes.get() + 1);
        self.last.set((ptr.addr(), len));
        self.answer()
    }

    fn drain(&self) -> Result<(), i32> {
        self.drains.set(self.drains.get() + 1);
        self.answer()
    }
}

const NONE: (usize, (usize, usize)) = (0, (0, 0));

static SLOTS: [PageSlot; 2] = [PageSlot::new(), PageSlot::new()];

/// A map of one page of the NVDIMM.
fn map_page<H: Hook>(machine: &Machine, page: usize, hook: H) -> Result<Map<Paged<H>>, Error> {
    // SAFETY: the NVDIMM is mapped, and durability is not what these cases are about.
    unsafe { Map::with_hook(machine.address().add(page * PAGE), PAGE, hook) }
}

fn by_address(machine: &Machine) -> Outcome {
    let (a, b) = (Recorder::default(), Recorder::default());
    let (first, second) = (map_page(machine, 0, &a)?, map_page(machine, 1, &b)?);
    ensure_eq!(first.granularity(), Granularity::Page);
    // SAFETY: the registrations are dropped before the maps, and one CPU runs.
    let (one, two) = unsafe { (first.register(&SLOTS[0])?, second.register(&SLOTS[1])?) };
    ensure_eq!(one.persist_fn() as usize, two.persist_fn() as usize);

    let ptr = second.address().wrapping_add(100);
    second.persist(ptr, 7)?;
    ensure_eq!((a.take(), b.take()), (NONE, (1, (ptr.addr(), 7))));
    // SAFETY: the ranges are inside the maps.
    unsafe { two.persist_fn()(first.address(), PAGE) };
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
    let (first, second) = (map_page(machine, 0, &a)?, map_page(machine, 1, &b)?);
    // SAFETY: as in `by_address`.
    let (one, _two) = unsafe { (first.register(&SLOTS[0])?, second.register(&SLOTS[1])?) };
    let border = second.address();
    // SAFETY: the range is inside both maps.
    unsafe { one.persist_fn()(border.wrapping_sub(3), 8) };
    ensure_eq!(a.take(), (1, (border.addr() - 3, 3)));
    ensure_eq!(b.take(), (1, (border.addr(), 5)));
    ensure_eq!((first.drain(), second.drain()), (Ok(()), Ok(())));
    Ok(())
}

fn one_drain(machine: &Machine) -> Outcome {
    let recorder = Recorder::default();
    let map = map_page(machine, 0, &recorder)?;
    for at in 0..100 {
        map.flush(map.address().wrapping_add(at), 1)?;
    }
    ensure_eq!((recorder.flushes.get(), recorder.drains.get()), (100, 0));
    map.drain()?;
    map.drain()?;
    ensure_eq!(recorder.drains.get(), 1);
    Ok(())
}

fn failing(machine: &Machine) -> Outcome {
    let (a, b) = (Recorder::default(), Recorder::default());
    let (first, second) = (map_page(machine, 0, &a)?, map_page(machine, 1, &b)?);
    // SAFETY: as in `by_address`.
    let (_one, two) = unsafe { (first.register(&SLOTS[0])?, second.register(&SLOTS[1])?) };
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
    unsafe { two.flush_fn()(first.address(), 2 * PAGE) };
    ensure_eq!(a.take().0, 1);
    ensure_eq!(first.drain(), Ok(()));
    b.result.set(0);
    ensure_eq!(second.drain(), failure(PAGE));
    ensure_eq!(second.drain(), Ok(()));
    Ok(())
}

fn not_covered(machine: &Machine) -> Outcome {
    let recorder = Recorder::default();
    let map = map_page(machine, 1, &recorder)?;
    // SAFETY: as in `by_address`; the range below the map is mapped, and no hook is called for it.
    unsafe {
        let registered = map.register(&SLOTS[0])?;
        registered.persist_fn()(machine.address(), PAGE + 1);
    }
    let (start, len) = (machine.address().addr(), PAGE);
    ensure_eq!(recorder.take().0, 1);
    ensure_eq!(map.drain(), Err(Error::NotCovered { start, len }));
    ensure_eq!(map.drain(), Ok(()));
    Ok(())
}

fn overlap(machine: &Machine) -> Outcome {
    let recorder = Recorder::default();
    let map = map_page(machine, 1, &recorder)?;
    // SAFETY: as in `by_address`; the second is refused.
    unsafe {
        let _registered = map.register(&SLOTS[0])?;
        let wide = Map::with_hook(machine.address(), PAGE + 1, &recorder)?;
        let error = Error::Overlap {
            start: machine.address().addr(),
            len: PAGE + 1,
            other_start: map.address().addr(),
            other_len: PAGE,
        };
        let second = wide.register(&SLOTS[1]);
        ensure!(
            second.as_ref().is_err_and(|e| *e == error),
            "not {error:?} but {second:?}"
        );
    }
    Ok(())
}

fn dropped(machine: &Machine) -> Outcome {
    let (a, b) = (Recorder::default(), Recorder::default());
    let (first, second) = (map_page(machine, 0, &a)?, map_page(machine, 0, &b)?);
    // SAFETY: as in `by_address`; the range is inside the map.
    unsafe {
        let persist = first.register(&SLOTS[0])?.persist_fn();
        let _registered = second.register(&SLOTS[0])?;
        persist(second.address(), 1);
    }
    ensure_eq!((a.take().0, b.take().0), (0, 1));
    Ok(())
}

fn drops_nothing(machine: &Machine) -> Outcome {
    let recorder = Recorder::default();
    let map = map_page(machine, 0, &recorder)?;
    let result = map.writeback_invalidate(map.address(), 1);
    ensure!(
        matches!(result, Err(Error::NotInvalidated { .. })),
        "not refused but {result:?}"
    );
    ensure_eq!((recorder.take(), recorder.drains.get()), (NONE, 0));
    Ok(())
}

/// As a driver would do it: the hook asks another layer, here the CPU's own instruction.
fn durable(machine: &Machine) -> Outcome {
    let table = table()?;
    let hook = HookFns {
        // SAFETY: the library gives ranges inside the map.
        flush: |ptr: *const u8, len: usize| unsafe {
            table.flush_fn()(ptr, len);
            Ok(())
        },
        // SAFETY: a fence.
        drain: || unsafe {
            table.drain_fn()();
            Ok(())
        },
    };
    let map = map_page(machine, 3, hook)?;
    // SAFETY: inside the map, which only this case uses.
    let bytes = unsafe { core::slice::from_raw_parts_mut(map.address(), PAGE) };
    bytes.fill(0x3c);
    map.persist(map.address(), PAGE).map_err(Stop::from)?;
    ensure!(bytes.iter().all(|byte| *byte == 0x3c), "other content");
    Ok(())
}
