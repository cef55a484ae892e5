//! The table for scripts.

use super::{granularity, kind};
use kpmem::firmware::nfit::{Capabilities, Nfit, Structure};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Lists of each kind of structure, in the table's order. Addresses and lengths are in bytes.
pub fn json(nfit: &Nfit<'_>) -> Value {
    let names = [
        "ranges",
        "mappings",
        "interleaves",
        "controls",
        "windows",
        "hints",
        "others",
    ];
    let mut lists: BTreeMap<_, Vec<Value>> = names.map(|name| (name, Vec::new())).into();
    for (name, value) in nfit
        .structures()
        .filter_map(|structure| element(nfit, structure))
    {
        lists.entry(name).or_default().push(value);
    }
    let mut all = json!(lists);
    all["capabilities"] = capabilities(nfit);
    all
}

/// `null` if the table does not say.
fn capabilities(nfit: &Nfit<'_>) -> Value {
    let mut structures = nfit.structures();
    if !structures.any(|structure| matches!(structure, Structure::Capabilities(_))) {
        return Value::Null;
    }
    let bits = nfit.capabilities();
    json!({
        "cpu_cache_flush": bits.contains(Capabilities::CPU_CACHE_FLUSH),
        "memory_controller_flush": bits.contains(Capabilities::MEMORY_CONTROLLER_FLUSH),
        "mirroring": bits.contains(Capabilities::MIRRORING),
    })
}

fn element(nfit: &Nfit<'_>, structure: Structure<'_>) -> Option<(&'static str, Value)> {
    Some(match structure {
        Structure::Range(it) => (
            "ranges",
            json!({
                "index": it.index,
                "kind": kind(it.kind),
                "base": it.region.base,
                "len": it.region.len,
                "domain": it.domain,
                "attributes": it.attributes,
                "granularity": granularity(nfit, it).map(|it| it.to_string()),
            }),
        ),
        Structure::Mapping(it) => (
            "mappings",
            json!({
                "device": it.device,
                "physical": it.physical,
                "region": it.region,
                "range": it.range,
                "control": it.control,
                "size": it.size,
                "offset": it.offset,
                "address": it.address,
                "interleave": it.interleave,
                "ways": it.ways,
                "state": it.state.to_string().split_terminator(", ").collect::<Vec<_>>(),
            }),
        ),
        Structure::Interleave(it) => (
            "interleaves",
            json!({
                "index": it.index,
                "line": it.line,
                "lines": it.lines().collect::<Vec<_>>(),
            }),
        ),
        Structure::Control(it) => (
            "controls",
            json!({
                "index": it.index,
                "vendor": it.vendor,
                "device": it.device,
                "revision": it.revision,
                "serial": it.serial,
                "format": it.format,
                "windows": it.windows.map_or(0, |windows| windows.count),
            }),
        ),
        Structure::BlockWindow(it) => (
            "windows",
            json!({
                "control": it.control,
                "count": it.count,
                "offset": it.offset,
                "size": it.size,
                "capacity": it.capacity,
                "address": it.address,
            }),
        ),
        Structure::FlushHints(it) => (
            "hints",
            json!({
                "device": it.device,
                "addresses": it.addresses().collect::<Vec<_>>(),
            }),
        ),
        Structure::Smbios(it) => ("others", json!({ "kind": 3, "len": it.data.len() + 8 })),
        Structure::Other(it) => ("others", json!({ "kind": it.kind, "len": it.bytes.len() })),
        _ => return None,
    })
}
