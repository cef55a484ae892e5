//! A trial's other boots: the server is started on each image that was kept.

use super::{
    Found, Moment, Outcome,
    trial::{Committed, Made, SIZE, Trial},
};
use crate::{image::Image, parallel};
use anyhow::{Context, Result, ensure};
use kpmem_findings::Point;
use std::{
    fs,
    time::{Duration, Instant},
};

/// Tries all of them beside each other.
pub fn run(trials: &[Trial]) -> Result<Vec<Outcome>> {
    // What is downloaded and compiled for the first is there for the next.
    let made: Vec<_> = trials.iter().map(Trial::make).collect::<Result<_>>()?;
    let committed = parallel::map(&made, Made::commit).into_iter();
    let committed: Vec<_> = committed.collect::<Result<_>>()?;
    let each: Vec<_> = committed.iter().flat_map(starts).collect();
    let mut recovered = parallel::map(&each, Start::recover).into_iter();
    let outcomes = committed.iter().map(|committed| {
        let own = recovered.by_ref().take(starts(committed).len());
        outcome(committed, own.collect::<Result<_>>()?)
    });
    outcomes.collect()
}

/// A start of the server on what is left.
#[derive(Clone, Copy, Debug)]
struct Start<'a> {
    committed: &'a Committed<'a>,
    /// On the image of this moment; `None` for memory as it was at the end.
    point: Option<&'a Point>,
}

/// What it found, and how long that took.
type Recovered = (Found, Duration);

/// All starts after the commits of a trial; the first is the one without a crash.
fn starts<'a>(committed: &'a Committed<'a>) -> Vec<Start<'a>> {
    let trial = committed.made.trial;
    let points = committed.points.iter();
    let tried = points.filter(|it| trial.is_tried(it.number)).map(Some);
    let all = [None].into_iter().chain(tried);
    all.map(|point| Start { committed, point }).collect()
}

impl Start<'_> {
    fn recover(&self) -> Result<Recovered> {
        let start = Instant::now();
        let made = self.committed.made;
        let server = made.trial.server.name();
        let Some(point) = self.point else {
            let found = made
                .recover(&self.committed.image)
                .and_then(|it| Found::of(&it));
            let found = found.with_context(|| format!("{server}, without a crash"))?;
            return Ok((found, start.elapsed()));
        };
        let path = made.folder.path().join(&point.file);
        let said = made.recover(&Image::open(&path, SIZE)?);
        // They would fill a disk.
        fs::remove_file(&path)?;
        let found = said.and_then(|it| Found::of(&it));
        let found = found.with_context(|| format!("{server}, after {} commits", point.number))?;
        eprintln!(
            "mariadb: {server}: a crash after {} commits loses {:?}",
            point.number,
            found.lost(point.number)
        );
        Ok((found, start.elapsed()))
    }
}

/// What came of a trial, of all its starts in their order.
fn outcome(committed: &Committed<'_>, recovered: Vec<Recovered>) -> Result<Outcome> {
    let Committed { made, traced, .. } = committed;
    let trial = made.trial;
    let starts = recovered.len() as f64;
    let seconds: f64 = recovered.iter().map(|(_, took)| took.as_secs_f64()).sum();
    let mut found = recovered.into_iter().map(|(found, _)| found);
    let all = found.next().context("no start without a crash")?;
    ensure!(
        all.lost(trial.commits).is_empty(),
        "rows are missing where nothing was lost: {:?}",
        all.rows
    );
    let moments = committed.points.iter().map(|point| Moment {
        acknowledged: point.number,
        pending: point.pending,
        found: trial.is_tried(point.number).then(|| found.next()).flatten(),
    });
    Ok(Outcome {
        server: trial.server,
        arch: trial.arch,
        version: committed.version.clone(),
        mended: made.mended,
        moments: moments.collect(),
        all,
        traced: [traced.stores, traced.flushes, traced.fences],
        seconds: [committed.took.as_secs_f64(), seconds / starts],
    })
}
