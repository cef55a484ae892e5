//! eADR, and the strictest reading of atomicity.

use super::Case;
use crate::profile::{Isa, Profile};

const fn case(
    profile: Profile,
    program: &'static str,
    vars: &'static str,
    states: &'static str,
    durable: &'static str,
    source: &'static str,
) -> Case {
    Case {
        profile,
        program,
        vars,
        states,
        durable,
        source,
    }
}

const TSO: &str = "x86-TSO store buffers (Sewell et al., CACM 2010); eADR: durable when globally visible (Intel, eADR)";
const WC: &str = "SDM vol. 1, Caching of Temporal vs. Non-Temporal Data: not in the cache";
const ARM: &str = "Arm ARM B2, barrier-ordered-before; DSB completes the accesses of its types";
const RVWMO: &str = "RISC-V Unprivileged ISA, RVWMO and FENCE";
const WORD: &str = "SDM vol. 3, Guaranteed Atomic Operations: aligned quadword, the least of all platforms' promises";

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    // eADR on x86: a store buffer for each CPU, first in first out; write-combining buffers beside
    // it.
    case(Profile::eadr(Isa::X86_64), "a0=1; b0=1", "a0 b0", "00 10 11", "-", TSO),
    case(Profile::eadr(Isa::X86_64), "b0=1; a0=1; b1=1", "b0 a0 b1", "000 100 110 111", "-", TSO),
    case(Profile::eadr(Isa::X86_64), "a0=1; sfence; b0=1", "a0 b0", "00 10 11", "a0", TSO),
    case(Profile::eadr(Isa::X86_64), "a0=1; clwb a; b0=1", "a0 b0", "00 10 11", "-", TSO),
    case(Profile::eadr(Isa::X86_64), "a0=1; lfence; b0=1", "a0 b0", "00 10 11", "-", TSO),
    case(Profile::eadr(Isa::X86_64), "P0 a0=1; P1 b0=1", "a0 b0", "00 01 10 11", "-", TSO),
    case(Profile::eadr(Isa::X86_64), "P0 a0=1; P1 sfence; P1 b0=1", "a0 b0", "00 01 10 11", "-", TSO),
    case(Profile::eadr(Isa::X86_64), "nt a0=1; b0=1", "a0 b0", "00 01 10 11", "-", WC),
    case(Profile::eadr(Isa::X86_64), "nt a0=1; sfence; b0=1", "a0 b0", "00 10 11", "a0", WC),
    // eADR on Arm: barriers order, a DSB for stores completes.
    case(Profile::eadr(Isa::Aarch64), "a0=1; b0=1", "a0 b0", "00 01 10 11", "-", ARM),
    case(Profile::eadr(Isa::Aarch64), "a0=1; dmb ishst; b0=1", "a0 b0", "00 10 11", "-", ARM),
    case(Profile::eadr(Isa::Aarch64), "a0=1; dmb ishld; b0=1", "a0 b0", "00 01 10 11", "-", ARM),
    case(Profile::eadr(Isa::Aarch64), "a0=1; dsb st; b0=1", "a0 b0", "00 10 11", "a0", ARM),
    case(Profile::eadr(Isa::Aarch64), "a0=1; rel b0=1", "a0 b0", "00 10 11", "-", ARM),
    // eADR on RISC-V: fences order; a device write is behind one with O.
    case(Profile::eadr(Isa::Riscv64), "a0=1; b0=1", "a0 b0", "00 01 10 11", "-", RVWMO),
    case(Profile::eadr(Isa::Riscv64), "a0=1; fence w,w; b0=1", "a0 b0", "00 10 11", "-", RVWMO),
    case(Profile::eadr(Isa::Riscv64), "a0=1; fence w,ow; b0=1", "a0 b0", "00 10 11", "a0", RVWMO),
    // Only aligned 8-byte words are atomic, and only barriers order them.
    case(Profile::torn8(Isa::X86_64), "a0:1=1", "a0 a1", "00 01 10 11", "-", WORD),
    case(Profile::torn8(Isa::X86_64), "a0~=1", "a0.h a1.l", "00 01 10 11", "-", WORD),
    case(Profile::torn8(Isa::X86_64), "a0=1; a1=1", "a0 a1", "00 01 10 11", "-", WORD),
    case(Profile::torn8(Isa::X86_64), "a0=1; a0=2", "a0", "0 1 2", "-", WORD),
    case(Profile::torn8(Isa::X86_64), "a0=1; sfence; a1=1", "a0 a1", "00 10 11", "-", WORD),
    case(Profile::torn8(Isa::X86_64), "a0=1; lfence; a1=1", "a0 a1", "00 01 10 11", "-", WORD),
    case(Profile::torn8(Isa::X86_64), "a0:1=1; sfence; a2=1", "a0 a1 a2", "000 100 010 110 111", "-", WORD),
    case(Profile::torn8(Isa::X86_64), "a0:1=1; clwb a; sfence; b0=1", "a0 a1 b0", "000 100 010 110 111", "a0 a1", WORD),
    case(Profile::torn8(Isa::X86_64), "a0=1; clwb a; sfence; b0=1", "a0 b0", "00 10 11", "a0", WORD),
];
