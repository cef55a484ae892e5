//! Statements made of what the disassembler tells of a table.

use super::iasl::{Disassembly, Structure};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// The statement of any table that is understood.
pub fn statement(table: &Disassembly) -> Result<Value> {
    match table.head.field("Signature")?.value.as_str() {
        "NFIT" => nfit(table),
        "CEDT" => cedt(table),
        "SRAT" => srat(table),
        "RHCT" => rhct(table),
        other => bail!("no statement is made of {other}"),
    }
}

/// Each structure of one type, in order.
fn each(
    table: &Disassembly,
    kind: u64,
    of: impl Fn(&Structure) -> Result<Value>,
) -> Result<Vec<Value>> {
    let structures = table.structures.iter();
    structures
        .filter(|structure| structure.kind().is_ok_and(|found| found == kind))
        .map(of)
        .collect()
}

/// NVDIMM Firmware Interface Table (ACPI 6.5, section 5.2.25).
fn nfit(table: &Disassembly) -> Result<Value> {
    let capabilities = each(table, 7, capabilities)?;
    let capabilities = capabilities.first().unwrap_or(&Value::Null);
    let byte = capabilities["cpu_cache_flush"] == true;
    Ok(json!({
        "ranges": each(table, 0, |structure| range(structure, byte))?,
        "mappings": each(table, 1, mapping)?,
        "interleaves": each(table, 2, interleave)?,
        "others": each(table, 3, other)?,
        "controls": each(table, 4, control)?,
        "windows": each(table, 5, block_window)?,
        "hints": each(table, 6, hint)?,
        "capabilities": capabilities,
    }))
}

/// GUIDs of ranges that a test may meet (table "Address Range Type GUID").
const KINDS: [(&str, &str); 4] = [
    ("66F0D379-B4F3-4074-AC43-0D3318B78CDB", "persistent"),
    ("7305944F-FDDA-44E3-B16C-3F22D252E5D0", "volatile"),
    ("92F701F6-13B4-405D-910B-299367E8234C", "control region"),
    ("91AF0530-5D86-470E-A6B0-0A2DB9408249", "block window"),
];

fn range(range: &Structure, byte: bool) -> Result<Value> {
    let guid = &range.field("Region Type GUID")?.value;
    let kind = KINDS.iter().find(|(known, _)| known == guid);
    let (_, kind) = kind.with_context(|| format!("an unknown kind of range: {guid}"))?;
    let known = range.flag("Proximity Domain Valid")?;
    let domain = range.number("Proximity Domain")?;
    let granularity = match byte {
        true => "byte",
        false => "cache-line",
    };
    Ok(json!({
        "index": range.number("Range Index")?,
        "kind": kind,
        "base": range.number("Address Range Base")?,
        "len": range.number("Address Range Length")?,
        "domain": known.then_some(domain),
        "attributes": range.number("Memory Map Attribute")?,
        "granularity": (*kind == "persistent").then_some(granularity),
    }))
}

/// The names that the library has for the bits of a mapping's state, and ACPICA's.
const STATES: [(&str, &str); 7] = [
    ("last save failed", "Save to device failed"),
    ("last restore failed", "Restore from device failed"),
    ("last flush failed", "Platform flush failed"),
    ("not armed", "Device not armed"),
    ("health events observed", "Health events observed"),
    ("health events enabled", "Health events enabled"),
    ("not mapped", "Mapping failed"),
];

fn mapping(mapping: &Structure) -> Result<Value> {
    let mut state = Vec::new();
    for (ours, name) in STATES {
        if mapping.flag(name)? {
            state.push(ours);
        }
    }
    Ok(json!({
        "device": mapping.number("Device Handle")?,
        "physical": mapping.number("Physical Id")?,
        "region": mapping.number("Region Id")?,
        "range": mapping.number("Range Index")?,
        "control": mapping.number("Control Region Index")?,
        "size": mapping.number("Region Size")?,
        "offset": mapping.number("Region Offset")?,
        "address": mapping.number("Address Region Base")?,
        "interleave": mapping.number("Interleave Index")?,
        "ways": mapping.number("Interleave Ways")?,
        "state": state,
    }))
}

fn interleave(interleave: &Structure) -> Result<Value> {
    Ok(json!({
        "index": interleave.number("Interleave Index")?,
        "line": interleave.number("Line Size")?,
        "lines": interleave.numbers("Line Offset"),
    }))
}

fn other(other: &Structure) -> Result<Value> {
    Ok(json!({ "kind": other.kind()?, "len": other.number("Length")? }))
}

/// ACPICA prints JEDEC's numbers like the others, with the last byte first.
fn control(control: &Structure) -> Result<Value> {
    let identifier = |name| Ok::<_, anyhow::Error>(control.number(name)?.swap_bytes() >> 48);
    Ok(json!({
        "index": control.number("Region Index")?,
        "vendor": identifier("Vendor Id")?,
        "device": identifier("Device Id")?,
        "revision": identifier("Revision Id")?,
        "serial": control.number("Serial Number")?.swap_bytes() >> 32,
        "format": control.number("Code")?,
        "windows": control.number("Window Count")?,
    }))
}

