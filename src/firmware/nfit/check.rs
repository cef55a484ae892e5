//! What must be true of the structures among each other.

use super::{FlushHints, Nfit, Range, RangeKind, Structure};
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
        unique(nfit, offset, &structure)?;
        match structure {
            Structure::Range(range) => check_range(nfit, offset, range)?,
            Structure::Mapping(mapping) => {
                refers(nfit, offset, (RANGE, mapping.range.into()))?;
                refers(nfit, offset, (CONTROL, mapping.control.into()))?;
                refers(nfit, offset, (INTERLEAVE, mapping.interleave.into()))?;
            }
            Structure::BlockWindow(window) => {
                refers(nfit, offset, (CONTROL, window.control.into()))?;
            }
            Structure::FlushHints(hints) => check_hints(offset, hints)?,
            _ => {}
        }
    }
    Ok(())
}

/// What a structure is, and its number.
type Identity = (&'static str, u32);

const RANGE: &str = "range";
const CONTROL: &str = "control region";
const INTERLEAVE: &str = "interleave";

/// By what others refer to a structure, or what there may be only one of. The range number 0 is
/// none: a virtual disk has it.
fn identity(structure: &Structure<'_>) -> Option<Identity> {
    match structure {
        Structure::Range(range) if range.index != 0 => Some((RANGE, range.index.into())),
        Structure::Interleave(it) => Some((INTERLEAVE, it.index.into())),
        Structure::Control(control) => Some((CONTROL, control.index.into())),
        Structure::FlushHints(hints) => Some(("flush hints of device", hints.device)),
        Structure::Capabilities(_) => Some(("capabilities structure", 0)),
        _ => None,
    }
}

/// A hint is the address of a word.
fn check_hints(offset: usize, hints: FlushHints<'_>) -> Result<(), Error> {
    let impossible = |address: &u64| *address == 0 || address % 8 != 0;
    match hints.addresses().find(impossible) {
        None => Ok(()),
        Some(value) => Err(Error::Value {
            offset,
            field: "flush hint address",
            value,
        }),
    }
}

fn check_range(nfit: &Nfit<'_>, offset: usize, range: Range) -> Result<(), Error> {
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
fn refers(nfit: &Nfit<'_>, offset: usize, wanted: Identity) -> Result<(), Error> {
    let (what, number) = wanted;
    let mut all = nfit.structures();
    if number == 0 || all.any(|structure| identity(&structure) == Some(wanted)) {
        return Ok(());
    }
    Err(Error::Dangling {
        offset,
        what,
        number,
    })
}

/// An error if an earlier structure is the same.
fn unique(nfit: &Nfit<'_>, offset: usize, structure: &Structure<'_>) -> Result<(), Error> {
    let Some((what, number)) = identity(structure) else {
        return Ok(());
    };
    let all = nfit.read().filter_map(Result::ok);
    let mut earlier = all.take_while(|(at, _)| *at < offset);
    if earlier.any(|(_, other)| identity(&other) == Some((what, number))) {
        return Err(Error::Duplicate {
            offset,
            what,
            number,
        });
    }
    Ok(())
}
