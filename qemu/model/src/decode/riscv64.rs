//! RV64. Encodings: RISC-V Unprivileged ISA, "RV32I Base Integer Instruction Set" (FENCE, HINTs),
//! "A" Extension, and "CMO" Extensions for Base Cache Management Operation ISA.

use kpmem_marks::RISCV64_IMMEDIATE;

use super::{Action, Address, mark};
use crate::event::{Barrier, FenceSet, FlushKind, StoreOrder};

/// Decodes an instruction. Compressed ones hold nothing of interest.
pub fn decode(word: u32) -> Action {
    let (rd, rs1, immediate) = (word >> 7 & 31, word >> 15 & 31, word >> 20);
    match (word & 0x7f, word >> 12 & 7) {
        (0x0f, 0) => {
            let set = |at: u32| FenceSet((word >> at & 15) as u8);
            Action::Barrier(Barrier::Fence {
                pred: set(24),
                succ: set(20),
            })
        }
        (0x0f, 1) => Action::Barrier(Barrier::FenceI),
        (0x0f, 2) if rd == 0 => block(immediate, Address::register(rs1 as u8)),
        (0x13, 2) if rd == 0 && rs1 == 0 => mark(immediate.wrapping_sub(RISCV64_IMMEDIATE)),
        (0x2f, _) => atomic(word),
        _ => Action::Nothing,
    }
}

/// Cache-block operations.
fn block(operation: u32, at: Address) -> Action {
    match operation {
        0 => Action::Flush(FlushKind::Inval, at),
        1 => Action::Flush(FlushKind::CboClean, at),
        2 => Action::Flush(FlushKind::CboFlush, at),
        4 => Action::Zero(at, StoreOrder::PLAIN),
        _ => Action::Nothing,
    }
}

/// The aq bit of AMO, LR (and the load-acquire of Zalasr).
pub const fn acquires(word: u32) -> bool {
    word & 0x7f == 0x2f && word >> 26 & 1 == 1
}

/// AMO and SC.
pub const fn is_atomic(word: u32) -> bool {
    // LR, and the load-acquire and store-release of Zalasr.
    word & 0x7f == 0x2f && !matches!(word >> 27, 2 | 6 | 7)
}

/// AMO, LR, SC (and the store-release of Zalasr), which the aq and rl bits order.
fn atomic(word: u32) -> Action {
    const LOAD_RESERVED: u32 = 2;
    const LOAD_ACQUIRE: u32 = 6;
    // Earlier memory accesses, then this one, then later ones.
    let both = FenceSet(FenceSet::R.0 | FenceSet::W.0);
    let fence = Barrier::Fence {
        pred: both,
        succ: both,
    };
    let stores = !matches!(word >> 27, LOAD_RESERVED | LOAD_ACQUIRE);
    match (word >> 26 & 1 == 1, word >> 25 & 1 == 1) {
        (true, true) if stores => Action::Atomic(fence, StoreOrder::ACQUIRE),
        (true, true) => Action::Barrier(fence),
        (true, false) if stores => Action::Stores(StoreOrder::ACQUIRE),
        (false, true) if stores => Action::Stores(StoreOrder::RELEASE),
        _ => Action::Nothing,
    }
}
