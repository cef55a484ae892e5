//! Statements of the library's, of the same table as a witness's.

use crate::nfit;
use anyhow::{Context, Result, bail};
use kpmem::{
    Device, Platform,
    firmware::{
        Region,
        cedt::{Cedt, Structure},
        nfit::{Nfit, State},
        rhct::Rhct,
        srat::{Flags, Srat},
    },
};
use serde_json::{Value, json};

/// What the library says of each structure of any table that it knows.
pub fn statement(table: &[u8]) -> Result<Value> {
    Ok(match table.first_chunk().context("no table")? {
        b"NFIT" => nfit::json(&Nfit::parse(table)?),
        b"CEDT" => cedt(&Cedt::parse(table)?),
        b"SRAT" => srat(&Srat::parse(table)?),
        b"RHCT" => rhct(&Rhct::parse(table)?),
        other => bail!("the library does not know {other:?}"),
    })
}

fn cedt(cedt: &Cedt<'_>) -> Value {
    let bridges = cedt.structures().filter_map(|structure| match structure {
        Structure::HostBridge(bridge) => Some(json!({
            "uid": bridge.uid,
            "version": bridge.version,
            "base": bridge.registers.base,
            "len": bridge.registers.len,
        })),
        _ => None,
    });
    let windows = cedt.windows().map(|window| {
        json!({
            "base": window.region.base,
            "len": window.region.len,
            "arithmetic": window.arithmetic,
            "granularity": window.granularity,
            "restrictions": window.restrictions.bits(),
            "group": window.group,
            "targets": window.targets().collect::<Vec<_>>(),
        })
    });
    json!({
        "bridges": bridges.collect::<Vec<_>>(),
        "windows": windows.collect::<Vec<_>>(),
    })
}

fn srat(srat: &Srat<'_>) -> Value {
    let memory = srat.memory().map(|memory| {
        json!({
            "domain": memory.domain,
            "base": memory.region.base,
            "len": memory.region.len,
            "hot_pluggable": memory.flags.contains(Flags::HOT_PLUGGABLE),
            "non_volatile": memory.flags.contains(Flags::NON_VOLATILE),
        })
    });
    json!({ "memory": memory.collect::<Vec<_>>() })
}

fn rhct(rhct: &Rhct<'_>) -> Value {
    let harts = rhct.harts().map(|hart| {
        json!({
            "uid": hart.uid,
            "isa": hart.isa.map(String::from_utf8_lossy),
            "blocks": hart.blocks.map(|blocks| json!({
                "clean": blocks.clean,
                "prefetch": blocks.prefetch,
                "zero": blocks.zero,
            })),
        })
    });
    json!({
        "time_base": rhct.time_base(),
        "harts": harts.collect::<Vec<_>>(),
    })
}

/// What a kernel is told of an NFIT and, if there is one, the SRAT: persistent ranges, what maps
/// over them would be, and their devices.
pub fn platform(nfit: &[u8], srat: Option<&[u8]>) -> Result<Value> {
    let mut platform = Platform::new().with_nfit(Nfit::parse(nfit)?);
    if let Some(srat) = srat {
        platform = platform.with_srat(Srat::parse(srat)?);
    }
    let mut ranges: Vec<_> = platform.ranges().collect();
    ranges.sort_by_key(|range| range.region().base);
    let statements = ranges.iter().map(|range| {
        let devices = range.devices().map(device).collect::<Result<Vec<_>>>()?;
        Ok(json!({
            "base": range.region().base,
            "len": range.region().len,
            "granularity": range.granularity().to_string(),
            "domain": range.domain(),
            "flush_hints": range.flush_hints().is_ok(),
            "read_only": range.state().contains(State::NOT_ARMED),
            "devices": devices,
        }))
    });
    Ok(json!({
        "ranges": statements.collect::<Result<Vec<_>>>()?,
        "iomem": resources(ranges.iter().map(|range| range.region()))?,
    }))
}

fn device(device: Device<'_>) -> Result<Value> {
    let control = device
        .control
        .context("a device without a control region")?;
    Ok(json!({
        "device": device.mapping.device,
        "address": device.mapping.address,
        "size": device.mapping.size,
        "state": device.mapping.state.to_string().split_terminator(", ").collect::<Vec<_>>(),
        "vendor": control.vendor,
        "product": control.device,
        "revision": control.revision,
        "serial": control.serial,
        "format": control.format,
    }))
}

/// The windows of a CEDT, as resources.
pub fn windows(table: &[u8]) -> Result<Value> {
    let cedt = Cedt::parse(table)?;
    Ok(json!({ "iomem": resources(cedt.windows().map(|window| window.region))? }))
}

/// First and last byte of each region, by address.
fn resources(regions: impl Iterator<Item = Region>) -> Result<Vec<[u64; 2]>> {
    let bounds = |region: Region| {
        let last = region.last().context("a region that wraps")?;
        anyhow::Ok([region.base, last])
    };
    let mut bounds = regions.map(bounds).collect::<Result<Vec<_>>>()?;
    bounds.sort_unstable();
    Ok(bounds)
}
