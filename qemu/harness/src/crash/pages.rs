//! The pages of a run's failures, and the index that lists them.

use super::found::Found;
use crate::{page, workspace};
use anyhow::{Context, Result};
use askama::Template;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

#[derive(Template)]
#[template(path = "failures.html")]
struct Index<'a> {
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    file: String,
    id: String,
    what: &'a str,
    replay: String,
}

/// Makes the page of each failure and the index, and says where they are. Pages that an earlier run
/// of the same left are removed.
pub fn show(kernels: &BTreeMap<&'static str, PathBuf>, found: &[Found]) -> Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder).context("cannot make the folder of the pages")?;
    for failure in found {
        remove(&folder, &failure.job.id_of_all_seeds())?;
    }
    let rows = write(kernels, found)?;
    let index = folder.join("index.html");
    fs::write(&index, Index { rows }.render()?)
        .with_context(|| format!("cannot write {}", index.display()))?;
    if found.len() > 1 {
        println!("{} failures: {}", found.len(), index.display());
    }
    Ok(())
}

/// Makes the page of a failure that is shown again; the others of its run stay.
pub fn show_again(kernels: &BTreeMap<&'static str, PathBuf>, found: &[Found]) -> Result<()> {
    fs::create_dir_all(folder()).context("cannot make the folder of the pages")?;
    write(kernels, found).map(|_| ())
}

fn write<'a>(
    kernels: &BTreeMap<&'static str, PathBuf>,
    found: &'a [Found],
) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    for failure in found {
        let context = failure.context(kernels);
        let file = format!("{}.html", failure.id());
        let path = folder().join(&file);
        fs::write(&path, page::render(&failure.failure, &context)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let what = &failure.failure.what;
        let schedule = failure.failure.schedule.iter();
        let schedule: String = schedule.map(|name| format!(" (schedule {name})")).collect();
        let path = path.display();
        println!("{what}{schedule}\n    {path}\n    {}", context.replay);
        rows.push(Row {
            file,
            id: failure.id(),
            what,
            replay: context.replay,
        });
    }
    Ok(rows)
}

fn folder() -> PathBuf {
    workspace::reports().join("crash")
}

fn remove(folder: &Path, prefix: &str) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(prefix) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}