fn block_window(window: &Structure) -> Result<Value> {
    Ok(json!({
        "control": window.number("Region Index")?,
        "count": window.number("Window Count")?,
        "offset": window.number("Offset")?,
        "size": window.number("Size")?,
        "capacity": window.number("Capacity")?,
        "address": window.number("Start Address")?,
    }))
}

fn hint(hint: &Structure) -> Result<Value> {
    Ok(json!({
        "device": hint.number("Device Handle")?,
        "addresses": hint.numbers("Hint Address"),
    }))
}

/// Bits above the highest that is valid say nothing, though ACPICA prints them.
fn capabilities(capabilities: &Structure) -> Result<Value> {
    let highest = capabilities.number("Highest Capability")?;
    let bit = |number, name| anyhow::Ok(number <= highest && capabilities.flag(name)?);
    Ok(json!({
        "cpu_cache_flush": bit(0, "Cache Flush to NVDIMM")?,
        "memory_controller_flush": bit(1, "Memory Flush to NVDIMM")?,
        "mirroring": bit(2, "Memory Mirroring")?,
    }))
}

/// CXL Early Discovery Table (Compute Express Link 3.1, section 9.18.1).
fn cedt(table: &Disassembly) -> Result<Value> {
    Ok(json!({
        "bridges": each(table, 0, bridge)?,
        "windows": each(table, 1, window)?,
    }))
}

fn bridge(bridge: &Structure) -> Result<Value> {
    Ok(json!({
        "uid": bridge.number("Associated host bridge")?,
        "version": bridge.number("Specification version")?,
        "base": bridge.number("Register base")?,
        "len": bridge.number("Register length")?,
    }))
}

fn window(window: &Structure) -> Result<Value> {
    let mut targets = window.numbers("First Target");
    targets.extend(window.numbers("Next Target"));
    let granularity = window.number("Granularity")?;
    Ok(json!({
        "base": window.number("Window base address")?,
        "len": window.number("Window size")?,
        "arithmetic": window.number("Interleave Arithmetic")?,
        "granularity": 256_u64 << granularity.min(55),
        "restrictions": window.number("Restrictions")?,
        "group": window.number("QtgId")?,
        "targets": targets,
    }))
}

/// The memory in use of a System Resource Affinity Table (ACPI 6.5, section 5.2.16).
/// ACPICA prints four bytes of a domain also where the revision has one; Linux reads one.
fn srat(table: &Disassembly) -> Result<Value> {
    let domains = match table.head.number("Revision")? {
        0 | 1 => 0xff,
        _ => u64::MAX,
    };
    let mut memory = each(table, 1, |memory| {
        if !memory.flag("Enabled")? {
            return Ok(Value::Null);
        }
        Ok(json!({
            "domain": memory.number("Proximity Domain")? & domains,
            "base": memory.number("Base Address")?,
            "len": memory.number("Address Length")?,
            "hot_pluggable": memory.flag("Hot Pluggable")?,
            "non_volatile": memory.flag("Non-Volatile")?,
        }))
    })?;
    memory.retain(|memory| !memory.is_null());
    Ok(json!({ "memory": memory }))
}

/// The harts of a RISC-V Hart Capabilities Table (ACPI 6.6, section 5.2.37), each with what the
/// nodes say that it points to.
fn rhct(table: &Disassembly) -> Result<Value> {
    let harts = each(table, 0xffff, |hart| {
        let (mut isa, mut blocks) = (Value::Null, Value::Null);
        let nodes = hart.numbers("Nodes");
        ensure!(
            nodes.len() as u64 == hart.number("Number of offsets")?,
            "a hart whose nodes are not all told"
        );
        for offset in nodes {
            let at = |node: &&Structure| node.offset().is_some_and(|at| at as u64 == offset);
            let node = table.structures.iter().find(at);
            let node = node.with_context(|| format!("no node at {offset:#x}"))?;
            match node.kind()? {
                0 => isa = json!(node.field("ISA string")?.value),
                1 => blocks = self::blocks(node)?,
                _ => {}
            }
        }
        Ok(json!({
            "uid": hart.number("Processor UID")?,
            "isa": isa,
            "blocks": blocks,
        }))
    })?;
    Ok(json!({
        "time_base": table.head.number("Timer Base Frequency")?,
        "harts": harts,
    }))
}

fn blocks(node: &Structure) -> Result<Value> {
    let size = |name| anyhow::Ok(1_u64 << node.number(name)?.min(63));
    Ok(json!({
        "clean": size("CBOM Block Size")?,
        "prefetch": size("CBOP Block Size")?,
        "zero": size("CBOZ Block Size")?,
    }))
}
