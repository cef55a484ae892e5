//! What must be true of the structures among each other.

use super::{Nfit, Range, RangeKind, Structure};
use crate::firmware::{Error, MOST_STRUCTURES};

/// Reads every structure, and looks up what each refers to. That time is quadratic in their number,
/// which is bounded for it.
pub(super) fn check(nfit: &Nfit<'_>) -> Result<(), Error> {
    if nfit.structures.clone().nth(MOST_STRUCTURES).is_some() {
        return Err(Error::TooMany {
            most: MOST_STRUCTURES,
        });
    }
    for structure in nfit.read() {
        let (offset, structure) = structure?;
        match structure {
            Structure::Range(range) => check_range(nfit, offset, range)?,
            Structure::Mapping(mapping) => {
                let has_range = nfit.ranges().any(|range| range.index == mapping.range);
                refers(offset, "range", mapping.range, has_range)?;
                let has_control = nfit.control(mapping.control).is_some();
                refers(offset, "control region", mapping.control, has_control)?;
                let interleaves = nfit.structures().any(|other| {
                    matches!(other, Structure::Interleave(it) if it.index == mapping.interleave)
                });
                refers(offset, "interleave", mapping.interleave, interleaves)?;
            }
            Structure::Interleave(it) => {
                let same = |other: &Structure<'_>| matches!(other, Structure::Interleave(other) if other.index == it.index);
                unique(nfit, offset, "interleave", it.index.into(), same)?;
            }
            Structure::Control(control) => {
                let same = |other: &Structure<'_>| matches!(other, Structure::Control(other) if other.index == control.index);
                unique(nfit, offset, "control region", control.index.into(), same)?;
            }
            Structure::BlockWindow(window) => {
                let has_control = nfit.control(window.control).is_some();
                refers(offset, "control region", window.control, has_control)?;
            }
            Structure::FlushHints(hints) => {
                let impossible = |address: &u64| *address == 0 || address % 8 != 0;
                if let Some(value) = hints.addresses().find(impossible) {
                    let field = "flush hint address";
                    return Err(Error::Value {
                        offset,
                        field,
                        value,
                    });
                }
                let same = |other: &Structure<'_>| matches!(other, Structure::FlushHints(other) if other.device == hints.device);
                unique(nfit, offset, "flush hints of device", hints.device, same)?;
            }
            Structure::Capabilities(_) => {
                let same = |other: &Structure<'_>| matches!(other, Structure::Capabilities(_));
                unique(nfit, offset, "capabilities structure", 0, same)?;
            }
            Structure::Smbios(_) | Structure::Other(_) => {}
        }
    }
    Ok(())
}

/// Only what is mapped has an index, and the number 0 is none: a virtual disk has it.
fn check_range(nfit: &Nfit<'_>, offset: usize, range: Range) -> Result<(), Error> {
    if range.index != 0 {
        let same = |other: &Structure<'_>| matches!(other, Structure::Range(other) if other.index == range.index);
        unique(nfit, offset, "range", range.index.into(), same)?;
    }
    if range.kind != RangeKind::Persistent {
        return Ok(());
    }
    let impossible = |field, value| {
        Err(Error::Value {
            offset,
            field,
            value,
        })
    };
    if range.index == 0 {
        return impossible("index", 0);
    }
    if range.region.last().is_none() {
        return impossible("length", range.region.len);
    }
    let before = nfit.ranges().take_while(|other| other.index != range.index);
    let mut before = before.filter(|other| other.kind == RangeKind::Persistent);
    if before.any(|other| other.region.overlaps(range.region)) {
        return Err(Error::Overlap {
            offset,
            base: range.region.base,
        });
    }
    Ok(())
}

/// An error unless what is referred to exists. The number 0 refers to nothing.
fn refers(offset: usize, what: &'static str, number: u16, exists: bool) -> Result<(), Error> {
    if number == 0 || exists {
        return Ok(());
    }
    Err(Error::Dangling {
        offset,
        what,
        number: number.into(),
    })
}

/// An error if an earlier structure is the same.
fn unique(
    nfit: &Nfit<'_>,
    offset: usize,
    what: &'static str,
    number: u32,
    same: impl Fn(&Structure<'_>) -> bool,
) -> Result<(), Error> {
    let earlier = nfit
        .read()
        .filter_map(Result::ok)
        .take_while(|(at, _)| *at < offset);
    if earlier.map(|(_, other)| other).any(|other| same(&other)) {
        return Err(Error::Duplicate {
            offset,
            what,
            number,
        });
    }
    Ok(())
}
