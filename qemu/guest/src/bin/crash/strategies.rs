//! Every way to copy that this CPU has, forced at every size, as tables.

use core::marker::PhantomData;

use kpmem::{
    Byte, Granularity, Instruction, Lines, Table,
    tuning::{Copies, Stores},
};

#[cfg(target_arch = "x86_64")]
use kpmem_runtime::vectors::Lent;

use crate::mutants::{BySize, Correct};

#[cfg(target_arch = "riscv64")]
use kpmem::arch::{CboZero, Sd};
#[cfg(target_arch = "x86_64")]
use kpmem::arch::{
    Mov, Movnti, RepMovsq,
    vector::{Avx, Sse2, Vectors},
};
#[cfg(target_arch = "aarch64")]
use kpmem::arch::{Stnp, Stp, Zva};

/// These stores at every size: through the cache, past it.
struct Forced<T, N>(PhantomData<(T, N)>);

impl<T: Stores, N: Stores> Copies for Forced<T, N> {
    type Temporal = T;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 0;
}

/// The tables of one strategy: by line size, and where caches are durable.
struct Strategy {
    lines: BySize,
    byte: Table,
}

const fn of<I: Instruction, C: Copies>() -> Strategy {
    Strategy {
        lines: [
            Table::of::<Lines<I, 16, C>>(),
            Table::of::<Lines<I, 32, C>>(),
            Table::of::<Lines<I, 64, C>>(),
            Table::of::<Lines<I, 128, C>>(),
            Table::of::<Lines<I, 256, C>>(),
        ],
        byte: Table::of::<Byte<C>>(),
    }
}

// QEMU's `max` has both widths.
#[cfg(target_arch = "x86_64")]
static STRATEGIES: [Strategy; 4] = [
    of::<Correct, Forced<Mov, Movnti>>(),
    of::<Correct, Forced<RepMovsq<0, 0>, RepMovsq<0, 0>>>(),
    of::<Correct, Forced<Vectors<Sse2, Lent, Mov, 0>, Vectors<Sse2, Lent, Movnti, 0>>>(),
    of::<Correct, Forced<Vectors<Avx, Lent, Mov, 0>, Vectors<Avx, Lent, Movnti, 0>>>(),
];

// The sizes of a block are those of QEMU's `max` and `a64fx`; where the CPU's is another, the
// stores without blocks are used.
#[cfg(target_arch = "aarch64")]
static STRATEGIES: [Strategy; 3] = [
    of::<Correct, Forced<Stp, Stnp>>(),
    of::<Correct, Forced<Zva<Stp, 64, 0>, Zva<Stnp, 64, 0>>>(),
    of::<Correct, Forced<Zva<Stp, 256, 0>, Zva<Stnp, 256, 0>>>(),
];

#[cfg(target_arch = "riscv64")]
static STRATEGIES: [Strategy; 2] = [
    of::<Correct, Forced<Sd, Sd>>(),
    of::<Correct, Forced<CboZero<64, 0>, CboZero<64, 0>>>(),
];

/// How many there are, the table under test among them.
pub const COUNT: usize = STRATEGIES.len() + 1;

/// The strategy of this number; 0 is the table under test itself.
pub fn table(number: usize, under_test: &'static Table) -> &'static Table {
    match number.checked_sub(1) {
        None => under_test,
        Some(number) => {
            let Strategy { lines, byte } = &STRATEGIES[number];
            match under_test.granularity() {
                Granularity::CacheLine => &lines[under_test.line().trailing_zeros() as usize - 4],
                _ => byte,
            }
        }
    }
}
