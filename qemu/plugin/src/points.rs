//! Moments of a program that cannot be changed, each with the image that a reboot is to recover.
//!
//! Of all images that are possible the one is kept in which nothing has survived that was not
//! durable yet: no order of write-backs leaves less. What does not come back from it was
//! acknowledged too early.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use kpmem_findings::Point;
use kpmem_model::State;

use crate::{memory::Memory, pages::PAGE};

/// Lines that are named; the rest are counted.
const NAMED: usize = 8;

/// Keeps the image of this moment under `number`, and says what is not in it.
pub fn keep(
    state: &State,
    memory: &Memory,
    workload: u64,
    number: u64,
    images: &Path,
) -> io::Result<Point> {
    let mut lines: Vec<u64> = state
        .all_pending()
        .map(|store| state.address(store) / state.line() as u64 * state.line() as u64)
        .collect();
    lines.dedup();
    // Bytes that are durable already are no loss.
    lines.retain(|&addr| {
        let line = state.line_of(addr);
        line.is_some_and(|line| state.durable_line(line) != state.live_line(line))
    });
    let file = format!("point-{workload}-{number}.img");
    let to = File::create(images.join(&file))?;
    to.set_len(memory.file().len() as u64)?;
    let mailbox = &memory.file()[memory.len()..];
    let pages = state.durable().chunks(PAGE as usize).chain([mailbox]);
    for (page, at) in pages.zip((0..).step_by(PAGE as usize)) {
        // The rest is a hole.
        if page.iter().any(|byte| *byte != 0) {
            to.write_all_at(page, at)?;
        }
    }
    Ok(Point {
        workload,
        number,
        pending: lines.len() as u64,
        lines: lines.into_iter().take(NAMED).collect(),
        file,
    })
}
