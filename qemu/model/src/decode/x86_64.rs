//! x86-64, 64-bit mode. Encodings: Intel SDM volume 2, chapter 2 "Instruction Format" and the pages
//! of each instruction; AMD64 Architecture Programmer's Manual volume 3 for CLZERO and
//! MOVNTSS/MOVNTSD.

use kpmem_marks::X86_DISPLACEMENT;

use super::{Action, Address, Segment, mark};
use crate::event::{Barrier, FlushKind, StoreOrder};

const NON_TEMPORAL: Action = Action::Stores(StoreOrder::NON_TEMPORAL);

/// Prefixes of the legacy encoding.
#[derive(Default)]
struct Prefixes {
    lock: bool,
    operand: bool,
    repeat: bool,
    narrow: bool,
    segment: Option<Segment>,
    rex: u8,
}

impl Prefixes {
    /// Bytes of an operand that is not a byte.
    const fn width(&self) -> u8 {
        match (self.rex & 8 != 0, self.operand) {
            (true, _) => 8,
            (false, true) => 2,
            (false, false) => 4,
        }
    }
}

/// Decodes an instruction.
pub fn decode(bytes: &[u8]) -> Action {
    decode_all(bytes).unwrap_or(Action::Nothing)
}

fn decode_all(bytes: &[u8]) -> Option<Action> {
    let (prefixes, rest) = prefixes(bytes);
    let (&opcode, rest) = rest.split_first()?;
    if prefixes.lock {
        // Only read-modify-writes of memory may have the prefix.
        return Some(Action::Barrier(Barrier::LockedRmw));
    }
    Some(match opcode {
        0x0f if rest.first() == Some(&0x09) => Action::Barrier(Barrier::Wbinvd),
        0x0f => two_byte(&prefixes, rest)?,
        // MOVS and STOS.
        0xa4 | 0xaa if prefixes.repeat => Action::String(1),
        0xa5 | 0xab if prefixes.repeat => Action::String(prefixes.width()),
        // XCHG with memory locks by itself.
        0x86 | 0x87 if is_memory(*rest.first()?) => Action::Barrier(Barrier::LockedRmw),
        0xc5 => vector(1, rest.first()? & 3, *rest.get(1)?, *rest.get(2)?),
        0xc4 => vector(
            rest.first()? & 0x1f,
            rest.get(1)? & 3,
            *rest.get(2)?,
            *rest.get(3)?,
        ),
        0x62 => vector(
            rest.first()? & 7,
            rest.get(1)? & 3,
            *rest.get(3)?,
            *rest.get(4)?,
        ),
        _ => Action::Nothing,
    })
}

fn prefixes(mut bytes: &[u8]) -> (Prefixes, &[u8]) {
    let mut found = Prefixes::default();
    while let Some((&byte, rest)) = bytes.split_first() {
        match byte {
            0xf0 => found.lock = true,
            0x66 => found.operand = true,
            0xf2 | 0xf3 => found.repeat = true,
            0x67 => found.narrow = true,
            0x64 => found.segment = Some(Segment::Fs),
            0x65 => found.segment = Some(Segment::Gs),
            // The other segments' bases are 0 in 64-bit mode, and they do not undo FS and GS.
            0x26 | 0x2e | 0x36 | 0x3e => {}
            0x40..=0x4f => {
                // REX counts only right before the opcode.
                let last = rest.first().is_none_or(|next| !is_prefix(*next));
                found.rex = if last { byte } else { 0 };
            }
            _ => break,
        }
        bytes = rest;
    }
    (found, bytes)
}

const fn is_prefix(byte: u8) -> bool {
    matches!(byte, 0xf0 | 0xf2 | 0xf3 | 0x64..=0x67 | 0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f)
}

const fn is_memory(modrm: u8) -> bool {
    modrm < 0xc0
}

