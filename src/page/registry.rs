//! The page maps that plain function pointers find by address.
//!
//! Each is in a [`PageSlot`] of the caller's, so there are as many as the caller has slots. Slots
//! are linked for good, and used again. To look one up takes no lock: a reader counts itself in,
//! and who takes a map out waits until nobody is in. So a holder that was preempted keeps nobody
//! from flushing; and only to put a map in or take it out is not for interrupt context.

use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering},
};

use spin::Mutex;

use super::{Device, Hook, Paged, failure::Failure};
use crate::{
    DrainFn, Error, FlushFn, Granularity, Map, MemcpyFn, MemmoveFn, MemsetFn, PersistFn,
    Primitives, Table, arch, poison::Avoiding, range::Span,
};

static FIRST: AtomicPtr<PageSlot> = AtomicPtr::new(null_mut());
/// Held to put a map in or take it out, never while a hook runs.
static WRITER: Mutex<()> = Mutex::new(());
/// A plain function pointer was given a range that no page map covers.
pub(super) static NOT_COVERED: Failure = Failure::new();

/// A place in the registry: a `static` of the caller's, one for each page map whose functions are
/// wanted as plain pointers.
///
/// ```
/// # use kpmem::{HookFns, Map, PageSlot};
/// # let mut memory = vec![0_u8; 4096];
/// # let (base, len) = (memory.as_mut_ptr(), memory.len());
/// # let hook = HookFns { flush: |_: *const u8, _: usize| Ok(()), drain: || Ok(()) };
/// static SLOT: PageSlot = PageSlot::new();
///
/// // SAFETY: the hook syncs; and the registration is dropped before the map.
/// unsafe {
///     let map = Map::with_hook(base, len, hook)?;
///     let functions = map.register(&SLOT)?;
///     functions.persist_fn()(base, 8);
///     map.drain()?; // reports what the pointer could not
/// }
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Debug)]
pub struct PageSlot {
    next: AtomicPtr<PageSlot>,
    /// [`LINKED`], [`ACTIVE`], and the readers inside times [`READER`].
    state: AtomicUsize,
    entry: UnsafeCell<Option<Entry>>,
}

const LINKED: usize = 1;
const ACTIVE: usize = 2;
const READER: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Entry {
    span: Span,
    device: *const dyn Device,
}

impl core::fmt::Debug for dyn Device {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Device")
    }
}

// SAFETY: the entry is written under `WRITER` while the slot is neither active nor read, and read
// while it is; who registers a map vouches that its hook may be called from any CPU.
unsafe impl Sync for PageSlot {}
// SAFETY: as above.
unsafe impl Send for PageSlot {}

impl PageSlot {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            next: AtomicPtr::new(null_mut()),
            state: AtomicUsize::new(0),
            entry: UnsafeCell::new(None),
        }
    }

    /// All that were ever used.
    fn all() -> impl Iterator<Item = &'static Self> {
        let slot = |slot: &AtomicPtr<Self>| {
            // SAFETY: null, or a slot that was registered as `&'static`.
            unsafe { slot.load(Ordering::Acquire).as_ref() }
        };
        core::iter::successors(slot(&FIRST), move |last| slot(&last.next))
    }

    /// Counts a reader in, if there is a map to read.
    fn read(&'static self) -> Option<Reader> {
        let counted = |state| (state & ACTIVE != 0).then_some(state + READER);
        self.state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, counted)
            .ok()?;
        // SAFETY: an active slot has an entry, which does not change while there is a reader.
        let entry = unsafe { *self.entry.get() }?;
        Some(Reader { slot: self, entry })
    }
}

impl Default for PageSlot {
    fn default() -> Self {
        Self::new()
    }
}

/// An entry that stays while it is read.
struct Reader {
    slot: &'static PageSlot,
    entry: Entry,
}

impl Reader {
    fn device(&self) -> &dyn Device {
        // SAFETY: the map lives as long as its registration, which waits for readers.
        unsafe { &*self.entry.device }
    }

