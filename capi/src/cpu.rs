//! What a CPU can do, and which table it gets.

use core::ffi::c_int;

use kpmem::arch::{Cpu, Features};

use crate::{
    error::{KPMEM_E_ARGUMENT, code, status},
    handle::{answer, read},
    table::{kpmem_table, to_c},
};

/// x86_64: `clflush`
pub const KPMEM_CPU_CLFLUSH: u32 = 1;
/// x86_64: `clflushopt`
pub const KPMEM_CPU_CLFLUSHOPT: u32 = 2;
/// x86_64: `clwb`
pub const KPMEM_CPU_CLWB: u32 = 4;
/// x86_64: `clzero`
pub const KPMEM_CPU_CLZERO: u32 = 8;
/// x86_64: `movdir64b`
pub const KPMEM_CPU_MOVDIR64B: u32 = 16;
/// aarch64: FEAT_DPB, `dc cvap`
pub const KPMEM_CPU_DPB: u32 = 1;
/// aarch64: FEAT_DPB2, `dc cvadp`
pub const KPMEM_CPU_DPB2: u32 = 2;
/// riscv64: Zicbom
pub const KPMEM_CPU_ZICBOM: u32 = 1;
/// riscv64: Zicboz
pub const KPMEM_CPU_ZICBOZ: u32 = 2;

#[cfg(target_arch = "x86_64")]
const _: () = assert!(
    Features::CLFLUSH.bits() == KPMEM_CPU_CLFLUSH
        && Features::CLFLUSHOPT.bits() == KPMEM_CPU_CLFLUSHOPT
        && Features::CLWB.bits() == KPMEM_CPU_CLWB
        && Features::CLZERO.bits() == KPMEM_CPU_CLZERO
        && Features::MOVDIR64B.bits() == KPMEM_CPU_MOVDIR64B
);
#[cfg(target_arch = "aarch64")]
const _: () =
    assert!(Features::DPB.bits() == KPMEM_CPU_DPB && Features::DPB2.bits() == KPMEM_CPU_DPB2);
#[cfg(target_arch = "riscv64")]
const _: () = assert!(
    Features::ZICBOM.bits() == KPMEM_CPU_ZICBOM && Features::ZICBOZ.bits() == KPMEM_CPU_ZICBOZ
);

/// [`Cpu`]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct kpmem_cpu {
    /// `KPMEM_CPU_...`
    pub features: u32,
    /// Bytes of a cache line or block.
    pub line: u32,
}

impl kpmem_cpu {
    fn to_rust(self) -> Result<Cpu, c_int> {
        Ok(Cpu {
            features: Features::from_bits(self.features).ok_or(KPMEM_E_ARGUMENT)?,
            line: self.line as usize,
        })
    }
}

impl From<Cpu> for kpmem_cpu {
    fn from(cpu: Cpu) -> Self {
        Self {
            features: cpu.features.bits(),
            line: cpu.line as u32,
        }
    }
}

/// `Cpu::detect`, where a CPU can be asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_cpu_detect(cpu: *mut kpmem_cpu) -> c_int {
    #[cfg(target_arch = "riscv64")]
    let found: Result<Cpu, c_int> = Err(crate::error::KPMEM_E_UNSUPPORTED);
    #[cfg(not(target_arch = "riscv64"))]
    let found: Result<Cpu, c_int> = Ok(Cpu::detect());
    // SAFETY: the caller vouches for the place.
    status(found.and_then(|found| unsafe { answer(cpu, found.into()) }))
}

/// [`Cpu::common`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_cpu_common(cpu: *mut kpmem_cpu, other: *const kpmem_cpu) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe { common(cpu, other) })
}

unsafe fn common(cpu: *mut kpmem_cpu, other: *const kpmem_cpu) -> Result<(), c_int> {
    // SAFETY: the caller's.
    unsafe {
        let (one, other) = (read(cpu)?.to_rust()?, read(other)?.to_rust()?);
        answer(cpu, one.common(other).into())
    }
}

/// [`Cpu::table`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_cpu_table(
    cpu: *const kpmem_cpu,
    table: *mut *const kpmem_table,
) -> c_int {
    // SAFETY: the caller vouches for both.
    let cpu = unsafe { read(cpu) }.and_then(|cpu| cpu.to_rust());
    let found = cpu.and_then(|cpu| cpu.table().map_err(code));
    // SAFETY: as above.
    status(found.and_then(|found| unsafe { answer(table, to_c(found)) }))
}

/// `Cpu::deep_table`, on aarch64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_cpu_deep_table(
    cpu: *const kpmem_cpu,
    table: *mut *const kpmem_table,
) -> c_int {
    // SAFETY: the caller vouches for both.
    let cpu = unsafe { read(cpu) }.and_then(|cpu| cpu.to_rust());
    #[cfg(target_arch = "aarch64")]
    let found = cpu.and_then(|cpu| cpu.deep_table().map_err(code));
    #[cfg(not(target_arch = "aarch64"))]
    let found: Result<&'static kpmem::Table, c_int> =
        cpu.and(Err(crate::error::KPMEM_E_NO_DEEP_DOMAIN));
    // SAFETY: as above.
    status(found.and_then(|found| unsafe { answer(table, to_c(found)) }))
}
