//! The plot that the README shows: times as multiples of libpmem2's, over bytes.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use plotters::{coord::Shift, prelude::*};

use crate::measured::{Measured, short};

/// A contender's name, its colour and its time.
type Line = (&'static str, RGBColor, fn(&Measured) -> Option<f64>);

const LINES: [Line; 3] = [
    (
        "bare instructions, no vectors",
        RGBColor(160, 160, 160),
        |case| case.bare_ns,
    ),
    ("kpmem by vectors", RGBColor(240, 150, 30), |case| {
        case.vector_ns
    }),
    ("kpmem", RGBColor(200, 30, 40), |case| case.kpmem_ns),
];

/// What a panel shows: a title, and the name, granularity, placement, alignment and flags of its
/// cases.
type Panel = (
    &'static str,
    (
        &'static str,
        &'static str,
        &'static str,
        usize,
        &'static str,
    ),
);

const PANELS: [Panel; 6] = [
    (
        "memcpy, sequential",
        ("memcpy", "cache-line", "cold", 0, "default"),
    ),
    (
        "memcpy to +8, random",
        ("memcpy", "cache-line", "random", 8, "default"),
    ),
    (
        "memcpy, TEMPORAL, random",
        ("memcpy", "cache-line", "random", 0, "TEMPORAL"),
    ),
    (
        "zeroing, sequential",
        ("memset", "cache-line", "cold", 0, "default"),
    ),
    (
        "memcpy, byte granularity, random",
        ("memcpy", "byte", "random", 0, "default"),
    ),
    (
        "memcpy, byte granularity, hot",
        ("memcpy", "byte", "hot", 0, "default"),
    ),
];

const PANEL: (u32, u32) = (320, 240);
const COLUMNS: u32 = 3;
const LEGEND: u32 = 36;
/// The largest multiple that is shown.
const TOP: f64 = 1.75;

/// Draws a report as an SVG file.
///
/// # Errors
/// No libpmem2 to compare with; a file that cannot be written.
pub fn draw(cases: &[Measured], path: &Path) -> Result<()> {
    if cases.iter().all(|case| case.peer_ns.is_none()) {
        bail!("no plot: it is of ratios to libpmem2, which is not installed");
    }
    let rows = PANELS.len() as u32 / COLUMNS;
    let size = (PANEL.0 * COLUMNS, PANEL.1 * rows + LEGEND);
    let root = SVGBackend::new(path, size).into_drawing_area();
    let drawn = (|| {
        root.fill(&WHITE)?;
        let (legend, panels) = root.split_vertically(LEGEND);
        for (i, (name, colour, _)) in LINES.iter().rev().enumerate() {
            let x = 20 + 190 * i as i32;
            legend.draw(&PathElement::new(
                [(x, 18), (x + 24, 18)],
                colour.stroke_width(3),
            ))?;
            legend.draw(&Text::new(*name, (x + 30, 11), ("sans-serif", 14)))?;
        }
        let what = "time as a multiple of libpmem2's, over bytes; less is better";
        legend.draw(&Text::new(what, (618, 11), ("sans-serif", 14)))?;
        let panels = panels.split_evenly((rows as usize, COLUMNS as usize));
        for ((title, what), area) in PANELS.iter().zip(&panels) {
            let of = |c: &&Measured| {
                (
                    c.name,
                    c.granularity.as_str(),
                    c.placement,
                    c.align,
                    c.flags.as_str(),
                ) == *what
            };
            panel(area, title, &cases.iter().filter(of).collect::<Vec<_>>())?;
        }
        root.present()
    })();
    drawn.map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    title: &str,
    cases: &[&Measured],
) -> Drawn<'a> {
    let bits = |size: usize| size.ilog2() as f64;
    let last = cases.iter().map(|case| bits(case.size)).fold(4.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(34)
        .build_cartesian_2d(3.0..last, 0.0..TOP)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(7)
        .x_label_formatter(&|bits| short(1 << *bits as u32))
        .y_labels(8)
        .y_label_formatter(&|ratio| format!("{ratio}"))
        .draw()?;
    chart.draw_series(LineSeries::new([(3.0, 1.0), (last, 1.0)], BLACK))?;
    for (_, colour, time) in LINES {
        let points = cases
            .iter()
            .filter_map(|case| Some((bits(case.size), (time(case)? / case.peer_ns?).min(TOP))));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    Ok(())
}
