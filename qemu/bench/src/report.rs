//! What was measured: the file, the tables.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    plot::short,
    times::{COUNT, Times, Who},
    verdict::{LEGEND, verdicts},
};

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether libpmem2 was there.
    pub peer: bool,
    pub cases: Vec<Measured>,
}

/// One case: medians in nanoseconds a call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    pub name: &'static str,
    pub size: usize,
    pub placement: &'static str,
    pub align: usize,
    pub flags: String,
    pub granularity: String,
    pub kpmem_ns: Option<f64>,
    pub fixed_ns: Option<f64>,
    pub raw_ns: Option<f64>,
    pub peer_ns: Option<f64>,
    /// kpmem with the feature `vector`.
    pub vector_ns: Option<f64>,
    /// The fastest bare instructions without vectors, those of `raw_ns` or others.
    pub bare_ns: Option<f64>,
    /// Bare 64-byte vectors.
    pub bare_vector_ns: Option<f64>,
    /// The largest distance between the quartiles of one contender, as a part of its median.
    pub spread: f64,
    #[serde(skip)]
    pub times: [Times; COUNT],
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            size,
            placement,
            align,
            flags,
            granularity,
            ..
        } = self;
        write!(
            f,
            "{name} size={size} {placement} align={align} flags={flags} {granularity}"
        )
    }
}

impl Measured {
    /// A case that nobody has run yet.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub fn named(case: &crate::cases::Case) -> Self {
        Self {
            name: case.op.name(),
            size: case.size,
            placement: match case.placement {
                crate::memory::Placement::Hot => "hot",
                crate::memory::Placement::Cold => "cold",
                crate::memory::Placement::Random => "random",
            },
            align: case.align,
            flags: case.flags_name(),
            granularity: case.granularity.to_string(),
            ..Self::default()
        }
    }

    /// What the contenders took.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub fn set(&mut self, times: [Times; COUNT]) {
        let median = |who: Who| times[who as usize].median();
        self.kpmem_ns = median(Who::Kpmem);
        self.fixed_ns = median(Who::Fixed);
        self.raw_ns = median(Who::Raw);
        self.peer_ns = median(Who::Peer);
        self.vector_ns = median(Who::Vector);
        self.bare_ns = [Who::Raw, Who::OtherRaw]
            .into_iter()
            .filter_map(median)
            .min_by(f64::total_cmp);
        self.bare_vector_ns = median(Who::RawVector);
        self.spread = [Who::Kpmem, Who::Fixed, Who::Raw, Who::Peer]
            .map(|who| times[who as usize].spread())
            .into_iter()
            .fold(0.0, f64::max);
        self.times = times;
    }

    /// kpmem's time as a multiple of another's.
    pub fn ratio(&self, other: Option<f64>) -> Option<f64> {
        Some(self.kpmem_ns? / other?)
    }

    fn is_copy(&self) -> bool {
        self.name.starts_with("mem")
    }
}

impl Report {
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn print(&self, verbose: bool) {
        self.print_times(|case| verbose || !case.is_copy());
        if !verbose {
            self.print_ratios();
        }
        if !self.peer {
            println!("libpmem2 is not installed: no comparison with it");
        }
        for verdict in verdicts(self) {
            println!("{verdict}");
        }
        println!("{}", LEGEND);
    }

    /// A line for each case.
    fn print_times(&self, which: impl Fn(&Measured) -> bool) {
        println!(
            "{:60} {:>10} {:>10} {:>10} {:>10} {:>10} {:>7} {:>7} {:>7}",
            "case, ns a call",
            "kpmem",
            "fixed",
            "raw",
            "libpmem2",
            "vector",
            "/raw",
            "/peer",
            "spread"
        );
        for case in self.cases.iter().filter(|case| which(case)) {
            println!(
                "{:60} {} {} {} {} {} {} {} {:6.1}%",
                case.to_string(),
                number(case.kpmem_ns, 10),
                number(case.fixed_ns, 10),
                number(case.raw_ns, 10),
                number(case.peer_ns, 10),
                number(case.vector_ns, 10),
                number(case.ratio(case.raw_ns), 7),
                number(case.ratio(case.peer_ns), 7),
                case.spread * 100.0
            );
        }
    }

    /// A line for all sizes of a copy.
    fn print_ratios(&self) {
        let mut sizes = Vec::new();
        let mut rows = BTreeMap::<_, BTreeMap<usize, f64>>::new();
        for case in self.cases.iter().filter(|case| case.is_copy()) {
            let other = if self.peer { case.peer_ns } else { case.raw_ns };
            let Some(ratio) = case.ratio(other) else {
                continue;
            };
            let name = format!(
                "{} {} {} align={} {}",
                case.name, case.granularity, case.placement, case.align, case.flags
            );
            rows.entry(name).or_default().insert(case.size, ratio);
            sizes.push(case.size);
        }
        sizes.sort_unstable();
        sizes.dedup();
        let other = if self.peer { "libpmem2" } else { "raw" };
        print!("\n{:50}", format!("kpmem / {other}, by bytes"));
        for &size in &sizes {
            print!(" {:>5}", short(size));
        }
        println!();
        for (name, row) in rows {
            print!("{name:50}");
            for size in &sizes {
                print!("{}", number(row.get(size).copied(), 6));
            }
            println!();
        }
    }
}

fn number(value: Option<f64>, width: usize) -> String {
    value.map_or_else(
        || format!("{:>width$}", "-"),
        |value| format!("{value:width$.2}"),
    )
}
