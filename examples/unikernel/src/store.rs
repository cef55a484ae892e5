//! How often the kernel was booted, and values by key, in the first bytes of a map.
//!
//! ```text
//! head:    0 magic   8 boots   16 zero
//! record:  0 commit  8 "key=value", zeroes
//! ```
//!
//! Both have 64 bytes. A record counts when its commit word is there: one aligned 8-byte store,
//! which a power cut cannot tear, made only when the rest of the record is durable. The last record
//! of a key counts. A commit word of zero is the end.

use core::{
    fmt::{self, Display, Write},
    slice, str,
};

use kpmem_runtime::kpmem::{self, Dispatch, Flags, Map};

const MAGIC: u64 = u64::from_le_bytes(*b"kpmemuni");
/// Bytes of the head, and of a record.
const SLOT: usize = 64;
const WORD: usize = 8;
/// Bytes that are used, the head's included.
const SIZE: usize = 4 << 20;

/// Why something was not kept.
#[derive(Debug)]
pub enum Error {
    /// What makes it durable said no.
    Pmem(kpmem::Error),
    /// A record has another commit word than one of its content.
    Damaged(usize),
    /// There is no room for this.
    Full(&'static str),
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pmem(error) => error.fmt(f),
            Self::Damaged(record) => write!(f, "record {record} is damaged"),
            Self::Full(what) => write!(f, "no room for {what}"),
        }
    }
}

impl From<kpmem::Error> for Error {
    fn from(error: kpmem::Error) -> Self {
        Self::Pmem(error)
    }
}

/// The store, in a map that nothing else uses.
#[derive(Debug)]
pub struct Store<'a, D: Dispatch> {
    map: &'a Map<D>,
    /// How often a kernel opened it, this time included.
    pub boots: u64,
    /// How many values were ever put. The first one has number 1: the head is 0.
    pub records: usize,
}

impl<'a, D: Dispatch> Store<'a, D> {
    /// Opens the store, or makes one where none is, and counts the boot.
    ///
    /// # Safety
    /// Nothing else uses the memory as long as the store does.
    pub unsafe fn open(map: &'a Map<D>) -> Result<Self, Error> {
        if map.size() < SIZE {
            return Err(Error::Full("the store"));
        }
        let head = map.address().cast::<u64>();
        let counter = head.wrapping_add(1);
        // SAFETY: inside the map, aligned, and the caller gave it to us.
        let boots = unsafe {
            if head.read_volatile() != MAGIC {
                // The magic word comes last: a cut before it, and this is done again.
                map.memset(map.address(), 0, SIZE, Flags::empty())?;
                map.write(head, MAGIC)?;
            }
            let boots = counter.read_volatile() + 1;
            map.write(counter, boots)?;
            boots
        };
        let mut store = Self {
            map,
            boots,
            records: 0,
        };
        while store.text(store.records + 1)?.is_some() {
            store.records += 1;
        }
        Ok(store)
    }

    /// The value of a key that was put last.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        let newest_first = (1..=self.records).rev();
        let mut texts = newest_first.filter_map(|record| self.text(record).ok()?);
        texts.find_map(|text| text.strip_prefix(key)?.strip_prefix('='))
    }

    /// Keeps a value: durable on return.
    pub fn put(&mut self, key: &str, value: impl Display) -> Result<(), Error> {
        let mut text = Text {
            bytes: [0; _],
            len: 0,
        };
        let whole = write!(text, "{key}={value}");
        whole.map_err(|_| Error::Full("so long a text"))?;
        let record = self.records + 1;
        if record >= SIZE / SLOT {
            return Err(Error::Full("another record"));
        }
        let at = self.slot(record);
        // SAFETY: inside the map, aligned, and no text of this record was handed out: it has no
        // commit word yet.
        unsafe {
            let to = at.wrapping_add(WORD);
            self.map.copy_from_slice(to, &text.bytes)?;
            self.map.write(at.cast(), commit(record, &text.bytes))?;
        }
        self.records = record;
        Ok(())
    }

    fn slot(&self, record: usize) -> *mut u8 {
        self.map.address().wrapping_add(record * SLOT)
    }

    /// The text of a record, or `None` behind the last one.
    fn text(&self, record: usize) -> Result<Option<&'a str>, Error> {
        if record >= SIZE / SLOT {
            return Ok(None);
        }
        let at = self.slot(record);
        // SAFETY: inside the map; the word is stored by this CPU only.
        let found = unsafe { at.cast::<u64>().read_volatile() };
        if found == 0 {
            return Ok(None);
        }
        // SAFETY: inside the map, and a record with a commit word does not change any more.
        let bytes = unsafe { slice::from_raw_parts(at.wrapping_add(WORD), SLOT - WORD) };
        let text = str::from_utf8(bytes).ok();
        let text = text.filter(|_| found == commit(record, bytes));
        let text = text.ok_or(Error::Damaged(record))?;
        Ok(Some(text.trim_end_matches('\0')))
    }
}

/// The commit word: FNV-1a of the record's number and bytes, never 0.
fn commit(record: usize, bytes: &[u8]) -> u64 {
    let number = (record as u64).to_le_bytes();
    let all = number.iter().chain(bytes);
    let hash = all.fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    hash | 1
}

/// Text of a limited length, zeroes behind it.
struct Text {
    bytes: [u8; SLOT - WORD],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes[self.len..].get_mut(..text.len());
        room.ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}
