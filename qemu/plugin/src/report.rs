//! The file that the harness reads.

use std::{fs::File, io::Write, path::Path};

use kpmem_findings::Line;

/// Failures written in full for one workload; the rest are counted.
pub const SHOWN: u64 = 8;

/// Where the lines go.
#[derive(Debug)]
pub struct Report {
    file: File,
    /// Lines of a run that may turn out to be like an earlier one, and how many are failures.
    held: Option<(String, u64)>,
    failures: u64,
}

impl Report {
    pub fn create(path: &Path) -> Result<Self, String> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self {
            file,
            held: None,
            failures: 0,
        })
    }

    pub fn write(&mut self, line: &Line) {
        let mut text = serde_json::to_string(line).expect("plain data");
        text.push('\n');
        let failures = u64::from(matches!(line, Line::Failure(_)));
        match (&mut self.held, line) {
            (Some(held), Line::Traced(_) | Line::Failure(_) | Line::Schedule(_)) => {
                held.0.push_str(&text);
                held.1 += failures;
            }
            _ => self.add(&text, failures),
        }
    }

    fn add(&mut self, text: &str, failures: u64) {
        self.failures += failures;
        // A full disk must not pass for a clean run.
        self.file
            .write_all(text.as_bytes())
            .expect("the report can be written");
    }

    /// What is said of a run from now on is kept back.
    pub fn hold(&mut self) {
        self.held = Some((String::new(), 0));
    }

    /// It is written after all, or dropped.
    pub fn release(&mut self, write: bool) {
        if let Some((text, failures)) = self.held.take()
            && write
        {
            self.add(&text, failures);
        }
    }

    /// Failures that were written.
    pub fn failures(&self) -> u64 {
        self.failures
    }
}
