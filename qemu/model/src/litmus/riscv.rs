//! RISC-V with Zicbom.

use super::Case;
use crate::profile::{Ack, Profile};

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

const IN_MEMORY: Profile = Profile {
    ack: Ack::Memory,
    ..Profile::RISCV
};

const RVWMO: &str = "RISC-V Unprivileged ISA, RVWMO, preserved program order: fences, annotations, overlapping stores";
const FENCE_I: &str = "RISC-V CMO, Memory Ordering: not ordered by FENCE.I";
const CMO: &str = "RISC-V CMO, Memory Ordering: clean and flush are stores in PPO, classified as W in FENCE's sets";
const ACK: &str = "RISC-V CMO, Memory Ordering, and FENCE: device output is class O";
const COHERENT: &str = "RISC-V CMO, Coherent Agents and Caches: applies to all copies of the block";
const SEEN: &str =
    "RISC-V CMO, Memory Ordering: a clean is ordered with another hart's store only by RVWMO";
const SILENT: &str = "nothing changes where the same bytes are stored";
const ATOM: &str = "RISC-V Unprivileged ISA, RVWMO, memory model primitives: up to XLEN, aligned";

const INVAL: &str = "RISC-V CMO, Invalidate: copies are deallocated without a write-back; PPO with stores to the block";

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    // Within a block only fences, release, acquire and coherence order stores.
    case(Profile::RISCV, "a0=1; a1=1", "a0 a1", "00 01 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; b0=1", "a0 b0", "00 01 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; a0=2", "a0", "0 1 2", "-", RVWMO),
    case(Profile::RISCV, "a0=1; fence w,w; a1=1", "a0 a1", "00 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; fence rw,rw; a1=1", "a0 a1", "00 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; fence r,r; a1=1", "a0 a1", "00 01 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; fence w,r; a1=1", "a0 a1", "00 01 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; fence r,w; a1=1", "a0 a1", "00 01 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; fence.i; a1=1", "a0 a1", "00 01 10 11", "-", FENCE_I),
    case(Profile::RISCV, "a0=1; rel a1=1", "a0 a1", "00 10 11", "-", RVWMO),
    case(Profile::RISCV, "rel a0=1; a1=1", "a0 a1", "00 01 10 11", "-", RVWMO),
    case(Profile::RISCV, "acq a0=1; a1=1", "a0 a1", "00 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; acq a1=1", "a0 a1", "00 01 10 11", "-", RVWMO),
    case(Profile::RISCV, "a0=1; fence w,w; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0:1=1", "a0 a1", "00 01 10 11", "-", ATOM),
    // A clean is a store (W) to FENCE; what follows must be in the successor set.
    case(Profile::RISCV, "a0=1; clean a; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence iorw,iorw; b0=1", "a0 b0", "00 10 11", "a0", CMO),
    case(Profile::RISCV, "a0=1; flush a; fence iorw,iorw; b0=1", "a0 b0", "00 10 11", "a0", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence ow,ow; b0=1", "a0 b0", "00 10 11", "a0", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence rw,rw; b0=1", "a0 b0", "00 10 11", "-", ACK),
    case(Profile::RISCV, "a0=1; clean a; fence w,w; b0=1", "a0 b0", "00 10 11", "-", ACK),
    case(Profile::RISCV, "a0=1; clean a; fence w,w; b0=1; fence iorw,iorw", "a0 b0", "00 10 11", "a0", ACK),
    case(Profile::RISCV, "a0=1; clean a; fence w,o; b0=1", "a0 b0", "00 01 10 11", "a0", ACK),
    case(Profile::RISCV, "a0=1; clean a; fence w,o; fence w,w; b0=1", "a0 b0", "00 10 11", "a0", ACK),
    case(Profile::RISCV, "a0=1; clean a; fence r,r; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence o,o; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence r,rw; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence w,r; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence w,0; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean a; fence.i; b0=1", "a0 b0", "00 01 10 11", "-", FENCE_I),
    case(Profile::RISCV, "a0=1; inval a; fence iorw,iorw; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; inval a; flush a; fence iorw,iorw; b0=1", "a0 b0", "00 01 10 11", "-", INVAL),
    case(Profile::RISCV, "a0=1; flush a; inval a; fence iorw,iorw; b0=1", "a0 b0", "00 10 11", "a0", INVAL),
    case(Profile::RISCV, "a0=1; clean a; a1=1; inval a; clean a; fence iorw,iorw; b0=1", "a0 a1 b0", "000 100 010 110 101 111", "a0", INVAL),
    case(Profile::RISCV, "a0=1; inval a; fence w,w; a1=1; clean a; fence iorw,iorw", "a0 a1", "00 01 10 11", "a1", INVAL),
    case(Profile::RISCV, "clean a; a0=1; fence iorw,iorw; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; fence iorw,iorw; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean b; fence iorw,iorw; b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    case(Profile::RISCV, "a0=1; clean a; a1=1; fence iorw,iorw; b0=1", "a0 a1 b0", "000 100 010 110 101 111", "a0", CMO),
    case(Profile::RISCV, "P0 a0=1; P0 clean a; P1 fence iorw,iorw; P1 b0=1", "a0 b0", "00 01 10 11", "-", CMO),
    // It cleans what it has observed; what another CPU stored may still be on its way.
    case(Profile::RISCV, "P0 a0=1; P1 clean a; P1 fence iorw,iorw; P1 b0=1", "a0 b0", "00 01 10 11", "-", SEEN),
    case(Profile::RISCV, "P0 a0=1; P1 sees; P1 clean a; P1 fence iorw,iorw; P1 b0=1", "a0 b0", "00 10 11", "a0", COHERENT),
    case(Profile::RISCV, "P0 a0=1; P1 clean a; P1 sees; P1 fence iorw,iorw; P1 b0=1", "a0 b0", "00 01 10 11", "-", SEEN),
    case(Profile::RISCV, "P1 sees; P0 a0=1; P1 clean a; P1 fence iorw,iorw; P1 b0=1", "a0 b0", "00 01 10 11", "-", SEEN),
    // What is there already is not lost.
    case(Profile::RISCV, "a0=0; b0=1", "a0 b0", "00 01", "a0", SILENT),
    // Where a store to memory acknowledges, W is enough.
    case(IN_MEMORY, "a0=1; clean a; fence w,w; b0=1", "a0 b0", "00 10 11", "a0", ACK),
    case(IN_MEMORY, "a0=1; clean a; fence r,r; b0=1", "a0 b0", "00 01 10 11", "-", ACK),
];
