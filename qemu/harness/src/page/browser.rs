//! A real browser, without a screen: what a page is once it is drawn.

use crate::process;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What distributions call it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// No network, no questions, no traces of other runs.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];
/// A page takes a second; a loaded machine may take many.
const LIMIT: Duration = Duration::from_secs(60);

/// Counts what is drawn, before the page's own rules forbid scripts.
const PROBE: &str = include_str!("probe.js");

/// A browser on this machine.
#[derive(Clone, Debug)]
pub struct Browser(PathBuf);

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// In pixels.
    pub width: u32,
    /// The reader prefers dark pages.
    pub dark: bool,
}

/// What the browser drew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Drawn {
    /// Rows of the timeline that take up room once everything is unfolded.
    pub rows: usize,
    /// Bytes with a background of their own colour that stands for kept, lost, mixed or at risk.
    pub marked: usize,
    /// Rows that name a source file.
    pub places: usize,
    /// Characters of the headline, of the answer and of the command that replays.
    pub texts: [usize; 3],
    /// Pixels by which the page is wider than the window.
    pub overflow: usize,
    /// What the page tried to load, and may not.
    pub forbidden: usize,
    /// The page's background is dark.
    pub dark: bool,
}

impl Browser {
    /// The browser, if there is one.
    pub fn find() -> Option<Self> {
        NAMES.into_iter().find_map(process::find).map(Self)
    }

    /// Its program.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Draws a page and says what there is to see.
    pub fn draw(&self, html: &str, view: View) -> Result<Drawn> {
        let dir = tempfile::tempdir()?;
        let page = dir.path().join("page.html");
        let probe = format!("<head><script>{PROBE}</script>");
        fs::write(&page, html.replacen("<head>", &probe, 1))?;
        let dom = self.run(dir.path(), view, "--dump-dom", &page)?;
        let found = dom
            .split_once("<kpmem-drawn>")
            .and_then(|(_, rest)| rest.split_once("</kpmem-drawn>"))
            .context("the browser ran, but the page did not answer")?;
        serde_json::from_str(found.0).context("the page's answer is not what was asked for")
    }

    /// Draws a page into a PNG file, for a person to see.
    pub fn screenshot(&self, page: &Path, view: View, picture: &Path) -> Result<()> {
        let dir = tempfile::tempdir()?;
        let page = page.canonicalize()?;
        let argument = format!("--screenshot={}", picture.display());
        self.run(dir.path(), view, &argument, &page)?;
        if !picture.is_file() {
            bail!("the browser made no picture");
        }
        Ok(())
    }

    /// Runs it with a new profile in `dir`.
    fn run(&self, dir: &Path, view: View, action: &str, page: &Path) -> Result<String> {
        let output = dir.join("output");
        let scheme = u8::from(!view.dark);
        let mut child = Command::new(&self.0)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", dir.join("profile").display()))
            .arg(format!("--window-size={},2000", view.width))
            .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
            .arg(action)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(fs::File::create(&output)?)
            // It complains about the services of a desktop, which are not there.
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", self.0.display()))?;
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
                None => {
                    child.kill()?;
                    child.wait()?;
                    bail!("the browser took longer than {} s", LIMIT.as_secs());
                }
            }
        };
        if !status.success() {
            bail!("the browser failed ({status})");
        }
        Ok(String::from_utf8_lossy(&fs::read(&output)?).into_owned())
    }
}
