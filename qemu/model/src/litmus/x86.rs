//! Px86, AMD.

use super::Case;
use crate::profile::Profile;

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

const LINES: &str =
    "Px86 (Raad et al., POPL 2020), persist order: same line as TSO, other lines free";
const FO: &str = "Px86 (Raad et al., POPL 2020), flushopt and its order with fences; PTSO (Khyzha, Lahav, POPL 2021)";
const FL: &str =
    "Px86 (Raad et al., POPL 2020), flush; SDM vol. 3, Memory Ordering: no write passes CLFLUSH";
const CPUS: &str = "Px86 (Raad et al., POPL 2020): sfence orders by program order; SDM vol. 2, CLWB: coherence domain";
const LFENCE: &str =
    "SDM vol. 2, LFENCE: later instructions wait for it, stores need not be visible";
const WC: &str =
    "SDM vol. 1, Caching of Temporal vs. Non-Temporal Data; Raad, Maranget, Vafeiadis, POPL 2022";
const WC_CPUS: &str =
    "APM vol. 3, CLFLUSH: write-combining buffers of the executing processor only";
const ATOM: &str = "SDM vol. 3, Guaranteed Atomic Operations; aligned 8-byte words else";
const AMD_ATOM: &str = "APM vol. 1, Atomicity of accesses: within an aligned quadword";
const STRING: &str = "SDM vol. 3, Fast-String Operation and Out-of-Order Stores";
const SILENT: &str = "nothing changes where the same bytes are stored";
const SEEN: &str =
    "Px86 (Raad et al., POPL 2020): a flush covers the stores that are before it in TSO";
