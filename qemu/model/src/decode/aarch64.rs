//! AArch64. Encodings: Arm Architecture Reference Manual for A-profile, C4.1 "A64 instruction set
//! encoding" and C5.3 "A64 System instructions for cache maintenance".

use kpmem_marks::AARCH64_HINT;

use super::{Action, Address, mark};
use crate::event::{Access, Barrier, Domain, FlushKind, StoreOrder};

/// Decodes an instruction.
pub fn decode(word: u32) -> Action {
    if word & 0xfff8_0000 == 0xd508_0000 {
        return system(word);
    }
    if word & 0xffff_f01f == 0xd503_201f {
        return mark((word >> 5 & 0x7f).wrapping_sub(AARCH64_HINT));
    }
    if word & 0xffff_f01f == 0xd503_301f {
        return barrier(word >> 8 & 15, word >> 5 & 7);
    }
    // [A]; amo; [L]; po (B2, Barrier-ordered-before): only what both acquires and releases comes
    // before what is stored after it.
    match (is_release(word), is_exchange(word) && acquires(word)) {
        (true, true) => Action::Stores(StoreOrder::RELEASE.and(StoreOrder::ACQUIRE)),
        (true, false) => Action::Stores(StoreOrder::RELEASE),
        (false, _) => Action::Nothing,
    }
}

/// An instruction that loads and stores: an atomic memory operation, or a compare and swap.
const fn is_exchange(word: u32) -> bool {
    let swap = word & 0x3fa0_0000 == 0x08a0_0000 || word & 0xbfa0_0000 == 0x0820_0000;
    swap || word & 0x3f20_0c00 == 0x3820_0000
}

/// The same, or a store-exclusive (STXR, STXP and their kin).
pub const fn is_atomic(word: u32) -> bool {
    is_exchange(word) || word & 0x3fc0_0000 == 0x0800_0000
}

/// Load-acquire in all its forms.
pub const fn acquires(word: u32) -> bool {
    if word & 0x3f00_0000 == 0x0800_0000 {
        let load = word >> 22 & 1 == 1;
        // LDLAR, not o0, orders within one LORegion only.
        return load && (is_exchange(word) || word >> 15 & 1 == 1);
    }
    // Atomic memory operations and LDAPR: bit 23 (A), but not where the result is thrown away.
    if word & 0x3f20_0c00 == 0x3820_0000 {
        return word >> 23 & 1 == 1 && word & 31 != 31;
    }
    // LDAPUR.
    word & 0x3f20_0c00 == 0x1900_0000 && word >> 22 & 3 != 0
}

/// SYS op1, CRn, CRm, op2, Xt with CRn = 7: cache maintenance.
fn system(word: u32) -> Action {
    let at = Address::register((word & 31) as u8);
    match (
        word >> 16 & 7,
        word >> 12 & 15,
        word >> 8 & 15,
        word >> 5 & 7,
    ) {
        (3, 7, 4, 1 | 4) => Action::Zero(at, StoreOrder::PLAIN), // ZVA, GZVA
        (3, 7, 10, 1 | 5) => Action::Flush(FlushKind::Cvac, at), // CVAC, CGDVAC
        (3, 7, 12, 1 | 5) => Action::Flush(FlushKind::Cvap, at), // CVAP, CGDVAP
        (3, 7, 13, 1 | 5) => Action::Flush(FlushKind::Cvadp, at), // CVADP, CGDVADP
        (3, 7, 14, 1 | 5) => Action::Flush(FlushKind::Civac, at), // CIVAC, CIGDVAC
        (0, 7, 6, 1 | 5) => Action::Flush(FlushKind::Inval, at), // IVAC, IGDVAC
        // Tags alone, the point of unification, and set/way operations (which reach no point of
        // coherency by themselves) make no data durable.
        _ => Action::Nothing,
    }
}

fn barrier(crm: u32, op2: u32) -> Action {
    let domain = match crm >> 2 {
        0 => Domain::Outer,
        1 => Domain::NonShareable,
        2 => Domain::Inner,
        _ => Domain::FullSystem,
    };
    let access = match crm & 3 {
        1 => Access::Loads,
        2 => Access::Stores,
        _ => Access::All,
    };
    Action::Barrier(match (op2, crm) {
        // SSBB and PSSBB order speculation, not completion.
        (4, 0 | 4) => return Action::Nothing,
        // The other reserved types operate as SY: "Data Synchronization Barrier", CRm.
        (4 | 5, 0 | 4 | 8 | 12) => match op2 {
            4 => Barrier::Dsb(Domain::FullSystem, Access::All),
            _ => Barrier::Dmb(Domain::FullSystem, Access::All),
        },
        (4, _) => Barrier::Dsb(domain, access),
        (5, _) => Barrier::Dmb(domain, access),
        // DSB nXS waits for loads and stores; the domain is where the others have it.
        (1, 2 | 6 | 10 | 14) => Barrier::Dsb(domain, Access::All),
        (6, _) => Barrier::Isb,
        _ => return Action::Nothing,
    })
}

/// Store-release in all its forms.
const fn is_release(word: u32) -> bool {
    // Load/store exclusive, ordered, compare and swap: bit 15 (o0) says release.
    if word & 0x3f00_0000 == 0x0800_0000 {
        let load = word >> 22 & 1 == 1;
        // CAS and (in 32- and 64-bit pairs) CASP use the load bit for acquire.
        // STLLR, o2 and not o0, orders within one LORegion only.
        return (is_exchange(word) || !load) && word >> 15 & 1 == 1;
    }
    // Atomic memory operations: bit 22 (R). LDAPR, which is a load, has it clear.
    if word & 0x3f20_0c00 == 0x3820_0000 {
        return word >> 22 & 1 == 1;
    }
    // STLUR.
    word & 0x3fe0_0c00 == 0x1900_0000
}
