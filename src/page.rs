//! Page granularity: the caller's sync hooks, found by address.
//!
//! The registry is behind a spin lock that is held to look an entry up, never while a hook runs. So
//! unlike the other granularities these functions must not be called from an interrupt handler, nor
//! be interrupted by one that calls them.

use core::ffi::c_void;

use spin::Mutex;

use crate::{Error, Granularity, Primitives, Table, arch, range::Span};

/// Syncs `len` bytes at `ptr` to the medium: 0 once they are durable, else the caller's own error
/// code.
pub type SyncFn = unsafe extern "C" fn(context: *mut c_void, ptr: *const u8, len: usize) -> i32;

/// What makes a page-granularity map durable: a function and the context that it is called with.
#[derive(Clone, Copy, Debug)]
pub struct SyncHook {
    sync: SyncFn,
    context: *mut c_void,
}

// SAFETY: `SyncHook::new` has its caller vouch that the hook may be called with its context from
// any CPU, also at once.
unsafe impl Send for SyncHook {}
// SAFETY: as above.
unsafe impl Sync for SyncHook {}

impl SyncHook {
    /// A hook that calls `sync(context, ptr, len)` with ranges inside the map only, in bytes and
    /// not rounded to pages.
    ///
    /// # Safety
    /// `sync` must be callable with `context` as long as the map lives, from any CPU and from
    /// several at once. If it returns 0, the range must be durable.
    pub const unsafe fn new(sync: SyncFn, context: *mut c_void) -> Self {
        Self { sync, context }
    }

    fn call(self, span: Span) -> Result<(), Error> {
        let (start, len) = (span.first, span.len());
        // SAFETY: who made the hook vouches for function and context, and the map is registered, so
        // it lives.
        match unsafe { (self.sync)(self.context, span.ptr(), len) } {
            0 => Ok(()),
            code => Err(Error::Sync { start, len, code }),
        }
    }
}

/// How many page-granularity maps there can be at a time.
const CAPACITY: usize = 64;

#[derive(Clone, Copy)]
struct Entry {
    span: Span,
    hook: SyncHook,
    /// The first failure since the last report that came through a plain function pointer, which
    /// cannot return it.
    failure: Option<Error>,
}

static ENTRIES: Mutex<[Option<Entry>; CAPACITY]> = Mutex::new([None; CAPACITY]);

/// A map's place in the registry; given back when dropped.
#[derive(Debug)]
pub(crate) struct Registration(Span);

impl Registration {
    pub(crate) fn new(span: Span, hook: SyncHook) -> Result<Self, Error> {
        let mut entries = ENTRIES.lock();
        if let Some(other) = entries.iter().flatten().find(|e| e.span.overlaps(span)) {
            return Err(Error::Overlap {
                start: span.first,
                len: span.len(),
                other_start: other.span.first,
                other_len: other.span.len(),
            });
        }
        let Some(free) = entries.iter_mut().find(|e| e.is_none()) else {
            return Err(Error::TooManyPageMaps { capacity: CAPACITY });
        };
        *free = Some(Entry {
            span,
            hook,
            failure: None,
        });
        Ok(Self(span))
    }

    /// Syncs a part of this map.
    pub(crate) fn sync(&self, span: Span) -> Result<(), Error> {
        let mut result = Ok(());
        sync(span, |_, failure| result = Err(failure));
        result
    }

    /// The failure that plain calls left behind since the last report.
    pub(crate) fn take_failure(&self) -> Result<(), Error> {
        let mut entries = ENTRIES.lock();
        let entry = entries.iter_mut().flatten().find(|e| e.span == self.0);
        entry.and_then(|e| e.failure.take()).map_or(Ok(()), Err)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut entries = ENTRIES.lock();
        if let Some(entry) = entries
            .iter_mut()
            .find(|e| e.is_some_and(|e| e.span == self.0))
        {
            *entry = None;
        }
    }
}

/// Calls the hook of each map that `span` touches, in ascending order, with that map's part. All
/// are called, also after a failure.
fn sync(span: Span, mut failed: impl FnMut(Span, Error)) {
    let mut rest = span;
    while let Some(entry) = lowest_in(rest) {
        let part = entry.span.clip(rest);
        if let Err(failure) = entry.hook.call(part) {
            failed(entry.span, failure);
        }
        if part.last == rest.last {
            return;
        }
        rest.first = part.last + 1;
    }
}

fn lowest_in(span: Span) -> Option<Entry> {
    let entries = ENTRIES.lock();
    let inside = entries.iter().flatten().filter(|e| e.span.overlaps(span));
    inside.min_by_key(|e| e.span.first).copied()
}

fn remember(span: Span, failure: Error) {
    let mut entries = ENTRIES.lock();
    if let Some(entry) = entries.iter_mut().flatten().find(|e| e.span == span) {
        entry.failure.get_or_insert(failure);
    }
}

/// The primitives of every page-granularity map: flush calls the hooks, drain is a store fence.
pub(crate) struct Page;

pub(crate) static PAGE: Table = Table::of::<Page>();

// SAFETY: the hooks of the maps that the range touches are called, and who made them vouches that 0
// means durable. Another result stays with its map until a checked call reports it.
unsafe impl Primitives for Page {
    const NAME: &'static str = "page";
    const GRANULARITY: Granularity = Granularity::Page;
    const LINE: usize = 1;

    unsafe fn flush(ptr: *const u8, len: usize) {
        match Span::new(ptr.addr(), len) {
            Ok(span) => sync(span, remember),
            Err(_) if len == 0 => {}
            // No caller may pass a range that wraps; what lies on either side of the wrap is synced
            // rather than skipped.
            Err(_) => {
                let (first, last) = (ptr.addr(), ptr.addr().wrapping_add(len - 1));
                let below = Span {
                    first,
                    last: usize::MAX,
                };
                sync(below, remember);
                sync(Span { first: 0, last }, remember);
            }
        }
    }

    fn drain() {
        arch::store_fence();
    }
}
