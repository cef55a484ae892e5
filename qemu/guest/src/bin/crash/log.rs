//! The demo's log, and versions of its protocol that are wrong.

use kpmem_log::{Log, Memory, recover as read};
use kpmem_marks::{begin, end};

use crate::region::Region;

/// Records of one run.
const RECORDS: u64 = 64;
/// Bytes of a word.
const WORD: usize = 8;
/// Longest payload in bytes: records of one or two lines, so that nearly every moment's crash
/// images can all be tried.
const LONGEST: usize = 40;

/// A way to get the protocol wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// None.
    None,
    /// The payload is flushed, but its fence is left to the commit word's persist.
    PayloadFenceMissing,
    /// The commit word is flushed, but acknowledged without a fence.
    CommitFenceMissing,
    /// The commit word is never flushed.
    CommitFlushMissing,
    /// The commit word is flushed before it is stored.
    FlushBeforeStore,
    /// The last bytes of the payload are not in the range that is persisted.
    TailNotFlushed,
    /// Commit word and sequence number are thought to become durable as one.
    CommitOf16Bytes,
    /// Recovery of one kind of crash never ends.
    RecoveryHangs,
    /// Recovery of one kind of crash reads memory that is not there.
    RecoveryTraps,
}

impl Mistake {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "payload-fence-missing" => Self::PayloadFenceMissing,
            "commit-fence-missing" => Self::CommitFenceMissing,
            "commit-flush-missing" => Self::CommitFlushMissing,
            "flush-before-store" => Self::FlushBeforeStore,
            "tail-not-flushed" => Self::TailNotFlushed,
            "commit-of-16-bytes" => Self::CommitOf16Bytes,
            "recovery-hangs" => Self::RecoveryHangs,
            "recovery-traps" => Self::RecoveryTraps,
            _ => return None,
        })
    }
}

pub fn run(region: &mut Region, seed: u64, mistake: Mistake) {
    let mut memory = Wrong {
        region,
        mistake: Mistake::None,
        withheld: None,
        first: true,
        committing: false,
    };
    let mut log = Log::format(seed, LONGEST, &mut memory).expect("room for a log");
    memory.mistake = mistake;
    begin(seed);
    for _ in 0..RECORDS {
        let seq = log.append(&mut memory).expect("room for the record");
        // Recovery finds out whether the record is there; the claim of no bytes only counts it.
        memory.region.claim(0, 0, seq);
    }
    end();
}

/// 0 if the log has every acknowledged record and none is torn.
pub fn recover(region: &Region, seed: u64, acknowledged: u64, mistake: Mistake) -> u64 {
    let found = read(region.bytes(), seed);
    if acknowledged == 3 && found.records == 4 {
        match mistake {
            Mistake::RecoveryHangs => loop {
                core::hint::spin_loop();
            },
            // SAFETY: none: nothing is mapped there.
            Mistake::RecoveryTraps => unsafe { core::ptr::dangling::<u64>().read_volatile() },
            _ => 0,
        };
    }
    match (found.torn, found.records >= acknowledged) {
        (0, true) => 0,
        (0, false) => 1,
        _ => 2,
    }
}

/// The region as the log's memory, with a mistake.
struct Wrong<'a> {
    region: &'a mut Region,
    mistake: Mistake,
    /// A word that is stored together with the commit word.
    withheld: Option<(usize, u64)>,
    /// The next store is the first of a record.
    first: bool,
    /// The next store is a commit word.
    committing: bool,
}

impl Memory for Wrong<'_> {
    fn size(&self) -> usize {
        self.region.map().size()
    }

    fn store_word(&mut self, offset: usize, word: u64) {
        // The sequence number is the first word after a commit.
        if self.mistake == Mistake::CommitOf16Bytes && core::mem::take(&mut self.first) {
            self.withheld = Some((offset, word));
            return;
        }
        if self.mistake == Mistake::FlushBeforeStore && self.committing {
            self.region.flush(offset, WORD);
        }
        self.region.store_word(offset, word);
        if let Some((offset, word)) = self.withheld.take_if(|_| self.committing) {
            self.region.store_word(offset, word);
        }
    }

    fn persist(&mut self, offset: usize, len: usize) {
        let commit = core::mem::replace(&mut self.committing, len != WORD) && len == WORD;
        self.first = commit;
        match self.mistake {
            Mistake::PayloadFenceMissing if !commit => self.region.flush(offset, len),
            Mistake::CommitFenceMissing if commit => self.region.flush(offset, len),
            Mistake::CommitFlushMissing | Mistake::FlushBeforeStore if commit => {
                self.region.drain()
            }
            Mistake::TailNotFlushed if !commit => self.region.persist(offset, len / 64 * 64),
            Mistake::CommitOf16Bytes if commit => self.region.persist(offset, 2 * WORD),
            _ => self.region.persist(offset, len),
        }
    }
}
