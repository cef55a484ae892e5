//! The NFIT: tables to read, made field by field.

mod fields;
mod refused;

use crate::build::{Bytes, new, table, wide};

/// Of QEMU's `q35,nvdimm=on,nvdimm-persistence=cpu` with 64 MiB.
pub const QEMU: &[u8] = include_bytes!("../../data/firmware/q35-cpu.nfit.bin");

/// Offset of a table's first structure.
const FIRST: usize = 40;

pub const PERSISTENT: [u8; 16] = [
    0x79, 0xd3, 0xf0, 0x66, 0xf3, 0xb4, 0x74, 0x40, 0xac, 0x43, 0x0d, 0x33, 0x18, 0xb7, 0x8c, 0xdb,
];

pub const VOLATILE: [u8; 16] = [
    0x4f, 0x94, 0x05, 0x73, 0xda, 0xfd, 0xe3, 0x44, 0xb1, 0x6c, 0x3f, 0x22, 0xd2, 0x52, 0xe5, 0xd0,
];

pub fn nfit(structures: &[Vec<u8>]) -> Vec<u8> {
    table(b"NFIT", &[vec![0; 4], structures.concat()].concat())
}

pub fn range(index: u16, flags: u16, guid: [u8; 16], base: u64, len: u64) -> Vec<u8> {
    let body = new().u16(index).u16(flags).u32(0).u32(3).bytes(&guid);
    let body = body.u64(base).u64(len).u64(0x8008);
    wide(
        0,
        if flags & 4 == 0 {
            body
        } else {
            body.u64(0xc00c1e)
        },
    )
}

pub fn mapping(device: u32, range: u16, control: u16, state: u16) -> Vec<u8> {
    let body = new().u32(device).u16(7).u16(8).u16(range).u16(control);
    let body = body.u64(0x1000).u64(0x2000).u64(0x3000);
    wide(1, body.u16(0).u16(2).u16(state).u16(0))
}

fn interleaved(device: u32, index: u16) -> Vec<u8> {
    let mut bytes = mapping(device, 1, 1, 0);
    bytes[40..42].copy_from_slice(&index.to_le_bytes());
    bytes
}

fn interleave(index: u16, lines: &[u32]) -> Vec<u8> {
    let body = new().u16(index).u16(0).u32(lines.len() as u32).u32(256);
    wide(2, lines.iter().fold(body, |body, line| body.u32(*line)))
}

fn control_body(index: u16, windows: u16) -> Bytes {
    let body = new().u16(index).bytes(&[0x80, 0x86, 0, 0x79, 0, 1]);
    let body = body.bytes(&[0x80, 0x87, 0, 0x7a, 0, 2, 1, 9, 0x26, 0x45]);
    body.u16(0)
        .bytes(&[0, 1, 0x23, 0x45])
        .u16(0x301)
        .u16(windows)
}

pub fn control(index: u16) -> Vec<u8> {
    wide(4, control_body(index, 0))
}

fn control_with_windows(index: u16) -> Vec<u8> {
    let body = control_body(index, 2)
        .u64(0x2000)
        .u64(1)
        .u64(8)
        .u64(9)
        .u64(4);
    wide(4, body.u16(1).bytes(&[0; 6]))
}

fn block_window(control: u16) -> Vec<u8> {
    let body = new().u16(control).u16(2).u64(0x100).u64(0x200);
    wide(5, body.u64(0x300).u64(0x400))
}

pub fn hints(device: u32, addresses: &[u64]) -> Vec<u8> {
    let body = new().u32(device).u16(addresses.len() as u16).bytes(&[0; 6]);
    wide(
        6,
        addresses
            .iter()
            .fold(body, |body, address| body.u64(*address)),
    )
}

pub fn capabilities(highest: u8, bits: u32) -> Vec<u8> {
    wide(7, new().u8(highest).bytes(&[0; 3]).u32(bits).u32(0))
}

/// A table that has everything.
pub fn full() -> Vec<u8> {
    nfit(&[
        range(1, 0b110, PERSISTENT, 0x1_0000_0000, 0x400_0000),
        range(2, 0, VOLATILE, 0x2_0000_0000, 0x1000),
        mapping(0x11, 1, 1, 0b1_1111),
        interleaved(0x12, 5),
        interleave(5, &[0, 2, 4]),
        wide(3, new().u32(0).bytes(b"smbios")),
        control(1),
        control_with_windows(2),
        block_window(2),
        hints(0x11, &[0xfed0_0000, 0xfed0_0040]),
        hints(0x12, &[0xfed1_0000]),
        capabilities(2, 0b111),
        wide(99, new().bytes(&[1, 2, 3])),
    ])
}