    /// Keeps what a plain function pointer cannot return.
    fn keep(&self, result: Result<(), Error>) {
        if let Err(Error::Sync { start, len, code }) = result {
            self.device().failure().keep(start, len, code);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.slot.state.fetch_sub(READER, Ordering::Release);
    }
}

/// A page map whose functions are plain pointers, until this is dropped.
///
/// They serve all registered maps, so one call may span maps that touch each other, with different
/// hooks. A pointer cannot return what a hook returned: the first failure stays with its map, and a
/// range that no registered map covers is noted too; the next checked call of that map, or of any
/// page map, reports it.
///
/// ```
/// # use kpmem::{Flags, HookFns, Map, PageSlot, Registered};
/// # let mut memory = vec![0_u64; 512];
/// # let base = memory.as_mut_ptr().cast::<u8>();
/// # let hook = HookFns { flush: |_: *const u8, _: usize| Ok(()), drain: || Ok(()) };
/// # static SLOT: PageSlot = PageSlot::new();
/// # // SAFETY: the hook syncs; and the registration is dropped before the map.
/// # let map = unsafe { Map::with_hook(base, 4096, hook)? };
/// # // SAFETY: as above.
/// let functions: Registered<'_> = unsafe { map.register(&SLOT)? };
/// let (persist, memset) = (functions.persist_fn(), functions.memset_fn());
/// let (memmove, memcpy) = (functions.memmove_fn(), functions.memcpy_fn());
/// // SAFETY: the ranges are in the map, and nothing else uses them.
/// unsafe {
///     memset(base, 7, 64, Flags::NODRAIN.bits());
///     memcpy(base.add(64), base, 64, Flags::NODRAIN.bits());
///     memmove(base.add(1), base, 64, Flags::NODRAIN.bits());
///     persist(base, 8); // drains what was flushed before, too
/// }
/// map.drain()?; // reports what the pointers could not
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Debug)]
pub struct Registered<'m> {
    slot: &'static PageSlot,
    map: PhantomData<&'m ()>,
}

