//! The dispatch table: one complete, immutable `static` for each instruction and line size.

use crate::{
    Byte, Error, Flags, Granularity, Instruction, Lines, Primitives,
    copy::{self, Shared},
};

/// Makes a range durable: the address, the length in bytes.
///
/// # Safety
/// As for [`Primitives::flush`]; of a page map, a range that is registered.
pub type PersistFn = unsafe extern "C" fn(ptr: *const u8, len: usize);
/// Starts to make a range durable: the address, the length in bytes.
///
/// # Safety
/// As for [`PersistFn`].
pub type FlushFn = unsafe extern "C" fn(ptr: *const u8, len: usize);
/// Waits until all earlier flushes of this CPU are durable.
///
/// # Safety
/// The CPU must have the table's instruction.
pub type DrainFn = unsafe extern "C" fn();
/// Copies: destination, source, length in bytes, [`Flags`] as bits (unknown or contradictory ones
/// count as none). Returns the destination.
///
/// # Safety
/// As for [`Map::memmove`](crate::Map::memmove), with a destination inside the map.
pub type MemmoveFn =
    unsafe extern "C" fn(dest: *mut u8, src: *const u8, len: usize, flags: u32) -> *mut u8;
/// Copies like [`MemmoveFn`]; source and destination may overlap here too.
pub type MemcpyFn = MemmoveFn;
/// Fills: destination, the byte (the lowest eight bits of `c`), length in bytes, [`Flags`] as bits
/// (unknown or contradictory ones count as none). Returns the destination.
///
/// # Safety
/// As for [`MemmoveFn`].
pub type MemsetFn = unsafe extern "C" fn(dest: *mut u8, c: i32, len: usize, flags: u32) -> *mut u8;

/// The functions of a table, as pointers.
///
/// ```
/// use kpmem::{BYTE, Functions, Granularity, Table};
///
/// /// Another kernel's drain, and the rest as it is.
/// unsafe extern "C" fn drain() {
///     kpmem::arch::store_fence();
/// }
///
/// let functions = Functions { drain, ..BYTE.functions() };
/// // SAFETY: they do what is asked of byte granularity.
/// let table = unsafe { Table::from_functions("mine", Granularity::Byte, 1, functions) };
/// assert_eq!(table.name(), "mine");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Makes a range durable.
    pub persist: PersistFn,
    /// Starts to make a range durable.
    pub flush: FlushFn,
    /// Waits for this CPU's flushes.
    pub drain: DrainFn,
    /// Copies.
    pub memmove: MemmoveFn,
    /// Fills.
    pub memset: MemsetFn,
    /// Makes a range durable and drops it from the caches; none where no instruction for that is
    /// known.
    pub writeback_invalidate: Option<PersistFn>,
}

/// The functions of one granularity, instruction and line size. Never incomplete, never changed.
///
/// ```
/// use kpmem::{BYTE, Byte, Error, Granularity, Lines, Primitives, Table};
///
/// static MINE: Table = Table::of::<Byte>();
/// assert_eq!((MINE.name(), MINE.granularity(), MINE.line()), ("byte", Granularity::Byte, 1));
/// assert!(MINE.writeback_invalidate_fn().is_none()); // nothing writes a line back
/// // SAFETY: the functions are those of byte granularity.
/// static SAME: Table =
///     unsafe { Table::from_functions("same", Granularity::Byte, 1, MINE.functions()) };
///
/// // Each function by itself, or all.
/// let (persist, flush, drain) = (MINE.persist_fn(), MINE.flush_fn(), MINE.drain_fn());
/// let (memmove, memcpy, memset) = (MINE.memmove_fn(), MINE.memcpy_fn(), MINE.memset_fn());
/// let word = [0_u64];
/// // SAFETY: the word is mapped.
/// unsafe { (BYTE.functions().persist)(word.as_ptr().cast(), 8) };
///
/// # #[cfg(target_arch = "x86_64")] {
/// // An instruction's tables, by line size.
/// use kpmem::arch::{CLFLUSH, Clflush};
///
/// static OF_ALL_SIZES: [Table; 5] = Table::of_sizes::<Clflush>();
/// assert_eq!(Table::with_line(&OF_ALL_SIZES, 128)?.line(), 128);
/// assert!(matches!(Table::with_line(&CLFLUSH, 128), Err(Error::LineSize { line: 128, .. })));
/// # }
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    granularity: Granularity,
    line: usize,
    functions: Functions,
}

/// The table of [`Granularity::Byte`] on any CPU: flush is nothing, drain and persist are the store
/// fence.
pub static BYTE: Table = Table::of::<Byte>();

impl Table {
    /// The table of the primitives `P`.
    #[must_use]
    pub const fn of<P: Primitives>() -> Self {
        Self {
            name: P::NAME,
            granularity: P::GRANULARITY,
            line: P::LINE,
            functions: Functions {
                persist: persist::<P>,
                flush: flush::<P>,
                drain: drain::<P>,
                memmove: memmove::<P>,
                memset: memset::<P>,
                writeback_invalidate: if P::INVALIDATES {
                    Some(writeback_invalidate::<P>)
                } else {
                    None
                },
            },
        }
    }

