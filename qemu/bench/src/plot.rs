//! A plot of copies and persists, by hand: lines over two logarithmic axes.

use std::fmt::Write;

use crate::report::{Measured, Report};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;
const MARGIN: f64 = 54.0;

/// A contender's name, its colour and its number.
type Line = (&'static str, &'static str, fn(&Measured) -> Option<f64>);

const LINES: [Line; 3] = [
    ("kpmem", "#d62728", |case| case.kpmem_ns),
    ("libpmem2", "#1f77b4", |case| case.peer_ns),
    ("bare instructions", "#7f7f7f", |case| case.raw_ns),
];

type Panel<'a> = (&'a str, &'a dyn Fn(&Measured) -> bool);

/// The plot as an SVG file.
pub fn svg(report: &Report) -> String {
    let default =
        |case: &Measured, name: &str, granularity: &str, align: usize, placement: &str| {
            (
                case.name,
                case.granularity.as_str(),
                case.align,
                case.placement,
                case.flags.as_str(),
            ) == (name, granularity, align, placement, "default")
        };
    let panels: [Panel<'_>; 4] = [
        ("memcpy, cold destination", &|c| {
            default(c, "memcpy", "cache-line", 0, "cold")
        }),
        ("memcpy to +8, random destination", &|c| {
            default(c, "memcpy", "cache-line", 8, "random")
        }),
        ("zeroing, cold destination", &|c| {
            default(c, "memset", "cache-line", 0, "cold")
        }),
        ("memcpy, byte granularity, hot", &|c| {
            default(c, "memcpy", "byte", 0, "hot")
        }),
    ];
    let (width, height) = (2.0 * WIDTH, 2.0 * HEIGHT + 30.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (i, (name, colour, _)) in LINES.iter().enumerate() {
        let x = 60.0 + i as f64 * 130.0;
        let _ = writeln!(
            out,
            "<line x1=\"{x}\" y1=\"15\" x2=\"{}\" y2=\"15\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            x + 20.0
        );
        let _ = writeln!(out, "<text x=\"{}\" y=\"19\">{name}</text>", x + 26.0);
    }
    let _ = writeln!(
        out,
        "<text x=\"480\" y=\"19\">nanoseconds a call (median) over bytes; less is better</text>"
    );
    for (i, (title, counts)) in panels.iter().enumerate() {
        let cases: Vec<_> = report.cases.iter().filter(|case| counts(case)).collect();
        let (x, y) = ((i % 2) as f64 * WIDTH, (i / 2) as f64 * HEIGHT + 30.0);
        let _ = writeln!(
            out,
            "<g transform=\"translate({x} {y})\">{}</g>",
            panel(title, &cases)
        );
    }
    out += "</svg>\n";
    out
}

fn panel(title: &str, cases: &[&Measured]) -> String {
    let times = || {
        cases
            .iter()
            .flat_map(|case| LINES.map(|(_, _, of)| of(case)))
            .flatten()
    };
    let decade = |value: f64| value.log10();
    let low = times().fold(f64::MAX, f64::min).log10().floor();
    let high = times().fold(f64::MIN, f64::max).log10().ceil();
    let sizes = || cases.iter().map(|case| (case.size as f64).log2());
    let (first, last) = (
        sizes().fold(f64::MAX, f64::min),
        sizes().fold(f64::MIN, f64::max),
    );
    let x = |size: f64| MARGIN + (size.log2() - first) / (last - first) * (WIDTH - MARGIN - 20.0);
    let y = |time: f64| HEIGHT - 40.0 - (decade(time) - low) / (high - low) * (HEIGHT - 70.0);
    let mut out = format!("<text x=\"{MARGIN}\" y=\"20\" font-weight=\"bold\">{title}</text>\n");
    for exponent in low as i32..=high as i32 {
        let time = 10_f64.powi(exponent);
        let at = y(time);
        let _ = writeln!(
            out,
            "<line x1=\"{MARGIN}\" y1=\"{at:.1}\" x2=\"{}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>",
            WIDTH - 20.0
        );
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{time} ns</text>",
            MARGIN - 4.0,
            at + 4.0
        );
    }
    for case in cases.iter().step_by(3) {
        let at = x(case.size as f64);
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 22.0,
            bytes(case.size)
        );
    }
    for (_, colour, of) in LINES {
        let points = cases
            .iter()
            .filter_map(|case| Some((x(case.size as f64), y(of(case)?))));
        let points: Vec<_> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
    }
    out
}

fn bytes(size: usize) -> String {
    match size {
        0..1024 => format!("{size}"),
        1024..0x10_0000 => format!("{} Ki", size >> 10),
        _ => format!("{} Mi", size >> 20),
    }
}