const WBINVD: &str = "SDM vol. 2, WBINVD: the processor's own modified lines; serializing";
const APM: &str = "APM vol. 3, CLFLUSH: only MFENCE orders it";

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    // Stores to different lines are independent; stores to one line persist in TSO order.
    case(Profile::PX86, "a0=1; b0=1", "a0 b0", "00 01 10 11", "-", LINES),
    case(Profile::PX86, "a0=1; a1=1", "a0 a1", "00 10 11", "-", LINES),
    case(Profile::PX86, "a0=1; a0=2", "a0", "0 1 2", "-", LINES),
    case(Profile::PX86, "a0=1; a1=1; a7=1", "a0 a1 a7", "000 100 110 111", "-", LINES),
    case(Profile::PX86, "a0=1; b0=1; a1=1", "a0 b0 a1", "000 100 101 010 110 111", "-", LINES),
    case(Profile::PX86, "a0=1; P1 a1=1", "a0 a1", "00 10 11", "-", LINES),
    case(Profile::PX86, "a0=1; P1 b0=1", "a0 b0", "00 01 10 11", "-", LINES),
    case(Profile::PX86, "a0=1; a0.l=2", "a0.l a0.h", "00 11 21", "-", LINES),
    case(Profile::PX86, "a0=1; a0=2; a1=3; a0=4", "a0 a1", "00 10 20 23 43", "-", LINES),
    // Flushes are asynchronous; a fence, or a read-modify-write, waits for the weak ones.
    case(Profile::PX86, "a0=1; clwb a; b0=1", "a0 b0", "00 01 10 11", "-", FO),
    case(Profile::PX86, "a0=1; clflushopt a; b0=1", "a0 b0", "00 01 10 11", "-", FO),
    case(Profile::PX86, "a0=1; clwb a; sfence; b0=1", "a0 b0", "00 10 11", "a0", FO),
    case(Profile::PX86, "a0=1; clflushopt a; sfence; b0=1", "a0 b0", "00 10 11", "a0", FO),
    case(Profile::PX86, "a0=1; clwb a; mfence; b0=1", "a0 b0", "00 10 11", "a0", FO),
    case(Profile::PX86, "a0=1; clwb a; rmw; b0=1", "a0 b0", "00 10 11", "a0", FO),
    case(Profile::PX86, "a0=1; clwb a; lfence; b0=1", "a0 b0", "00 01 10 11", "-", LFENCE),
    case(Profile::PX86, "a0=1; sfence; b0=1", "a0 b0", "00 01 10 11", "-", FO),
    case(Profile::PX86, "a0=1; mfence; b0=1", "a0 b0", "00 01 10 11", "-", FO),
    case(Profile::PX86, "clwb a; a0=1; sfence; b0=1", "a0 b0", "00 01 10 11", "-", FO),
    case(Profile::PX86, "a0=1; sfence; clwb a; b0=1", "a0 b0", "00 01 10 11", "-", FO),
    case(Profile::PX86, "a0=1; clwb b; sfence; b0=1", "a0 b0", "00 01 10 11", "-", FO),
    case(Profile::PX86, "a0=1; clwb a; a1=1; sfence; b0=1", "a0 a1 b0", "000 100 110 101 111", "a0", FO),
    case(Profile::PX86, "a0=1; a1=1; clwb a; sfence; b0=1", "a0 a1 b0", "000 100 110 111", "a0 a1", FO),
    case(Profile::PX86, "a0=1; b0=1; clwb a; clwb b; sfence; c0=1", "a0 b0 c0", "000 100 010 110 111", "a0 b0", FO),
    case(Profile::PX86, "a0=1; b0=1; clwb a; sfence; c0=1", "a0 b0 c0", "000 100 010 110 101 111", "a0", FO),
    case(Profile::PX86, "a0=1; clwb a; sfence; a0=2", "a0", "0 1 2", "-", FO),
    case(Profile::PX86, "a0=1; clwb a; clwb a; sfence; b0=1", "a0 b0", "00 10 11", "a0", FO),
    // clflush is ordered with later stores of its CPU, but an acknowledgement needs a fence.
    case(Profile::PX86, "a0=1; clflush a; b0=1", "a0 b0", "00 10 11", "-", FL),
    case(Profile::PX86, "a0=1; clflush a; sfence; b0=1", "a0 b0", "00 10 11", "a0", FL),
    case(Profile::PX86, "a0=1; clflush a; lfence", "a0", "0 1", "-", FL),
    case(Profile::PX86, "a0=1; clflush a; a1=1", "a0 a1", "00 10 11", "-", FL),
    case(Profile::PX86, "a0=1; b0=1; clflush a; clflush b; c0=1", "a0 b0 c0", "000 100 010 110 111", "-", FL),
    case(Profile::PX86, "a0=1; clflush a; P1 b0=1", "a0 b0", "00 01 10 11", "-", FL),
    case(Profile::PX86, "a0=1; clflushopt a; clflush b; c0=1", "a0 c0", "00 01 10 11", "-", FL),
    case(Profile::PX86, "a0=1; clflush a; b0=1; sfence", "a0 b0", "00 10 11", "a0", FL),
    case(Profile::PX86, "clflush a; a0=1; b0=1", "a0 b0", "00 01 10 11", "-", FL),
    // A fence waits for the flushes of its own CPU; a flush takes the line whoever stored.
    case(Profile::PX86, "P0 a0=1; P0 clwb a; P1 sfence; P1 b0=1", "a0 b0", "00 01 10 11", "-", CPUS),
    case(Profile::PX86, "P0 a0=1; P1 clwb a; P0 sfence; P0 b0=1", "a0 b0", "00 01 10 11", "-", CPUS),
    case(Profile::PX86, "P0 a0=1; P1 clwb a; P1 sfence; P1 b0=1", "a0 b0", "00 01 10 11", "-", SEEN),
    case(Profile::PX86, "P0 a0=1; P1 sees; P1 clwb a; P1 sfence; P1 b0=1", "a0 b0", "00 10 11", "a0", CPUS),
    case(Profile::PX86, "P0 a0=1; P1 sees; P0 a1=1; P1 clwb a; P1 sfence; P1 b0=1", "a0 a1 b0", "000 100 110 101 111", "a0", SEEN),
    case(Profile::PX86, "P0 a0=1; P1 clwb a; P1 sees; P1 sfence; P1 b0=1", "a0 b0", "00 01 10 11", "-", SEEN),
    case(Profile::PX86, "P0 a0=1; P0 clwb a; P1 sees; P1 clwb a; P1 sfence; P0 b0=1", "a0 b0", "00 10 11", "a0", CPUS),
    case(Profile::PX86, "P0 a0=1; P0 clwb a; P0 sfence; P1 b0=1", "a0 b0", "00 10 11", "a0", CPUS),
    // Write-combining stores bypass the cache, unordered until a fence of their CPU.
    case(Profile::PX86, "nt a0=1; nt a1=1", "a0 a1", "00 01 10 11", "-", WC),
    case(Profile::PX86, "nt a0=1; b0=1", "a0 b0", "00 01 10 11", "-", WC),
    case(Profile::PX86, "nt a0=1; sfence; b0=1", "a0 b0", "00 10 11", "a0", WC),
    case(Profile::PX86, "nt a0=1; mfence; b0=1", "a0 b0", "00 10 11", "a0", WC),
    case(Profile::PX86, "nt a0=1; rmw; b0=1", "a0 b0", "00 10 11", "a0", WC),
    case(Profile::PX86, "nt a0=1; lfence; b0=1", "a0 b0", "00 01 10 11", "-", LFENCE),
    case(Profile::PX86, "nt a0=1; clwb a; b0=1", "a0 b0", "00 01 10 11", "-", WC),
    case(Profile::PX86, "P0 nt a0=1; P1 sfence; P1 b0=1", "a0 b0", "00 01 10 11", "-", WC),
    case(Profile::PX86, "P0 nt a0=1; P1 clwb a; P1 sfence; P1 b0=1", "a0 b0", "00 01 10 11", "-", WC_CPUS),
    case(Profile::PX86, "a0=1; nt a1=1", "a0 a1", "00 01 10 11", "-", WC),
    case(Profile::PX86, "nt a0=1; a1=1", "a0 a1", "00 01 10 11", "-", WC),
    case(Profile::PX86, "a0=1; nt a0=2", "a0", "0 1 2", "-", WC),
    case(Profile::PX86, "a0=1; nt a0=2; sfence; b0=1", "a0 b0", "00 10 20 21", "a0", WC),
    case(Profile::PX86, "a0=1; nt b0=1; sfence; c0=1", "a0 b0 c0", "000 100 010 110 011 111", "b0", WC),
    case(Profile::PX86, "nt a0:1=1", "a0 a1", "00 01 10 11", "-", ATOM),
    // What is atomic.
    case(Profile::PX86, "a0:1=1", "a0 a1", "00 11", "-", ATOM),
    case(Profile::PX86, "a1:2=1", "a1 a2", "00 01 10 11", "-", ATOM),
    case(Profile::PX86, "a0~=1", "a0.h a1.l", "00 11", "-", ATOM),
    case(Profile::PX86, "nt a0~=1", "a0.h a1.l", "00 01 10 11", "-", ATOM),
    case(Profile::AMD, "a0~=1", "a0.h a1.l", "00 01 10 11", "-", AMD_ATOM),
    case(Profile::AMD, "a0=1", "a0.l a0.h", "00 11", "-", AMD_ATOM),
    // The stores of one string instruction, and the parts of one that is not atomic, in any order.
    case(Profile::PX86, "rep a0=1; rep a1=1; rep a2=1", "a0 a1 a2", "000 001 010 011 100 101 110 111", "-", STRING),
    case(Profile::PX86, "rep a0=1; rep a1=1; a2=1", "a0 a1 a2", "000 010 100 110 111", "-", STRING),
    case(Profile::PX86, "a2=1; rep a0=1; rep a1=1", "a2 a0 a1", "000 100 110 101 111", "-", STRING),
    case(Profile::PX86, "rep a0=1; rep a0=2", "a0", "0 1 2", "-", STRING),
    case(Profile::PX86, "rep a0=1; rep a1=1; clwb a; sfence; b0=1", "a0 a1 b0", "000 010 100 110 111", "a0 a1", STRING),
    case(Profile::PX86, "P0 rep a0=1; P1 rep a1=1", "a0 a1", "00 10 11", "-", STRING),
    // What is there already is not lost.
    case(Profile::PX86, "a0=0; b0=1", "a0 b0", "00 01", "a0", SILENT),
    case(Profile::PX86, "a0=1; clwb a; sfence; a0=1; b0=1", "a0 b0", "00 10 11", "a0", SILENT),
    case(Profile::PX86, "a0=1; a0=0; b0=1", "a0 b0", "00 10 01 11", "-", SILENT),
    // All lines of the CPU's caches, and it waits.
    case(Profile::PX86, "a0=1; b0=1; wbinvd; c0=1", "a0 b0 c0", "000 100 010 110 111", "a0 b0", WBINVD),
    case(Profile::PX86, "P0 a0=1; P1 sees; P1 wbinvd; P1 b0=1", "a0 b0", "00 01 10 11", "-", WBINVD),
    case(Profile::AMD, "nt a0=1; wbinvd; b0=1", "a0 b0", "00 10 11", "a0", WBINVD),
    case(Profile::PX86, "a7~=1", "a7.h b0.l", "00 01 10 11", "-", ATOM),
    // AMD: clflush waits for mfence only.
    case(Profile::AMD, "a0=1; clflush a; b0=1", "a0 b0", "00 01 10 11", "-", APM),
    case(Profile::AMD, "a0=1; clflush a; sfence; b0=1", "a0 b0", "00 01 10 11", "-", APM),
    case(Profile::AMD, "a0=1; clflush a; lfence; b0=1", "a0 b0", "00 01 10 11", "-", APM),
    case(Profile::AMD, "a0=1; clflush a; rmw; b0=1", "a0 b0", "00 01 10 11", "-", APM),
    case(Profile::AMD, "a0=1; clflush a; mfence; b0=1", "a0 b0", "00 10 11", "a0", APM),
    case(Profile::AMD, "a0=1; clwb a; sfence; b0=1", "a0 b0", "00 10 11", "a0", APM),
    case(Profile::AMD, "a0=1; clflushopt a; sfence; b0=1", "a0 b0", "00 10 11", "a0", APM),
    case(Profile::AMD, "a0=1; a1=1", "a0 a1", "00 10 11", "-", LINES),
];
