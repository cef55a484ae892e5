//! From the bytes of a structure to its fields.

use super::{
    BlockWindow, Capabilities, ControlRegion, ControlWindows, FlushHints, Interleave, Made,
    Mapping, Other, Range, RangeKind, Smbios, State, Structure,
};
use crate::firmware::{Error, Region, bytes::Bytes, records::Record};

pub(super) fn structure(record: Record<'_>) -> Result<Structure<'_>, Error> {
    let bytes = record.bytes;
    Ok(match record.kind {
        0 => Structure::Range(range(bytes)?),
        1 => Structure::Mapping(mapping(bytes)?),
        2 => Structure::Interleave(interleave(bytes)?),
        3 => Structure::Smbios(Smbios {
            data: bytes.from(8)?.bytes,
        }),
        4 => Structure::Control(control(bytes)?),
        5 => Structure::BlockWindow(block_window(bytes)?),
        6 => Structure::FlushHints(flush_hints(bytes)?),
        7 => Structure::Capabilities(capabilities(bytes)?),
        kind => Structure::Other(Other {
            kind,
            bytes: bytes.bytes,
        }),
    })
}

fn range(bytes: Bytes<'_>) -> Result<Range, Error> {
    bytes.at_least(56)?;
    let flags = bytes.u16(6)?;
    let domain = bytes.u32(12)?;
    // The bit was reserved when the structure was shorter.
    let cookie = flags & 1 << 2 != 0 && bytes.len() >= 64;
    Ok(Range {
        index: bytes.u16(4)?,
        region: Region {
            base: bytes.u64(32)?,
            len: bytes.u64(40)?,
        },
        kind: kind(bytes.array(16)?),
        domain: (flags & 1 << 1 != 0).then_some(domain),
        attributes: bytes.u64(48)?,
        cookie: if cookie { Some(bytes.u64(56)?) } else { None },
    })
}

/// The GUIDs of table 5.144, in the mixed byte order of ACPI.
fn kind(guid: [u8; 16]) -> RangeKind {
    let kinds = [
        (
            0x66f0d379_b4f3_4074_ac43_0d3318b78cdb,
            RangeKind::Persistent,
        ),
        (0x7305944f_fdda_44e3_b16c_3f22d252e5d0, RangeKind::Volatile),
        (0x92f701f6_13b4_405d_910b_299367e8234c, RangeKind::Control),
        (
            0x91af0530_5d86_470e_a6b0_0a2db9408249,
            RangeKind::BlockWindow,
        ),
        (
            0x77ab535a_45fc_624b_5560_f7b281d1f96e,
            RangeKind::VolatileDisk,
        ),
        (
            0x3d5abd30_4175_87ce_6d64_d2ade523c4bb,
            RangeKind::VolatileCd,
        ),
        (
            0x5cea02c9_4d07_69d3_269f_4496fbe096f9,
            RangeKind::PersistentDisk,
        ),
        (
            0x08018188_42cd_bb48_100f_5387d53ded3d,
            RangeKind::PersistentCd,
        ),
    ];
    let [a0, a1, a2, a3, b0, b1, c0, c1, rest @ ..] = guid;
    let mut ordered = [a3, a2, a1, a0, b1, b0, c1, c0, 0, 0, 0, 0, 0, 0, 0, 0];
    ordered[8..].copy_from_slice(&rest);
    let number = u128::from_be_bytes(ordered);
    let known = kinds.iter().find(|(known, _)| *known == number);
    known.map_or(RangeKind::Other(guid), |(_, kind)| *kind)
}

fn mapping(bytes: Bytes<'_>) -> Result<Mapping, Error> {
    bytes.at_least(48)?;
    Ok(Mapping {
        device: bytes.u32(4)?,
        physical: bytes.u16(8)?,
        region: bytes.u16(10)?,
        range: bytes.u16(12)?,
        control: bytes.u16(14)?,
        size: bytes.u64(16)?,
        offset: bytes.u64(24)?,
        address: bytes.u64(32)?,
        interleave: bytes.u16(40)?,
        ways: bytes.u16(42)?,
        state: State::from_bits_retain(bytes.u16(44)?),
    })
}

fn interleave(bytes: Bytes<'_>) -> Result<Interleave<'_>, Error> {
    bytes.at_least(16)?;
    let lines = bytes.u32(8)? as usize;
    Ok(Interleave {
        index: bytes.u16(4)?,
        line: bytes.u32(12)?,
        lines: bytes.part(16, lines.saturating_mul(4))?.bytes,
    })
}

/// A control region ends before the windows' registers if it has no windows. What is JEDEC's is as
/// in the SPD: the first byte first.
fn control(bytes: Bytes<'_>) -> Result<ControlRegion, Error> {
    bytes.at_least(32)?;
    let count = bytes.u16(30)?;
    let [location, year, week] = bytes.array(19)?;
    let made = Made {
        location,
        year,
        week,
    };
    let identifier = |at| bytes.array(at).map(u16::from_be_bytes);
    Ok(ControlRegion {
        index: bytes.u16(4)?,
        vendor: identifier(6)?,
        device: identifier(8)?,
        revision: identifier(10)?,
        subsystem: [identifier(12)?, identifier(14)?, identifier(16)?],
        made: (bytes.u8(18)? & 1 != 0).then_some(made),
        serial: bytes.array(24).map(u32::from_be_bytes)?,
        format: bytes.u16(28)?,
        windows: if count == 0 {
            None
        } else {
            Some(control_windows(bytes, count)?)
        },
    })
}

fn control_windows(bytes: Bytes<'_>, count: u16) -> Result<ControlWindows, Error> {
    bytes.at_least(80)?;
    Ok(ControlWindows {
        count,
        size: bytes.u64(32)?,
        command: [bytes.u64(40)?, bytes.u64(48)?],
        status: [bytes.u64(56)?, bytes.u64(64)?],
        buffered: bytes.u16(72)? & 1 != 0,
    })
}

fn block_window(bytes: Bytes<'_>) -> Result<BlockWindow, Error> {
    bytes.at_least(40)?;
    Ok(BlockWindow {
        control: bytes.u16(4)?,
        count: bytes.u16(6)?,
        offset: bytes.u64(8)?,
        size: bytes.u64(16)?,
        capacity: bytes.u64(24)?,
        address: bytes.u64(32)?,
    })
}

fn flush_hints(bytes: Bytes<'_>) -> Result<FlushHints<'_>, Error> {
    bytes.at_least(16)?;
    let count = usize::from(bytes.u16(8)?);
    Ok(FlushHints {
        device: bytes.u32(4)?,
        list: bytes.part(16, 8 * count)?.bytes,
    })
}

/// Bits above the highest that the structure says is valid mean nothing.
fn capabilities(bytes: Bytes<'_>) -> Result<Capabilities, Error> {
    bytes.at_least(16)?;
    let highest = bytes.u8(4)?;
    let valid = u32::MAX >> 31_u32.saturating_sub(highest.into());
    Ok(Capabilities::from_bits_retain(bytes.u32(8)? & valid))
}
