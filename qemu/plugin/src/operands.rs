//! The registers and addresses that an instruction names.

use std::sync::OnceLock;

use kpmem_model::{
    Isa,
    decode::{Address, Segment},
};

use crate::guest::Register;

const X86: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];

const RISCV: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// x86: the register that counts a string instruction down, and the one that says where it stores.
pub const RCX: u8 = 1;
pub const RDI: u8 = 7;

/// The numbers that go with a mark.
///
/// # Safety
/// Only from a callback that was registered to read registers.
pub unsafe fn arguments(isa: Isa) -> [u64; 3] {
    let numbers: [u8; 3] = match isa {
        Isa::X86_64 => [RDI, 6, 2],
        Isa::Aarch64 => [0, 1, 2],
        Isa::Riscv64 => [10, 11, 12],
    };
    // SAFETY: as the caller vouches.
    numbers.map(|number| unsafe { register(isa, number) })
}

/// A general register, as the instruction set numbers them.
///
/// # Safety
/// Only from a callback that was registered to read registers.
pub unsafe fn register(isa: Isa, number: u8) -> u64 {
    static GENERAL: OnceLock<[Option<Register>; 32]> = OnceLock::new();
    let registers = GENERAL.get_or_init(|| {
        std::array::from_fn(|i| match isa {
            Isa::X86_64 => X86.get(i).and_then(|name| Register::named(name)),
            Isa::Aarch64 => Register::named(&format!("x{i}")),
            Isa::Riscv64 => Register::named(RISCV[i]),
        })
    });
    match registers[usize::from(number)] {
        // SAFETY: as the caller vouches.
        Some(register) => unsafe { register.read() },
        // Only AArch64's x31, which is the zero register for these instructions, has no name.
        None => 0,
    }
}

/// The address that an instruction names.
///
/// # Safety
/// Only from a callback that was registered to read registers.
pub unsafe fn address(isa: Isa, address: Address, next_ip: u64) -> u64 {
    let segment = |segment| {
        let name = match segment {
            Segment::Fs => "fs_base",
            Segment::Gs => "gs_base",
        };
        // SAFETY: as the caller vouches.
        Register::named(name).map_or(0, |r| unsafe { r.read() })
    };
    // SAFETY: as the caller vouches.
    address.resolve(|number| unsafe { register(isa, number) }, next_ip, segment)
}

/// The number of the hart that runs. QEMU's own number is right only where each has a thread.
///
/// # Safety
/// Only from a callback of a vCPU of a RISC-V machine.
pub unsafe fn hart() -> u64 {
    static HART: OnceLock<Option<Register>> = OnceLock::new();
    let register = HART.get_or_init(|| Register::named("mhartid"));
    // SAFETY: as the caller vouches; the register never changes, so that QEMU need not have saved
    // the others.
    register.map_or(0, |register| unsafe { register.read() })
}
