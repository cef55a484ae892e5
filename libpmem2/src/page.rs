//! Page maps: their hook is `msync`, and plain function pointers find them in kpmem's registry.

use std::{mem::ManuallyDrop, process, sync::Mutex};

use kpmem::{Hook, Map, PageSlot, Paged, Registered};
use rustix::{
    mm::{MsyncFlags, msync},
    param::page_size,
};

use crate::{
    failure::{Failure, Result, answer},
    functions::Functions,
};

/// `msync` of each range; nothing is left to drain.
#[derive(Debug)]
pub(crate) struct Msync;

impl Msync {
    /// Syncs the pages that a range touches.
    pub(crate) fn sync(ptr: *const u8, len: usize) -> Result<()> {
        let into = ptr.addr() & (page_size() - 1);
        let first = ptr.wrapping_sub(into).cast_mut().cast();
        loop {
            // SAFETY: it changes no content; the kernel refuses what is not mapped.
            match unsafe { msync(first, len + into, MsyncFlags::SYNC) } {
                Err(rustix::io::Errno::INTR) => {}
                result => return result.map_err(|error| Failure::of_call("msync", error)),
            }
        }
    }
}

impl Hook for Msync {
    /// Ends the program if the pages cannot be synced. Neither a persist function nor its caller
    /// can know of an error, and to go on would lose what is taken for durable: so does libpmem2.
    fn flush(&self, ptr: *const u8, len: usize) -> std::result::Result<(), i32> {
        if let Err(failure) = Self::sync(ptr, len) {
            eprintln!(
                "libpmem2: {len} bytes at {ptr:p} are not durable: {}",
                failure.text()
            );
            answer(Err(failure));
            process::abort();
        }
        Ok(())
    }

    fn drain(&self) -> std::result::Result<(), i32> {
        Ok(())
    }
}

/// Slots of page maps that are gone. A slot stays for ever, so it is used again.
static SPARE: Mutex<Vec<&'static PageSlot>> = Mutex::new(Vec::new());

fn spare() -> std::sync::MutexGuard<'static, Vec<&'static PageSlot>> {
    SPARE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A page map that function pointers find, until it is dropped.
#[derive(Debug)]
pub(crate) struct PageMap {
    registered: ManuallyDrop<Registered<'static>>,
    map: *mut Map<Paged<Msync>>,
    slot: &'static PageSlot,
}

impl PageMap {
    /// # Safety
    /// As for [`Map::with_hook`].
    pub(crate) unsafe fn new(base: *mut u8, len: usize) -> Result<Self> {
        // SAFETY: the caller's; what `msync` has synced is durable.
        let map = Box::into_raw(Box::new(unsafe { Map::with_hook(base, len, Msync)? }));
        let slot = spare()
            .pop()
            .unwrap_or_else(|| Box::leak(Box::new(PageSlot::new())));
        // SAFETY: the map lives until `drop`, which ends the registration first.
        match unsafe { (*map).register(slot) } {
            Ok(registered) => Ok(Self {
                registered: ManuallyDrop::new(registered),
                map,
                slot,
            }),
            Err(error) => {
                spare().push(slot);
                // SAFETY: it came from a box, and nobody else has it.
                drop(unsafe { Box::from_raw(map) });
                Err(error.into())
            }
        }
    }

    pub(crate) fn functions(&self) -> Functions {
        Functions {
            persist: self.registered.persist_fn(),
            flush: self.registered.flush_fn(),
            drain: self.registered.drain_fn(),
            memmove: self.registered.memmove_fn(),
            memset: self.registered.memset_fn(),
        }
    }
}

impl Drop for PageMap {
    fn drop(&mut self) {
        // SAFETY: once; and after the registration nobody else has the map, which came from a box.
        unsafe {
            ManuallyDrop::drop(&mut self.registered);
            drop(Box::from_raw(self.map));
        }
        spare().push(self.slot);
    }
}
