//! The table for people: a line for each structure.

use super::{granularity, kind};
use kpmem::firmware::nfit::{Capabilities, ControlRegion, Mapping, Nfit, Range, Structure};

/// The lines of a table.
pub fn text(nfit: &Nfit<'_>) -> Vec<String> {
    let mut lines: Vec<_> = nfit
        .structures()
        .map(|structure| line(nfit, structure))
        .collect();
    if !nfit
        .structures()
        .any(|structure| matches!(structure, Structure::Capabilities(_)))
    {
        lines.push("capabilities: the table does not say".to_owned());
    }
    lines
}

fn line(nfit: &Nfit<'_>, structure: Structure<'_>) -> String {
    match structure {
        Structure::Range(it) => range(nfit, it),
        Structure::Mapping(it) => mapping(it),
        Structure::Interleave(it) => {
            let (index, lines, line) = (it.index, it.lines().count(), it.line);
            format!("interleave {index}: {lines} lines of {line} bytes")
        }
        Structure::Control(it) => control(it),
        Structure::BlockWindow(it) => format!(
            "block windows of control region {}: {} of {:#x} bytes, capacity {:#x}",
            it.control, it.count, it.size, it.capacity
        ),
        Structure::FlushHints(it) => {
            let addresses: Vec<_> = it.addresses().map(|at| format!("{at:#x}")).collect();
            format!(
                "flush hints of device {:#x}: {}",
                it.device,
                addresses.join(" ")
            )
        }
        Structure::Capabilities(bits) => {
            let is = |flag| if bits.contains(flag) { "" } else { "not " };
            let mirrored = if bits.contains(Capabilities::MIRRORING) {
                ", mirroring"
            } else {
                ""
            };
            format!(
                "capabilities: CPU caches are {}flushed on power loss, the memory controller is \
                 {}flushed{mirrored}",
                is(Capabilities::CPU_CACHE_FLUSH),
                is(Capabilities::MEMORY_CONTROLLER_FLUSH),
            )
        }
        Structure::Smbios(it) => format!("SMBIOS: {} bytes", it.data.len()),
        Structure::Other(it) => format!("type {}: {} bytes", it.kind, it.bytes.len()),
        other => format!("{other:?}"),
    }
}

fn range(nfit: &Nfit<'_>, it: Range) -> String {
    let domain = it.domain.map(|it| format!(", proximity domain {it}"));
    let granularity = granularity(nfit, it).map(|it| format!(": {it} granularity"));
    format!(
        "range {}: {}, {}, attributes {:#x}{}{}",
        it.index,
        kind(it.kind),
        it.region,
        it.attributes,
        domain.unwrap_or_default(),
        granularity.unwrap_or_default(),
    )
}

fn mapping(it: Mapping) -> String {
    let state = if it.state.is_empty() {
        "sound".to_owned()
    } else {
        it.state.to_string()
    };
    format!(
        "device {:#x}: {:#x} bytes at {:#x}, in range {} at {:#x}, control region {}, {state}",
        it.device, it.size, it.address, it.range, it.offset, it.control
    )
}

fn control(it: ControlRegion) -> String {
    let windows = it.windows.map_or(0, |windows| windows.count);
    format!(
        "control region {}: vendor {:#06x}, device {:#06x}, revision {}, serial {:#010x}, format \
         {:#06x}, {windows} block windows",
        it.index, it.vendor, it.device, it.revision, it.serial, it.format
    )
}
