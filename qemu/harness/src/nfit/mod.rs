//! An NFIT as people and scripts read it.

mod json;
mod text;

pub use json::json;
pub use text::text;

use kpmem::{
    Granularity, Platform,
    firmware::nfit::{Nfit, Range, RangeKind},
};

/// What the map of a range would be; `None` if it is not persistent.
fn granularity(nfit: &Nfit<'_>, range: Range) -> Option<Granularity> {
    if range.kind != RangeKind::Persistent {
        return None;
    }
    let platform = Platform::new().with_nfit(nfit.clone());
    platform
        .range(range.region)
        .map(|range| range.granularity())
}

fn kind(kind: RangeKind) -> String {
    let name = match kind {
        RangeKind::Persistent => "persistent",
        RangeKind::Volatile => "volatile",
        RangeKind::Control => "control region",
        RangeKind::BlockWindow => "block window",
        RangeKind::VolatileDisk => "volatile disk",
        RangeKind::VolatileCd => "volatile CD",
        RangeKind::PersistentDisk => "persistent disk",
        RangeKind::PersistentCd => "persistent CD",
        other => return format!("{other:?}"),
    };
    name.to_owned()
}
