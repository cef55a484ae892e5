//! The pages of the crash simulator, drawn by a real browser: what must be seen is seen, and a page
//! that lacks it fails.

use crate::{
    page::{
        self, Context,
        browser::{Drawn, View},
    },
    report::{Case, Suite, Verdict},
    setup,
};
use anyhow::Result;
use kpmem_findings::{Failure, LineView};

/// A wide and a narrow window, a light and a dark one.
const VIEWS: [View; 3] = [
    View {
        width: 1280,
        dark: false,
    },
    View {
        width: 1280,
        dark: true,
    },
    View {
        width: 800,
        dark: false,
    },
];

/// Draws the pages of `findings`, and damaged ones. Skipped where there is no browser and none can
/// be installed.
pub fn run(findings: &[(Failure, Context)]) -> Result<Suite> {
    let mut suite = Suite::new("pages of failures", None, None);
    let Some(browser) = setup::browser() else {
        suite.add(Case {
            name: "a browser draws them".to_owned(),
            verdict: Verdict::Skipped("no Chromium: `cargo xtask setup` installs it".to_owned()),
        });
        return Ok(suite);
    };
    for (index, (failure, context)) in findings.iter().enumerate() {
        let html = page::render(failure, context)?;
        // Colours are the same on every page.
        let views = VIEWS.iter().filter(|view| index == 0 || !view.dark);
        for &view in views {
            let result = browser
                .draw(&html, view)
                .map_err(|error| format!("{error:#}"))
                .and_then(|drawn| compare(&drawn, failure, context, view));
            let scheme = if view.dark { "dark" } else { "light" };
            let name = format!(
                "{} {} {}: all is seen at {} pixels, {scheme}",
                context.arch, context.workload, failure.id, view.width
            );
            suite.add(Case::from_result(name, result));
        }
    }
    if let Some((failure, context)) = findings.first() {
        let html = page::render(failure, context)?;
        for (what, damaged) in damaged(&html) {
            let drawn = browser.draw(&damaged, VIEWS[0]);
            let accepted =
                drawn.is_ok_and(|drawn| compare(&drawn, failure, context, VIEWS[0]).is_ok());
            let name = format!("a page {what} is refused");
            suite.add(Case::check(name, !accepted, "taken for a good page"));
        }
    }
    Ok(suite)
}

/// The negative controls.
fn damaged(html: &str) -> [(&'static str, String); 4] {
    let cut = |at: &str| html.split(at).next().unwrap_or_default().to_owned();
    let image = "<body><img src=\"https://example.org/pixel.png\">";
    [
        ("that ends in its timeline", cut("<tr class=\"crash\">")),
        ("without its bytes", cut("<table class=\"grid\">")),
        ("without its colours", html.replace("-back)", "-gone)")),
        ("that wants the network", html.replacen("<body>", image, 1)),
    ]
}

/// What the browser drew, against what the failure has.
fn compare(drawn: &Drawn, failure: &Failure, context: &Context, view: View) -> Result<(), String> {
    let marked: usize = failure
        .lines
        .iter()
        .map(|line| at_stake(line, failure))
        .sum();
    let checks = [
        ("rows", drawn.rows, failure.timeline.len()),
        ("marked bytes", drawn.marked, marked),
        ("pixels too wide", drawn.overflow, 0),
        ("forbidden loads", drawn.forbidden, 0),
        ("dark", usize::from(drawn.dark), usize::from(view.dark)),
    ];
    for (what, found, expected) in checks {
        if found != expected {
            return Err(format!("{what}: {found} instead of {expected}"));
        }
    }
    // An instruction of which nobody knows the place is no reason to fail; a kernel of which none
    // is known is.
    if context.kernel.is_some() && drawn.places == 0 {
        return Err("no row names a source file".to_owned());
    }
    if drawn.texts.contains(&0) {
        return Err("the headline, the answer or the command is missing".to_owned());
    }
    Ok(())
}

/// Bytes that the page has to mark, counted apart from the page's own code.
fn at_stake(line: &LineView, failure: &Failure) -> usize {
    let (durable, live) = (line.durable.as_bytes(), line.live.as_bytes());
    let image = line.image.as_bytes();
    let crashed = failure.oracle == "recovery";
    (0..durable.len() / 2)
        .map(|i| 2 * i..2 * i + 2)
        .filter(|byte| {
            let byte = byte.clone();
            let [durable, image, live] = [durable, image, live].map(|text| &text[byte.clone()]);
            durable != live || crashed && image != durable
        })
        .count()
}
