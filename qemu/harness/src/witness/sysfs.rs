//! Statements made of what a booted Linux prints: files of sysfs by their path (`PATH:VALUE`),
//! lines of `/proc/iomem` and of its log, and the bytes of its tables (`table NFIT 4e46...`).

use crate::fixtures::qtest::unhex;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// What Linux said.
#[derive(Clone, Debug)]
pub struct Testimony {
    lines: Vec<String>,
}

const DEVICES: &str = "/sys/bus/nd/devices/";

impl Testimony {
    /// The lines that it printed.
    pub fn new(lines: Vec<String>) -> Self {
        Self { lines }
    }

    /// The bytes of a table, as the firmware left it in memory; none if there is no such table.
    pub fn table(&self, signature: &str) -> Option<Vec<u8>> {
        let prefix = format!("table {signature} ");
        unhex(self.after(&prefix).next()?)
    }

    /// What it made of the NFIT: each persistent range with the devices that it is made of.
    pub fn nfit(&self) -> Result<Value> {
        let mut ranges = Vec::new();
        for (name, size) in self.all("region", "size") {
            let file = |file: &str| self.file(&format!("{name}/{file}"));
            let mut devices = Vec::new();
            for position in 0.. {
                let Ok(mapping) = file(&format!("mapping{position}")) else {
                    break;
                };
                devices.push(self.device(mapping)?);
            }
            ranges.push(json!({
                "base": number(file("resource")?)?,
                "len": number(size)?,
                "granularity": match file("persistence_domain") {
                    Ok("cpu_cache") => "byte",
                    // Linux, too, writes lines back where the platform does not say what it does;
                    // there is no such file then.
                    Ok("memory_controller") | Err(_) => "cache-line",
                    Ok(other) => bail!("an unknown domain of persistence: {other}"),
                },
                // Nodes are numbered as their domains are found, and QEMU's have no gaps. Of no
                // domain, there is no such file.
                "domain": file("target_node").ok().map(number).transpose()?,
                "read_only": file("read_only")? == "1",
                "flush_hints": file("deep_flush")? == "1",
                "devices": devices,
            }));
        }
        Ok(json!({ "ranges": by_base(ranges), "iomem": self.iomem("Persistent Memory")? }))
    }

    /// `nmem0,OFFSET,SIZE,POSITION`: a part of a device.
    fn device(&self, mapping: &str) -> Result<Value> {
        let mut words = mapping.split(',');
        let mut next = || words.next().context("a mapping that is cut short");
        let (name, address, size) = (next()?, next()?, next()?);
        let file = |file: &str| self.file(&format!("{name}/nfit/{file}"));
        let flags = file("flags")?.split_whitespace();
        let state: Result<Vec<_>> = flags.map(state).collect();
        Ok(json!({
            "device": number(file("handle")?)?,
            "address": number(address)?,
            "size": number(size)?,
            "state": state?,
            "vendor": number(file("vendor")?)?,
            "product": number(file("device")?)?,
            "revision": number(file("rev_id")?)?,
            "serial": number(file("serial")?)?,
            "format": number(file("format")?)?,
        }))
    }

    /// What it made of the CEDT: the windows.
    pub fn cedt(&self) -> Result<Value> {
        Ok(json!({ "iomem": self.iomem("CXL Window")? }))
    }

    /// What it made of the SRAT: the memory, in order.
    pub fn srat(&self) -> Result<Value> {
        let lines = self.lines.iter();
        let memory: Result<Vec<_>> = lines
            .filter_map(|line| line.split_once("ACPI: SRAT: Node ")?.1.split_once(" PXM "))
            .map(|(_, line)| memory(line).with_context(|| format!("strange: {line}")))
            .collect();
        Ok(json!({ "memory": memory? }))
    }

    /// First and last byte of each resource of a kind, by address.
    fn iomem(&self, kind: &str) -> Result<Vec<Value>> {
        let lines = self.after("/proc/iomem:").map(str::trim);
        lines
            .filter_map(|line| line.split_once(" : "))
            .filter(|(_, name)| name.starts_with(kind))
            .map(|(range, _)| {
                let (first, last) = range.split_once('-').context("no range")?;
                Ok(json!([hex(first)?, hex(last)?]))
            })
            .collect()
    }

    /// The devices that have such a file, and what is in it.
    fn all(&self, kind: &str, file: &str) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("{DEVICES}{kind}");
        let end = format!("/{file}:");
        self.lines.iter().filter_map(move |line| {
            let (path, value) = line.split_once(&end)?;
            path.starts_with(&prefix)
                .then(|| (&path[DEVICES.len()..], value.trim()))
        })
    }

    /// What is in a file.
    fn file(&self, path: &str) -> Result<&str> {
        let found = self.after(&format!("{DEVICES}{path}:")).next();
        found
            .map(str::trim)
            .with_context(|| format!("Linux has no {path}"))
    }

    fn after(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter();
        lines.filter_map(move |line| line.strip_prefix(prefix))
    }
}

/// `0 [mem 0x100000000-0x103dfffff] non-volatile hotplug`, after `Node 0 PXM `.
fn memory(line: &str) -> Result<Value> {
    let (domain, rest) = line.split_once(" [mem ").context("no addresses")?;
    let (range, flags) = rest.split_once(']').context("no end")?;
    let (first, last) = range.split_once('-').context("no range")?;
    let (first, last) = (number(first)?, number(last)?);
    Ok(json!({
        "domain": number(domain)?,
        "base": first,
        "len": last - first + 1,
        "hot_pluggable": flags.contains("hotplug"),
        "non_volatile": flags.contains("non-volatile"),
    }))
}

/// The library's word for a flag of Linux's.
fn state(flag: &str) -> Result<&'static str> {
    Ok(match flag {
        "save_fail" => "last save failed",
        "restore_fail" => "last restore failed",
        "flush_fail" => "last flush failed",
        "not_armed" => "not armed",
        "smart_event" => "health events observed",
        "smart_notify" => "health events enabled",
        "map_fail" => "not mapped",
        other => bail!("an unknown flag: {other}"),
    })
}

fn by_base(mut ranges: Vec<Value>) -> Vec<Value> {
    ranges.sort_by_key(|range| range["base"].as_u64());
    ranges
}

/// A number as Linux prints it, decimal or hexadecimal.
fn number(text: &str) -> Result<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => hex(digits),
        None => text.parse().with_context(|| format!("no number: {text:?}")),
    }
}

fn hex(digits: &str) -> Result<u64> {
    u64::from_str_radix(digits, 16).with_context(|| format!("no number: {digits:?}"))
}

#[cfg(test)]
#[path = "sysfs_tests.rs"]
mod tests;