    /// A table of functions from elsewhere, such as a kernel's own or another language's.
    ///
    /// # Safety
    /// `line` is what one write-back covers, in bytes: a power of two from 8 on, or 1 where there
    /// are no lines. `flush`, `drain`, `persist` and `writeback_invalidate` must do for ranges of
    /// this granularity and these lines what [`Primitives`] asks of theirs; `memmove` and `memset`
    /// what [`Map::memmove`](crate::Map::memmove) and [`Map::memset`](crate::Map::memset) promise.
    #[must_use]
    pub const unsafe fn from_functions(
        name: &'static str,
        granularity: Granularity,
        line: usize,
        functions: Functions,
    ) -> Self {
        Self {
            name,
            granularity,
            line,
            functions,
        }
    }

    /// The tables of the instruction `I`, for lines of 16 to 256 bytes.
    #[must_use]
    pub const fn of_sizes<I: Instruction>() -> [Self; 5] {
        [
            Self::of::<Lines<I, 16>>(),
            Self::of::<Lines<I, 32>>(),
            Self::of::<Lines<I, 64>>(),
            Self::of::<Lines<I, 128>>(),
            Self::of::<Lines<I, 256>>(),
        ]
    }

    /// The table for lines of `line` bytes among those of one instruction, such as `arch::CLWB`.
    ///
    /// # Errors
    /// [`Error::LineSize`] if there is none.
    pub fn with_line(tables: &'static [Self], line: usize) -> Result<&'static Self, Error> {
        tables
            .iter()
            .find(|table| table.line == line)
            .ok_or(Error::LineSize {
                line,
                instruction: tables.first().map_or("empty", |table| table.name),
            })
    }

    /// The instruction's mnemonic, or `byte` or `page`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The granularity at which these functions are right.
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Bytes that one write-back covers; 1 where there are no lines.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The function that makes a range durable before it returns.
    #[must_use]
    #[inline]
    pub const fn persist_fn(&self) -> PersistFn {
        self.functions.persist
    }

    /// The function that starts to make a range durable.
    #[must_use]
    #[inline]
    pub const fn flush_fn(&self) -> FlushFn {
        self.functions.flush
    }

    /// The function that waits for this CPU's flushes.
    #[must_use]
    #[inline]
    pub const fn drain_fn(&self) -> DrainFn {
        self.functions.drain
    }

    /// The function that copies, overlap included, and makes the destination durable.
    #[must_use]
    #[inline]
    pub const fn memmove_fn(&self) -> MemmoveFn {
        self.functions.memmove
    }

    /// The function that copies and makes the destination durable: the same as
    /// [`memmove_fn`](Self::memmove_fn).
    #[must_use]
    #[inline]
    pub const fn memcpy_fn(&self) -> MemcpyFn {
        self.functions.memmove
    }

    /// The function that fills with one byte and makes the destination durable.
    #[must_use]
    #[inline]
    pub const fn memset_fn(&self) -> MemsetFn {
        self.functions.memset
    }

    /// The function that makes a range durable and drops it from the caches; none where no
    /// instruction for that is known (byte and page granularity).
    #[must_use]
    #[inline]
    pub const fn writeback_invalidate_fn(&self) -> Option<PersistFn> {
        self.functions.writeback_invalidate
    }

    /// All of them.
    #[must_use]
    pub const fn functions(&self) -> Functions {
        self.functions
    }
}

unsafe extern "C" fn persist<P: Primitives>(ptr: *const u8, len: usize) {
    // SAFETY: the caller vouches for the range.
    unsafe { P::persist(ptr, len) }
}

pub(crate) unsafe extern "C" fn flush<P: Primitives>(ptr: *const u8, len: usize) {
    // SAFETY: the caller vouches for the range.
    unsafe { P::flush(ptr, len) }
}

unsafe extern "C" fn drain<P: Primitives>() {
    P::drain();
}

unsafe extern "C" fn writeback_invalidate<P: Primitives>(ptr: *const u8, len: usize) {
    // SAFETY: the caller vouches for the range.
    unsafe { P::writeback_invalidate(ptr, len) }
}

unsafe extern "C" fn memmove<P: Primitives>(
    dest: *mut u8,
    src: *const u8,
    len: usize,
    flags: u32,
) -> *mut u8 {
    let (flags, means) = (Flags::from_bits_retain(flags), const { &Shared::of::<P>() });
    // SAFETY: the caller vouches for both ranges.
    unsafe { copy::memmove::<P, _>(dest, src, len, flags, means) };
    dest
}

unsafe extern "C" fn memset<P: Primitives>(
    dest: *mut u8,
    c: i32,
    len: usize,
    flags: u32,
) -> *mut u8 {
    let [byte, ..] = c.to_le_bytes();
    let (flags, means) = (Flags::from_bits_retain(flags), const { &Shared::of::<P>() });
    // SAFETY: the caller vouches for the range.
    unsafe { copy::memset::<P, _>(dest, byte, len, flags, means) };
    dest
}
