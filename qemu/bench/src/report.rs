//! What was measured: the file, the table.

use std::{fmt, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::goals;

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
    /// The largest distance between the quartiles of one contender, as a part of its median.
    pub spread: f64,
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

    /// By how much kpmem's time exceeds another's, as a ratio.
    pub fn ratio(&self, other: Option<f64>) -> Option<f64> {
        Some(self.kpmem_ns? / other?)
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
        if verbose {
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
            for case in &self.cases {
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
        if !self.peer {
            println!("libpmem2 is not installed: no comparison with it");
        }
        for verdict in goals::verdicts(self) {
            println!("{verdict}");
        }
    }
}

fn number(value: Option<f64>, width: usize) -> String {
    value.map_or_else(
        || format!("{:>width$}", "-"),
        |value| format!("{value:width$.2}"),
    )
}
