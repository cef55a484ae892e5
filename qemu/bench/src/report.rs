//! What was measured: the file, the tables.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    goals::{self, LEGEND, Verdict},
    measured::{Measured, short},
};

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether libpmem2 was there.
    pub peer: bool,
    pub goals: Vec<Verdict>,
    pub cases: Vec<Measured>,
}

impl Report {
    pub fn new(peer: bool, cases: Vec<Measured>) -> Self {
        Self {
            peer,
            goals: goals::verdicts(&cases),
            cases,
        }
    }

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
        for verdict in &self.goals {
            println!("{verdict}");
        }
        println!("{LEGEND}");
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
                number(ratio(case, case.raw_ns), 7),
                number(ratio(case, case.peer_ns), 7),
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
            let Some(ratio) = ratio(case, other) else {
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

/// kpmem's time as a multiple of another's.
fn ratio(case: &Measured, other: Option<f64>) -> Option<f64> {
    Some(case.kpmem_ns? / other?)
}

fn number(value: Option<f64>, width: usize) -> String {
    value.map_or_else(
        || format!("{:>width$}", "-"),
        |value| format!("{value:width$.2}"),
    )
}
