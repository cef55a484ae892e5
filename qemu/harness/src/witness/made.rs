//! An NFIT with what QEMU never says: interleaved devices, flush hints, devices that have failed, a
//! range of no domain. QEMU hands it to a machine that has no NVDIMM.

use crate::fixtures::{specimens, tables::seal};
use anyhow::Result;
use std::{fs, path::Path};

/// QEMU's arguments for a machine with the table, which is kept in a folder as long as it runs.
pub fn argv(folder: &Path) -> Result<Vec<String>> {
    let mut argv = specimens::argv("-machine q35 -m 256M,slots=1,maxmem=4G");
    for (name, table) in [("nfit", nfit()), ("ssdt", ssdt())] {
        let path = folder.join(name);
        fs::write(&path, table)?;
        argv.push("-acpitable".to_owned());
        argv.push(format!("file={}", path.display()));
    }
    Ok(argv)
}

/// The table (ACPI 6.5, section 5.2.25).
pub fn nfit() -> Vec<u8> {
    const MIB: u64 = 1 << 20;
    let structures = [
        range(1, Some(0), 0x1_0000_0000, 128 * MIB),
        range(2, None, 0x1_1000_0000, 32 * MIB),
        mapping([1, 2], [1, 4, 1, 2], [64 * MIB, 0, 0], 0),
        mapping([2, 3], [1, 5, 2, 2], [64 * MIB, 4096, 16 * MIB], 0b11_0001),
        mapping([3, 4], [2, 6, 0, 1], [32 * MIB, 0, 0], 0b100_1110),
        interleave(1, [0, 2]),
        interleave(2, [1, 3]),
        control(4, [0x8980, 0x1234, 0x0102], 0xdead_beef),
        control(5, [0x2c80, 0x4321, 0x0001], 0x0102_0304),
        control(6, [0xce80, 0x0a0b, 0xff00], 0x0000_0001),
        // Linux 6.1 crashes where only one of the devices that are interleaved has hints.
        hints(2, [0x1_8000_0000, 0x1_8000_1000]),
        hints(1, [0x1_9000_0040, 0x1_9000_0080]),
        // The highest bit that is valid is 0, so the second one says nothing.
        Bytes::default().u16s([7, 16, 0, 0]).u32s([3, 0]),
    ];
    let structures = structures.map(|structure| structure.0).concat();
    table("NFIT", &[&[0; 4], &structures[..]].concat())
}

/// The devices of ACPI's name space without which Linux does not look at the NFIT (ACPI 6.5,
/// sections 9.19 "NVDIMM Devices" and 20.2 "AML Grammar Definition").
fn ssdt() -> Vec<u8> {
    const DEVICE: [u8; 2] = [0x5b, 0x82];
    const SCOPE: [u8; 1] = [0x10];
    let mut root = b"NVDR\x08_HID\x0dACPI0012\0".to_vec();
    for handle in 1..=3 {
        let mut device = b"NV0?\x08_ADR\x0a?".to_vec();
        (device[3], device[10]) = (b'0' + handle, handle);
        root.extend(package(&DEVICE, &device));
    }
    let scope = [b"\\_SB_".as_slice(), &package(&DEVICE, &root)].concat();
    table("SSDT", &package(&SCOPE, &scope))
}

/// A length of two bytes, which counts itself.
fn package(operator: &[u8], content: &[u8]) -> Vec<u8> {
    let len = content.len() + 2;
    let len = [0x40 | (len & 15) as u8, (len >> 4) as u8];
    [operator, &len, content].concat()
}

fn table(signature: &str, content: &[u8]) -> Vec<u8> {
    const HEADER: usize = 36;
    let len = u32::try_from(HEADER + content.len()).unwrap_or_default();
    let mut table = [signature.as_bytes(), &len.to_le_bytes()].concat();
    table.extend(b"\x01\0KPMEM MADE    \x01\0\0\0MADE\x01\0\0\0");
    table.extend(content);
    seal(&mut table);
    table
}

/// Persistent and write-back.
fn range(index: u16, domain: Option<u32>, base: u64, len: u64) -> Bytes {
    let flags = if domain.is_some() { 2 } else { 0 };
    Bytes::default()
        .u16s([0, 56, index, flags])
        .u32s([0, domain.unwrap_or(7), 0x66f0_d379])
        .u16s([0xb4f3, 0x4074])
        .u64s([0xac43_0d33_18b7_8cdb_u64.swap_bytes(), base, len, 8])
}

/// Device and physical number; range, control region, interleave and ways; size, offset and
/// address.
fn mapping(
    [device, physical]: [u16; 2],
    [range, control, interleave, ways]: [u16; 4],
    parts: [u64; 3],
    state: u16,
) -> Bytes {
    Bytes::default()
        .u16s([1, 48, device, 0, physical, 0, range, control])
        .u64s(parts)
        .u16s([interleave, ways, state, 0])
}

/// Lines of a page.
fn interleave(index: u16, lines: [u32; 2]) -> Bytes {
    Bytes::default()
        .u16s([2, 24, index, 0])
        .u32s([2, 4096])
        .u32s(lines)
}

/// Vendor, device and revision. Without windows, the structure ends early.
fn control(index: u16, [vendor, device, revision]: [u16; 3], serial: u32) -> Bytes {
    Bytes::default()
        .u16s([4, 32, index, vendor, device, revision])
        .u16s([0; 6])
        .u32s([serial])
        .u16s([0x0301, 0])
}

fn hints(device: u16, addresses: [u64; 2]) -> Bytes {
    Bytes::default()
        .u16s([6, 32, device, 0, 2, 0, 0, 0])
        .u64s(addresses)
}

/// Bytes of a table: numbers, the last byte of each first.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16s<const N: usize>(mut self, values: [u16; N]) -> Self {
        self.0.extend(values.map(u16::to_le_bytes).as_flattened());
        self
    }

    fn u32s<const N: usize>(mut self, values: [u32; N]) -> Self {
        self.0.extend(values.map(u32::to_le_bytes).as_flattened());
        self
    }

    fn u64s<const N: usize>(mut self, values: [u64; N]) -> Self {
        self.0.extend(values.map(u64::to_le_bytes).as_flattened());
        self
    }
}
