//! Every way to copy that this CPU has, forced at every size, as tables.

use core::marker::PhantomData;
use kpmem::{
    Byte, Lines, Table, arch,
    tuning::{Copies, Stores},
};
use kpmem_runtime::Machine;

/// These stores at every size.
pub struct Forced<T, N>(PhantomData<(T, N)>);

impl<T: Stores, N: Stores> Copies for Forced<T, N> {
    type Temporal = T;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 0;
}

#[cfg(target_arch = "x86_64")]
mod native {
    use super::*;
    use arch::{
        Clflush, Mov, Movnti, RepMovsq,
        vector::{Avx, Sse2, Vectors, Width},
    };
    use kpmem_runtime::vectors::Lent;

    pub static LINES: [Table; 2] = [
        Table::of::<Lines<Clflush, 64, Forced<Mov, Movnti>>>(),
        Table::of::<Lines<Clflush, 64, Forced<RepMovsq<0, 0>, RepMovsq<0, 0>>>>(),
    ];
    pub static BYTES: [Table; 2] = [
        Table::of::<Byte<Forced<Mov, Movnti>>>(),
        Table::of::<Byte<Forced<RepMovsq<0, 0>, Mov>>>(),
    ];
    type Vector<V> = Forced<Vectors<V, Lent, Mov, 0>, Vectors<V, Lent, Movnti, 0>>;
    static VECTORS: [(Width, [Table; 2]); 2] = [
        (
            Width::Sse2,
            [
                Table::of::<Lines<Clflush, 64, Vector<Sse2>>>(),
                Table::of::<Byte<Vector<Sse2>>>(),
            ],
        ),
        (
            Width::Avx,
            [
                Table::of::<Lines<Clflush, 64, Vector<Avx>>>(),
                Table::of::<Byte<Vector<Avx>>>(),
            ],
        ),
    ];

    /// Copies inside the guard, for each width that this CPU has.
    pub fn vectors() -> impl Iterator<Item = &'static Table> {
        let has = |(width, _): &&(Width, _)| *width <= Width::detect();
        VECTORS.iter().filter(has).flat_map(|(_, tables)| tables)
    }

    pub fn have_lines(_: &Machine) -> bool {
        true
    }

    pub fn strictly<R>(run: impl FnOnce() -> R) -> R {
        run()
    }
}

#[cfg(target_arch = "aarch64")]
mod native {
    use super::*;
    use arch::{Cvac, Stnp, Stp, Zva};
    use core::arch::asm;

    pub static LINES: [Table; 2] = [
        Table::of::<Lines<Cvac, 64, Forced<Stp, Stnp>>>(),
        Table::of::<Lines<Cvac, 64, Forced<Zva<Stp, 64, 0>, Zva<Stnp, 64, 0>>>>(),
    ];
    pub static BYTES: [Table; 2] = [
        Table::of::<Byte<Forced<Stp, Stnp>>>(),
        Table::of::<Byte<Forced<Zva<Stp, 64, 0>, Stnp>>>(),
    ];

    pub fn vectors() -> [&'static Table; 0] {
        []
    }

    pub fn have_lines(_: &Machine) -> bool {
        true
    }

    /// With SCTLR_EL1.A set, every access that is not aligned is a trap (Arm ARM, "SCTLR_EL1").
    pub fn strictly<R>(run: impl FnOnce() -> R) -> R {
        set_alignment_check(true);
        let result = run();
        set_alignment_check(false);
        result
    }

    fn set_alignment_check(on: bool) {
        const A: u64 = 1 << 1;
        // SAFETY: only the A bit changes; this kernel is built not to make unaligned accesses.
        unsafe {
            let mut sctlr: u64;
            asm!("mrs {}, SCTLR_EL1", out(reg) sctlr);
            sctlr = if on { sctlr | A } else { sctlr & !A };
            asm!("msr SCTLR_EL1, {}", "isb", in(reg) sctlr);
        }
    }
}

#[cfg(target_arch = "riscv64")]
mod native {
    use super::*;
    use arch::{CboClean, CboZero, Features, Sd};

    pub static LINES: [Table; 2] = [
        Table::of::<Lines<CboClean, 32, Forced<Sd, Sd>>>(),
        Table::of::<Lines<CboClean, 32, Forced<CboZero<64, 0>, CboZero<64, 0>>>>(),
    ];
    pub static BYTES: [Table; 2] = [
        Table::of::<Byte<Forced<Sd, Sd>>>(),
        Table::of::<Byte<Forced<CboZero<64, 0>, Sd>>>(),
    ];

    pub fn vectors() -> [&'static Table; 0] {
        []
    }

    pub fn have_lines(machine: &Machine) -> bool {
        machine.cpu().features.contains(Features::ZICBOM)
    }

    pub fn strictly<R>(run: impl FnOnce() -> R) -> R {
        run()
    }
}

#[cfg(target_arch = "x86_64")]
pub use native::vectors;

/// The selected table if there is one, byte granularity, and every strategy that this CPU has.
pub fn all(machine: &Machine) -> impl Iterator<Item = &'static Table> {
    let selected = crate::selection::table().ok();
    let lines = native::LINES.iter().filter(|_| native::have_lines(machine));
    selected
        .into_iter()
        .chain([&kpmem::BYTE])
        .chain(lines)
        .chain(&native::BYTES)
        .chain(native::vectors())
}

/// Runs something so that an access that is not aligned is a trap, where the CPU can be told to.
pub fn strictly<R>(run: impl FnOnce() -> R) -> R {
    native::strictly(run)
}