impl<H: Hook> Map<Paged<H>> {
    /// Puts the map in the registry, and gives its functions as plain pointers.
    ///
    /// ```
    /// # use kpmem::{HookFns, Map, PageSlot, Registered};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # let hook = HookFns { flush: |_: *const u8, _: usize| Ok(()), drain: || Ok(()) };
    /// static SLOT: PageSlot = PageSlot::new();
    ///
    /// // SAFETY: the hook syncs; and the registration is dropped before the map.
    /// let map = unsafe { Map::with_hook(base, 4096, hook)? };
    /// // SAFETY: as above.
    /// let functions: Registered<'_> = unsafe { map.register(&SLOT)? };
    /// // SAFETY: the range is in the map.
    /// unsafe { functions.persist_fn()(base, 8) };
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Overlap`] with another registered map, as an address has one hook;
    /// [`Error::SlotInUse`].
    ///
    /// # Safety
    /// The result must be dropped, not forgotten, before the map is. Neither this call nor that
    /// drop may be in an interrupt handler, which could have interrupted another and would spin for
    /// ever; nor may the drop be by a hook, which it waits for. The hook must be callable from any
    /// CPU that calls the pointers.
    pub unsafe fn register<'m>(&'m self, slot: &'static PageSlot) -> Result<Registered<'m>, Error> {
        // SAFETY: the caller's.
        unsafe { register(self.dispatch(), slot) }
    }
}

impl<H: Hook> Map<Avoiding<'_, Paged<H>>> {
    /// [`register`](Map::register) of a map that avoids poison, whose plain pointers know no list.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    pub unsafe fn register<'m>(&'m self, slot: &'static PageSlot) -> Result<Registered<'m>, Error> {
        // SAFETY: the caller's.
        unsafe { register(self.dispatch().inner(), slot) }
    }
}

/// # Safety
/// As for [`Map::register`].
unsafe fn register<'m, H: Hook>(
    paged: &'m Paged<H>,
    slot: &'static PageSlot,
) -> Result<Registered<'m>, Error> {
    let span = paged.span;
    let _writer = WRITER.lock();
    let state = slot.state.load(Ordering::Acquire);
    let (start, len) = (span.first, span.len());
    if state & !LINKED != 0 {
        return Err(Error::SlotInUse { start, len });
    }
    let overlapping = PageSlot::all()
        .filter_map(PageSlot::read)
        .find(|other| other.entry.span.overlaps(span));
    if let Some(other) = overlapping {
        return Err(Error::Overlap {
            start,
            len,
            other_start: other.entry.span.first,
            other_len: other.entry.span.len(),
        });
    }
    let device: *const (dyn Device + 'm) = paged;
    // SAFETY: only the lifetime changes, which the caller vouches for; and the slot is neither
    // active nor read, and `WRITER` is held.
    unsafe {
        let device = core::mem::transmute::<*const (dyn Device + 'm), *const dyn Device>(device);
        *slot.entry.get() = Some(Entry { span, device });
    }
    if state & LINKED == 0 {
        slot.next
            .store(FIRST.load(Ordering::Relaxed), Ordering::Relaxed);
        FIRST.store((&raw const *slot).cast_mut(), Ordering::Release);
    }
    slot.state.store(LINKED | ACTIVE, Ordering::Release);
    Ok(Registered {
        slot,
        map: PhantomData,
    })
}

impl Registered<'_> {
    /// The function that makes a range durable before it returns.
    #[must_use]
    pub fn persist_fn(&self) -> PersistFn {
        PAGE.persist_fn()
    }

    /// The function that starts to make a range durable.
    #[must_use]
    pub fn flush_fn(&self) -> FlushFn {
        PAGE.flush_fn()
    }

    /// The function that drains every registered map with flushes that are not drained yet.
    #[must_use]
    pub fn drain_fn(&self) -> DrainFn {
        PAGE.drain_fn()
    }

    /// The function that copies.
    #[must_use]
    pub fn memmove_fn(&self) -> MemmoveFn {
        PAGE.memmove_fn()
    }

    /// The function that copies: the same as [`memmove_fn`](Self::memmove_fn).
    #[must_use]
    pub fn memcpy_fn(&self) -> MemcpyFn {
        PAGE.memcpy_fn()
    }

    /// The function that fills.
    #[must_use]
    pub fn memset_fn(&self) -> MemsetFn {
        PAGE.memset_fn()
    }
}

/// Takes the map out, and waits until no pointer's call is inside its hook.
impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let _writer = WRITER.lock();
        self.slot.state.fetch_and(!ACTIVE, Ordering::AcqRel);
        while self.slot.state.load(Ordering::Acquire) != LINKED {
            core::hint::spin_loop();
        }
    }
}

/// The primitives of all registered page maps.
pub(super) struct Page;

pub(super) static PAGE: Table = Table::of::<Page>();

// SAFETY: the hooks of the maps that the range touches are called, and who made them vouches for
// them. What they return, and what no map covers, is kept until a checked call reports it.
unsafe impl Primitives for Page {
    const NAME: &'static str = "page";
    const GRANULARITY: Granularity = Granularity::Page;
    const LINE: usize = 1;
    type Copies = arch::PlainCopies;

    unsafe fn flush(ptr: *const u8, len: usize) {
        if len == 0 {
            return;
        }
        let first = ptr.addr();
        let last = first.wrapping_add(len - 1);
        if first <= last {
            flush(ptr, Span { first, last });
        } else {
            // No caller may pass a range that wraps; what lies on either side of the wrap is synced
            // rather than skipped.
            let top = usize::MAX;
            flush(ptr, Span { first, last: top });
            flush(ptr, Span { first: 0, last });
        }
    }

    fn drain() {
        arch::store_fence();
        for reader in PageSlot::all().filter_map(PageSlot::read) {
            reader.keep(reader.device().drain());
        }
    }
}

/// Calls the hook of each map that `span` touches, in ascending order, with that map's part, by the
/// provenance of `ptr`. All are called, also after a failure.
fn flush(ptr: *const u8, span: Span) {
    let mut rest = span;
    while let Some(reader) = lowest_in(rest) {
        let part = reader.entry.span.clip(rest);
        if part.first != rest.first {
            NOT_COVERED.keep(rest.first, part.first - rest.first, 0);
        }
        reader.keep(reader.device().flush(ptr.with_addr(part.first), part.len()));
        if part.last == rest.last {
            return;
        }
        rest.first = part.last + 1;
    }
    NOT_COVERED.keep(rest.first, rest.len(), 0);
}

fn lowest_in(span: Span) -> Option<Reader> {
    PageSlot::all()
        .filter_map(PageSlot::read)
        .filter(|reader| reader.entry.span.overlaps(span))
        .min_by_key(|reader| reader.entry.span.first)
}
