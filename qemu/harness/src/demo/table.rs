//! The demo's table.

use super::Tally;

/// A table that says what happened, for someone who sees it the first time.
pub fn table(tallies: &[Tally]) -> String {
    let head = [
        "",
        "power cuts",
        "acknowledged",
        "found again",
        "lost",
        "torn",
        "broken log caught",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for tally in tallies {
        rows.push([
            tally.name.clone(),
            tally.cuts.to_string(),
            tally.acknowledged.to_string(),
            tally.recovered.to_string(),
            tally.lost.to_string(),
            tally.torn.to_string(),
            if tally.control_caught { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let line = |row: &[String; 7]| {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:<w$}", w = width(column)),
            _ => format!("{cell:>w$}", w = width(column)),
        });
        cells.collect::<Vec<_>>().join("  ") + "\n"
    };
    rows.iter().map(line).collect()
}
