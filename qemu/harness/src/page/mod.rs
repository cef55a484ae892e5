//! A failure to look at: one self-contained HTML page, opened by any browser without a network.

pub mod browser;
mod fate;
mod grid;
mod names;
pub mod samples;
mod symbols;
mod timeline;
mod words;

use crate::arch::Arch;
use anyhow::{Context as _, Result};
use askama::Template;
use kpmem_findings::Failure;
use std::path::PathBuf;

/// What a page says beside the failure itself.
#[derive(Clone, Debug)]
pub struct Context {
    /// Instruction set of the guest.
    pub arch: Arch,
    /// What ran: `log`, `contract`, or the name of a foreign kernel.
    pub workload: String,
    /// The platform that was simulated, as the model names it.
    pub profile: String,
    /// Bytes in a cache line.
    pub line: usize,
    /// What the run was drawn from.
    pub seed: u64,
    /// The seeded bug, if there was one.
    pub mutant: Option<String>,
    /// The command line that finds the failure again.
    pub replay: String,
    /// The guest, for its symbols; without it the page shows addresses.
    pub kernel: Option<PathBuf>,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page<'a> {
    failure: &'a Failure,
    context: &'a Context,
    headline: String,
    answer: String,
    platform: &'static str,
    schedule: String,
    timeline: timeline::Timeline,
    lines: Vec<grid::Line>,
    /// A crash chose among the pending stores; else the lines have no image of their own.
    crashed: bool,
}

/// The page of one failure.
pub fn render(failure: &Failure, context: &Context) -> Result<String> {
    let symbols = match &context.kernel {
        Some(path) => symbols::Symbols::open(path)
            .with_context(|| format!("cannot read the symbols of {}", path.display()))?,
        None => symbols::Symbols::default(),
    };
    let crashed = failure.oracle == "recovery";
    let contents = grid::Content::parse_all(&failure.lines)?;
    let fates = fate::of_stores(failure, &contents)?;
    let page = Page {
        headline: words::headline(failure, &fates),
        answer: words::answer(failure, &context.workload),
        platform: words::platform(&context.profile),
        schedule: failure
            .schedule
            .as_deref()
            .map_or_else(String::new, words::schedule),
        timeline: timeline::Timeline::new(failure, context, &contents, &fates, &symbols),
        lines: contents
            .iter()
            .enumerate()
            .map(|(index, content)| {
                grid::Line::new(index, content, failure.about.as_ref(), crashed)
            })
            .collect(),
        crashed,
        failure,
        context,
    };
    page.render().context("cannot fill in the page's template")
}

#[cfg(test)]
mod tests;
