//! From an instruction's bytes to what the model has to know of it.
//!
//! Emulators run `clwb` or `dc cvap` without touching memory and so report no access; the bytes are
//! all there is. Decoding happens once, when code is translated. What happens when the instruction
//! runs is an [`Action`]; addresses are recipes that are worked out from the registers then.

pub mod aarch64;
pub mod riscv64;
pub mod x86_64;

use kpmem_marks::Op;

use crate::event::{Barrier, FlushKind, StoreOrder};
use crate::profile::Isa;

/// What to report when the instruction executes. Plain loads and stores are [`Action::Nothing`]:
/// their accesses report themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing special.
    Nothing,
    /// A flush of the line at this address.
    Flush(FlushKind, Address),
    /// A barrier. If the instruction stores as well, the store comes after it.
    Barrier(Barrier),
    /// Its stores, which report themselves, have this order.
    Stores(StoreOrder),
    /// The stores of one execution, which report themselves, have no order among them.
    Several,
    /// The same, of a string instruction that can be interrupted and goes on where it was: it
    /// counts RCX down and moves RDI by this many bytes.
    String(u8),
    /// A barrier, then a store with this order.
    Atomic(Barrier, StoreOrder),
    /// It zeroes the aligned block at this address, as stores of this order. The block's size is
    /// the CPU's. Not every emulator reports these stores: QEMU does for `cbo.zero`, not for
    /// `dc zva`.
    Zero(Address, StoreOrder),
    /// A mark.
    Mark(Op),
}

/// How to work out an address. Registers are numbered as the instruction set numbers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// A register.
    pub base: Option<u8>,
    /// A register and how far to shift it left.
    pub index: Option<(u8, u8)>,
    /// A constant.
    pub displacement: i64,
    /// x86: add the address of the next instruction.
    pub next_ip: bool,
    /// x86: add this segment's base, after the rest.
    pub segment: Option<Segment>,
    /// x86: the rest is cut to 32 bits.
    pub narrow: bool,
}

/// x86 segments that have a base in 64-bit mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// FS.
    Fs,
    /// GS.
    Gs,
}

impl Address {
    /// The address that is in a register.
    pub const fn register(number: u8) -> Self {
        Self {
            base: Some(number),
            index: None,
            displacement: 0,
            next_ip: false,
            segment: None,
            narrow: false,
        }
    }

    /// The address, given the registers, the next instruction's address and the segments' bases.
    pub fn resolve(
        &self,
        mut register: impl FnMut(u8) -> u64,
        next_ip: u64,
        segment: impl FnOnce(Segment) -> u64,
    ) -> u64 {
        let base = self.base.map_or(0, &mut register);
        let index = self
            .index
            .map_or(0, |(number, shift)| register(number) << shift);
        let next = if self.next_ip { next_ip } else { 0 };
        let offset = self.displacement as u64;
        let sum = base
            .wrapping_add(index)
            .wrapping_add(offset)
            .wrapping_add(next);
        let cut = if self.narrow {
            u64::from(sum as u32)
        } else {
            sum
        };
        cut.wrapping_add(self.segment.map_or(0, segment))
    }
}

/// Decodes one instruction. Bytes after its end do no harm; a cut or unknown one does
/// [`Action::Nothing`].
pub fn decode(isa: Isa, bytes: &[u8]) -> Action {
    match isa {
        Isa::X86_64 => x86_64::decode(bytes),
        Isa::Aarch64 => word(bytes).map_or(Action::Nothing, aarch64::decode),
        Isa::Riscv64 => word(bytes).map_or(Action::Nothing, riscv64::decode),
    }
}

/// True if what an instruction loads comes before all that its CPU does after it (load-acquire).
/// Cut or unknown instructions do not.
pub fn acquires(isa: Isa, bytes: &[u8]) -> bool {
    match isa {
        // x86-TSO: loads are not reordered with later loads, stores and flushes.
        Isa::X86_64 => true,
        Isa::Aarch64 => word(bytes).is_some_and(aarch64::acquires),
        Isa::Riscv64 => word(bytes).is_some_and(riscv64::acquires),
    }
}

/// True if an instruction loads and stores as one, or stores if nobody else has since it was loaded
/// (store-exclusive, SC): no other CPU comes between.
pub fn is_atomic(isa: Isa, bytes: &[u8]) -> bool {
    match isa {
        Isa::X86_64 => x86_64::decode(bytes) == Action::Barrier(Barrier::LockedRmw),
        Isa::Aarch64 => word(bytes).is_some_and(aarch64::is_atomic),
        Isa::Riscv64 => word(bytes).is_some_and(riscv64::is_atomic),
    }
}

fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?))
}

/// The mark of this number.
fn mark(number: u32) -> Action {
    let op = Op::ALL.get(number as usize);
    op.map_or(Action::Nothing, |op| Action::Mark(*op))
}