fn two_byte(prefixes: &Prefixes, bytes: &[u8]) -> Option<Action> {
    let (&opcode, rest) = bytes.split_first()?;
    let modrm = *rest.first()?;
    Some(match opcode {
        0x01 if modrm == 0xfc => {
            // CLZERO: the line that rAX points into, by write-combining stores.
            let at = Address {
                narrow: prefixes.narrow,
                segment: prefixes.segment,
                ..Address::register(0)
            };
            Action::Zero(at, StoreOrder::NON_TEMPORAL)
        }
        0x1f if !prefixes.operand && modrm == 0x80 => {
            let displacement = u32::from_le_bytes(rest.get(1..5)?.try_into().ok()?);
            mark(displacement.wrapping_sub(X86_DISPLACEMENT))
        }
        // MOVNTPS, MOVNTPD, MOVNTSS, MOVNTSD; MOVNTI; MOVNTQ, MOVNTDQ.
        0x2b | 0xc3 | 0xe7 if is_memory(modrm) => NON_TEMPORAL,
        // XSAVEC, XSAVES.
        0xc7 if is_memory(modrm) && matches!(modrm >> 3 & 7, 4 | 5) => Action::Several,
        // MASKMOVQ, MASKMOVDQU.
        0xf7 if !is_memory(modrm) => NON_TEMPORAL,
        // MOVDIR64B (66) and MOVDIRI (none): direct stores, as weakly ordered as write-combining.
        0x38 if modrm == 0xf8 && prefixes.operand && !prefixes.repeat => NON_TEMPORAL,
        0x38 if modrm == 0xf9 && !prefixes.operand && !prefixes.repeat => NON_TEMPORAL,
        0xae if !prefixes.repeat => group_15(prefixes, modrm, rest)?,
        _ => Action::Nothing,
    })
}

/// 0F AE: what it is depends on the prefix, on whether the operand is memory, and on ModRM.reg.
fn group_15(prefixes: &Prefixes, modrm: u8, bytes: &[u8]) -> Option<Action> {
    let reg = modrm >> 3 & 7;
    if !is_memory(modrm) {
        return Some(match reg {
            // With 66 this is TPAUSE and the late PCOMMIT.
            _ if prefixes.operand => Action::Nothing,
            5 => Action::Barrier(Barrier::Lfence),
            6 => Action::Barrier(Barrier::Mfence),
            7 => Action::Barrier(Barrier::Sfence),
            _ => Action::Nothing,
        });
    }
    let kind = match (reg, prefixes.operand) {
        (6, true) => FlushKind::Clwb,
        (7, true) => FlushKind::Clflushopt,
        (7, false) => FlushKind::Clflush,
        // FXSAVE, XSAVE, XSAVEOPT.
        (0 | 4 | 6, false) => return Some(Action::Several),
        _ => return Some(Action::Nothing),
    };
    Some(Action::Flush(kind, address(prefixes, bytes)?))
}

/// The address in ModRM, SIB and displacement, which are the end of the instruction.
fn address(prefixes: &Prefixes, bytes: &[u8]) -> Option<Address> {
    let modrm = *bytes.first()?;
    let (mode, rm) = (modrm >> 6, modrm & 7);
    let high = |bit: u8| (prefixes.rex >> bit & 1) << 3;
    let mut at = Address {
        segment: prefixes.segment,
        narrow: prefixes.narrow,
        ..Address::default()
    };
    let mut rest = &bytes[1..];
    let mut wide = mode == 2;
    if rm == 4 {
        let sib = *rest.first()?;
        rest = &rest[1..];
        // Index 4 without REX.X means none; R12 (with it) is an index like any other.
        let index = (sib >> 3 & 7) | high(1);
        at.index = (index != 4).then_some((index, sib >> 6));
        // Base 5 in mode 0 means none, with or without REX.B.
        wide |= mode == 0 && sib & 7 == 5;
        at.base = (mode != 0 || sib & 7 != 5).then_some((sib & 7) | high(0));
    } else if mode == 0 && rm == 5 {
        (wide, at.next_ip) = (true, true);
    } else {
        at.base = Some(rm | high(0));
    }
    at.displacement = if wide {
        i64::from(i32::from_le_bytes(rest.get(..4)?.try_into().ok()?))
    } else if mode == 1 {
        i64::from(*rest.first()? as i8)
    } else {
        0
    };
    Some(at)
}

/// VEX and EVEX: VMOVNTPS/PD, VMOVNTDQ, VMASKMOVDQU in map 1. Any other that names memory may store
/// more than one atomic piece.
const fn vector(map: u8, prefix: u8, opcode: u8, modrm: u8) -> Action {
    match (map, prefix, opcode) {
        (1, 0 | 1, 0x2b) | (1, 1, 0xe7) if is_memory(modrm) => NON_TEMPORAL,
        (1, 1, 0xf7) if !is_memory(modrm) => NON_TEMPORAL,
        _ if is_memory(modrm) => Action::Several,
        _ => Action::Nothing,
    }
}
