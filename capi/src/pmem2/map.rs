//! Maps of memory that is mapped already: `pmem2_map_from_existing` and `pmem2_map_delete`.

use core::{
    cell::UnsafeCell,
    ffi::{c_int, c_uint, c_void},
    fmt,
    mem::MaybeUninit,
    ptr::null_mut,
    sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst},
};

use kpmem::{
    DrainFn, FlushFn, Granularity, Map, MemmoveFn, MemsetFn, PageSlot, Paged, PersistFn, RawHook,
    Registered,
};

use super::{
    codes::{self, Code},
    errors::{answer, no_memory},
    hooks::Hooks,
    pool,
    source::Pmem2Source,
};

/// `struct pmem2_map`: a place in the pool.
///
/// Its range is written, then counts for others (`RANGE`), then is compared with theirs: of two
/// that overlap and are made at once, the later one sees the other. (Both may be refused.)
pub struct Pmem2Map {
    state: AtomicU8,
    start: AtomicUsize,
    len: AtomicUsize,
    slot: PageSlot,
    /// Of a page map; refers to `kind`.
    registered: UnsafeCell<Option<Registered<'static>>>,
    /// Written before the place is live, as is `about`. Neither has anything to drop, and without
    /// a value the pool is zeroes, which take no room in a kernel's file.
    kind: UnsafeCell<MaybeUninit<Kind>>,
    about: UnsafeCell<MaybeUninit<About>>,
}

const FREE: u8 = 0;
/// Somebody makes or deletes it.
const CLAIMED: u8 = 1;
/// The same, and its range counts.
const RANGE: u8 = 2;
const LIVE: u8 = 3;

