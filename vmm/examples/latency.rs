//! How long a FLUSH takes: each way to make a mapping durable, by how much of 64 MiB is dirty.
//!
//! ```text
//! cargo run -p kpmem-vmm --release --example latency [-- DIRECTORY [ROUNDS]]
//! ```
//!
//! In each round, every way has its turn with every amount, each on a file of its own in the
//! directory (the current one, if none is given), whose pages were stored to right before. Where
//! the file system is not DAX, lines that were written back are not durable: those rows are what
//! the instructions cost on memory.

use std::{
    env, fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use kpmem_vmm::{Error, Mapping, Policy, map_file};
use vm_memory::{
    FileOffset, MmapRegion,
    bitmap::{AtomicBitmap, Bitmap},
};

const SIZE: usize = 64 << 20;
const PAGE: usize = 4096;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How much is dirty: so many pages, evenly spread.
const DIRTY: [(&str, usize); 4] = [
    ("4 KiB", 1),
    ("16 x 4 KiB", 16),
    ("256 x 4 KiB", 256),
    ("all", SIZE / PAGE),
];

/// What is called.
type Call = fn(&Mapping<AtomicBitmap>) -> std::result::Result<(), Error>;

struct Way {
    name: &'static str,
    policy: Option<Policy>,
    call: Call,
}

const ALL: Call = |mapping| mapping.persist_all();
const MARKED: Call = |mapping| mapping.persist_dirty().map(drop);
const ONE: Call = |mapping| mapping.persist(0, PAGE);

/// Without a policy: by cache lines.
const WAYS: [Way; 7] = [
    Way {
        name: "msync, whole",
        policy: Some(Policy::Msync),
        call: ALL,
    },
    Way {
        name: "fdatasync",
        policy: Some(Policy::Fdatasync),
        call: ALL,
    },
    Way {
        name: "msync, dirty ranges",
        policy: Some(Policy::Ranges(usize::MAX)),
        call: MARKED,
    },
    Way {
        name: "msync, 4 ranges at most",
        policy: Some(Policy::Ranges(4)),
        call: MARKED,
    },
    Way {
        name: "persist of 4 KiB, msync",
        policy: Some(Policy::Msync),
        call: ONE,
    },
    Way {
        name: "kpmem, whole",
        policy: None,
        call: ALL,
    },
    Way {
        name: "kpmem, dirty ranges",
        policy: None,
        call: MARKED,
    },
];

/// A file, mapped.
struct Case {
    way: &'static Way,
    pages: usize,
    mapping: Mapping<AtomicBitmap>,
    times: Vec<Duration>,
}

impl Case {
    fn new(way: &'static Way, pages: usize, directory: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(directory)?;
        // Blocks are there already, so that no sync has to write about new ones.
        io::copy(&mut io::Read::take(io::repeat(1), SIZE as u64), &mut &file)?;
        file.sync_all()?;
        let region: Arc<MmapRegion<AtomicBitmap>> =
            Arc::new(map_file(FileOffset::new(file, 0), SIZE)?);
        let mapping = match way.policy {
            Some(policy) => Mapping::new(region, policy)?,
            // SAFETY: nobody relies on these bytes.
            None => unsafe { Mapping::dax(region, kpmem::selected()?)? },
        };
        Ok(Self {
            way,
            pages,
            mapping,
            times: Vec::new(),
        })
    }

    /// The guest stores to some pages; then one call, timed.
    fn once(&mut self, round: u64) -> Result<()> {
        let region = self.mapping.region();
        for page in (0..SIZE / PAGE).step_by(SIZE / PAGE / self.pages) {
            for line in (0..PAGE).step_by(64) {
                let place = region.as_ptr().wrapping_add(page * PAGE + line);
                // SAFETY: a word of the mapping, which nobody else uses.
                let word = unsafe { AtomicU64::from_ptr(place.cast()) };
                word.store(round, Ordering::Relaxed);
            }
            region.bitmap().mark_dirty(page * PAGE, PAGE);
        }
        let start = Instant::now();
        (self.way.call)(&self.mapping)?;
        self.times.push(start.elapsed());
        // What the call left is not the next one's.
        self.mapping.persist_dirty()?;
        region
            .file_offset()
            .map_or(Ok(()), |file| file.file().sync_all())?;
        Ok(())
    }

    /// Median, and the middle four fifths.
    fn summary(&mut self) -> String {
        self.times.sort();
        let at = |tenths: usize| {
            let index = (self.times.len() - 1) * tenths / 10;
            self.times[index].as_secs_f64() * 1e3
        };
        let digits = |ms: f64| {
            if ms < 10.0 {
                format!("{ms:.3}")
            } else {
                format!("{ms:.1}")
            }
        };
        format!("{} ({} to {})", digits(at(5)), digits(at(1)), digits(at(9)))
    }
}

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| ".".to_owned());
    let rounds = arguments.next().map_or(Ok(15), |text| text.parse())?;
    if rounds == 0 {
        return Err("of 0 rounds there is nothing to tell".into());
    }
    let directory = Path::new(&directory);
    let mut cases = Vec::new();
    for way in &WAYS {
        for (_, pages) in DIRTY {
            cases.push(Case::new(way, pages, directory)?);
        }
    }
    for round in 1..=rounds {
        for case in &mut cases {
            case.once(round)?;
        }
    }
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name\t: "));
    println!(
        "64 MiB in {}, on {}; lines by {}",
        directory.display(),
        model.unwrap_or("?"),
        kpmem::selected()?.name()
    );
    println!("milliseconds: median (10 % to 90 % of {rounds} rounds), by how much is dirty\n");
    let row = |name: &str, cells: [String; 4]| {
        let cells = cells.map(|cell| format!("{cell:>24}")).join("");
        println!("{name:<24}{cells}");
    };
    row("", DIRTY.map(|(name, _)| name.to_owned()));
    for cases in cases.chunks_mut(DIRTY.len()) {
        let name = cases[0].way.name;
        let cells = cases.iter_mut().map(Case::summary).collect::<Vec<_>>();
        row(name, cells.try_into().map_err(|_| "a cell is missing")?);
    }
    Ok(())
}
