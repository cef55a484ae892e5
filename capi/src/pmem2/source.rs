//! Sources: what is behind a map. Without an OS that is memory, and the kernel's hooks for it.

use core::{
    cell::UnsafeCell,
    ffi::c_int,
    ptr::null_mut,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    codes::{self, Code},
    errors::{answer, no_memory},
    hooks::Hooks,
};

/// Sources at a time: `KPMEM_PMEM2_SOURCES`. A source may be deleted once its map is made, which
/// copies what it needs.
pub const SOURCES: usize = 16;

static ALL: [Pmem2Source; SOURCES] = [const { Pmem2Source::new() }; SOURCES];

/// `struct pmem2_source`.
#[derive(Debug)]
pub struct Pmem2Source {
    used: AtomicBool,
    content: UnsafeCell<Content>,
}

#[derive(Clone, Copy, Debug)]
struct Content {
    size: usize,
    hooks: Option<Hooks>,
}

// SAFETY: who claims a source writes its content before anybody has its address, and nothing does
// after that; who gives hooks vouches that they may be called from any CPU.
unsafe impl Sync for Pmem2Source {}

impl Pmem2Source {
    const fn new() -> Self {
        let content = Content {
            size: 0,
            hooks: None,
        };
        Self {
            used: AtomicBool::new(false),
            content: UnsafeCell::new(content),
        }
    }

    fn content(&self) -> Content {
        // SAFETY: not written to while it is used.
        unsafe { *self.content.get() }
    }

    /// The hooks behind a map. (A map needs no source: null is memory without hooks.)
    ///
    /// # Safety
    /// Null, or a source that is not deleted meanwhile.
    pub(super) unsafe fn hooks(source: *const Self) -> Option<Hooks> {
        // SAFETY: the caller's.
        unsafe { source.as_ref() }.and_then(|source| source.content().hooks)
    }
}

fn create(content: Content) -> Result<*mut Pmem2Source, Code> {
    let claimed = ALL.iter().find(|source| {
        let claim = source
            .used
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        claim.is_ok()
    });
    let source = claimed.ok_or(no_memory(c"all sources are in use: delete one"))?;
    // SAFETY: it was claimed, and nobody else has its address.
    unsafe { *source.content.get() = content };
    Ok((&raw const *source).cast_mut())
}

/// # Safety
/// `out` must be valid for a write.
unsafe fn put(out: *mut *mut Pmem2Source, content: Content) -> c_int {
    let created = create(content);
    // SAFETY: the caller's.
    unsafe { *out = created.unwrap_or(null_mut()) };
    answer(created.map(|_| ()))
}

/// A source of `size` bytes of memory that no file backs. No page-granularity map can be made of
/// it, and no deep flush.
///
/// # Safety
/// `src` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_from_anon(src: *mut *mut Pmem2Source, size: usize) -> c_int {
    // SAFETY: the caller's.
    unsafe { put(src, Content { size, hooks: None }) }
}

/// A source of `size` bytes whose maps use these hooks, which are copied.
///
/// # Safety
/// `src` must be valid for a write, and `hooks` for a read. The functions must be callable with
/// their context from any CPU, as long as a map of the source lives, and do what they promise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_pmem2_source_from_hooks(
    src: *mut *mut Pmem2Source,
    size: usize,
    hooks: *const Hooks,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let hooks = Some(*hooks);
        put(src, Content { size, hooks })
    }
}

/// The size that the source was made with.
///
/// # Safety
/// `src` must be a source, and `size` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_size(src: *const Pmem2Source, size: *mut usize) -> c_int {
    // SAFETY: the caller's.
    let Some(source) = (unsafe { src.as_ref() }) else {
        return answer(Err(codes::INVALID_FILE_HANDLE));
    };
    // SAFETY: the caller's.
    unsafe { *size = source.content().size };
    0
}

/// Deletes a source and sets the pointer to null. Always 0; of null nothing is done.
///
/// # Safety
/// `src` must be valid, and hold null or a source that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_delete(src: *mut *mut Pmem2Source) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        if let Some(source) = (*src).as_ref() {
            source.used.store(false, Ordering::Release);
        }
        *src = null_mut();
    }
    0
}