#[derive(Debug)]
pub(super) enum Kind {
    Table(Map),
    Page(Map<Paged<RawHook>>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) granularity: Granularity,
    pub(super) functions: Functions,
    pub(super) hooks: Option<Hooks>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Functions {
    pub(super) persist: PersistFn,
    pub(super) flush: FlushFn,
    pub(super) drain: DrainFn,
    pub(super) memmove: MemmoveFn,
    pub(super) memset: MemsetFn,
}

// SAFETY: the cells are written by who has claimed the place, before anybody has its address or
// after all have given it up (`pmem2_map_delete` has its caller vouch for that); the rest is
// atomic. Who gives hooks vouches that they may be called from any CPU.
unsafe impl Sync for Pmem2Map {}

impl fmt::Debug for Pmem2Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pmem2Map")
            .field("state", &self.state)
            .field("start", &self.start)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Pmem2Map {
    pub(super) const fn new() -> Self {
        Self {
            state: AtomicU8::new(FREE),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            slot: PageSlot::new(),
            registered: UnsafeCell::new(None),
            kind: UnsafeCell::new(MaybeUninit::uninit()),
            about: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    fn claim(&self, from: u8) -> bool {
        let claimed = self.state.compare_exchange(from, CLAIMED, SeqCst, SeqCst);
        claimed.is_ok()
    }

    /// Whether it covers a byte of the range, which is not empty and does not wrap.
    fn overlaps(&self, start: usize, len: usize) -> bool {
        let (here, size) = (self.start.load(SeqCst), self.len.load(SeqCst));
        self.state.load(SeqCst) >= RANGE
            && (here.wrapping_sub(start) < len || start.wrapping_sub(here) < size)
    }

    /// # Safety
    /// The map must be live.
    pub(super) unsafe fn kind(&self) -> &Kind {
        // SAFETY: written before, and not again while it is live.
        unsafe { (*self.kind.get()).assume_init_ref() }
    }

    /// # Safety
    /// The map must be live.
    pub(super) unsafe fn about(&self) -> &About {
        // SAFETY: as above.
        unsafe { (*self.about.get()).assume_init_ref() }
    }

    pub(super) fn start(&self) -> usize {
        self.start.load(SeqCst)
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(SeqCst)
    }

    /// Fills a claimed place.
    ///
    /// # Safety
    /// As for [`pmem2_map_from_existing`].
    unsafe fn fill(
        &'static self,
        base: *mut u8,
        len: usize,
        granularity: Granularity,
        hooks: Option<Hooks>,
    ) -> Result<(), Code> {
        // SAFETY: the caller vouches for the range; the place is claimed, so nobody else uses its
        // cells; the registration is dropped before the place is used again (`empty`).
        unsafe {
            let functions = if granularity == Granularity::Page {
                let hook = hooks.and_then(|hooks| hooks.page());
                let hook = hook.ok_or(codes::GRANULARITY_NOT_SUPPORTED)?;
                let map = Map::with_hook(base, len, hook).map_err(|error| codes::of(&error))?;
                self.register((*self.kind.get()).write(Kind::Page(map)))?
            } else {
                let map = Map::new(base, len, granularity).map_err(|error| codes::of(&error))?;
                let table = map.table().functions();
                (*self.kind.get()).write(Kind::Table(map));
                Functions {
                    persist: table.persist,
                    flush: table.flush,
                    drain: table.drain,
                    memmove: table.memmove,
                    memset: table.memset,
                }
            };
            (*self.about.get()).write(About {
                granularity,
                functions,
                hooks,
            });
        }
        Ok(())
    }

    /// Lets plain function pointers find a page map.
    ///
    /// # Safety
    /// As for [`fill`](Self::fill); `kind` must be this place's own.
    unsafe fn register(&'static self, kind: &'static Kind) -> Result<Functions, Code> {
        let Kind::Page(map) = kind else {
            return Err(codes::UNKNOWN);
        };
        // SAFETY: the caller's.
        unsafe {
            let registered = map.register(&self.slot);
            let registered = registered.map_err(|error| codes::of(&error))?;
            let registered = (*self.registered.get()).insert(registered);
            Ok(Functions {
                persist: registered.persist_fn(),
                flush: registered.flush_fn(),
                drain: registered.drain_fn(),
                memmove: registered.memmove_fn(),
                memset: registered.memset_fn(),
            })
        }
    }

    /// Empties a claimed place, and lets others claim it.
    ///
    /// # Safety
    /// Nobody else may use the map.
    unsafe fn empty(&self) {
        // SAFETY: the caller's.
        unsafe { *self.registered.get() = None };
        self.state.store(FREE, SeqCst);
    }
}

/// # Safety
/// As for [`pmem2_map_from_existing`].
unsafe fn create(
    source: *const Pmem2Source,
    base: *mut u8,
    len: usize,
    granularity: c_uint,
) -> Result<*mut Pmem2Map, Code> {
    let granularity = match granularity {
        0 => Granularity::Byte,
        1 => Granularity::CacheLine,
        2 => Granularity::Page,
        _ => return Err(codes::GRANULARITY_NOT_SUPPORTED),
    };
    if base.is_null() {
        return Err(codes::ADDRESS_NULL);
    }
    let last = len.checked_sub(1).ok_or(codes::LENGTH_OUT_OF_RANGE)?;
    let start = base.addr();
    start.checked_add(last).ok_or(codes::MAP_RANGE)?;
    let place = pool::all().find(|place| place.claim(FREE));
    let place = place.ok_or(no_memory(
        c"all maps are in use: delete one, or give memory by kpmem_pmem2_give_memory",
    ))?;
    place.start.store(start, SeqCst);
    place.len.store(len, SeqCst);
    place.state.store(RANGE, SeqCst);
    let others = pool::all().filter(|other| !core::ptr::eq(*other, place));
    let result = if others.into_iter().any(|other| other.overlaps(start, len)) {
        Err(codes::MAP_EXISTS)
    } else {
        // SAFETY: the caller's.
        unsafe { place.fill(base, len, granularity, Pmem2Source::hooks(source)) }
    };
    if let Err(code) = result {
        // SAFETY: nobody else has it.
        unsafe { place.empty() };
        return Err(code);
    }
    place.state.store(LIVE, SeqCst);
    Ok((&raw const *place).cast_mut())
}

/// A map of `len` bytes at `addr`, which are mapped already and stay so: `pmem2_map_delete` unmaps
/// nothing. The source may be null, and may be deleted after this call.
///
/// Returns 0 and writes the map, or writes null and returns `PMEM2_E_MAP_EXISTS` if a map covers a
/// part of the range; `PMEM2_E_ADDRESS_NULL`, `PMEM2_E_LENGTH_OUT_OF_RANGE` (no bytes) or
/// `PMEM2_E_MAP_RANGE` (it wraps); `PMEM2_E_GRANULARITY_NOT_SUPPORTED` for an unknown granularity,
/// one that the CPU cannot honour, or page granularity of a source without hooks; `-ENOMEM` if
/// the pool is full.
///
/// Takes no lock, but for page granularity: then not for interrupt context.
///
/// # Safety
/// `out` must be valid for a write; `source` must be null or a source; the range must be as for
/// [`Map::new`], as long as the map or one of its functions is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_from_existing(
    out: *mut *mut Pmem2Map,
    source: *const Pmem2Source,
    addr: *mut c_void,
    len: usize,
    granularity: c_uint,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let created = create(source, addr.cast(), len, granularity);
        *out = created.unwrap_or(null_mut());
        answer(created.map(|_| ()))
    }
}

/// Deletes a map and sets the pointer to null. `PMEM2_E_MAPPING_NOT_FOUND` if it holds none, or one
/// that is deleted already.
///
/// # Safety
/// `map` must be valid. Nobody else may use that map, or if it is a page map, be in one of its
/// functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_delete(map: *mut *mut Pmem2Map) -> c_int {
    // SAFETY: the caller's. What is no place of the pool is not looked into.
    unsafe {
        let place = pool::all().find(|place| core::ptr::eq(*place, *map) && place.claim(LIVE));
        let Some(place) = place else {
            return answer(Err(codes::MAPPING_NOT_FOUND));
        };
        place.empty();
        *map = null_mut();
    }
    0
}
