//! The tables of the instruction set that this is built for.

use kpmem::{Table, arch};

#[cfg(target_arch = "x86_64")]
mod chosen {
    use super::{Table, arch};
    pub type Best = arch::Clwb;
    pub type Other = arch::Clflush;
    pub const GROUPS: &[&[Table]] = &[
        &arch::CLWB,
        &arch::CLWB_CLZERO,
        &arch::CLFLUSHOPT_CLZERO,
        &arch::CLWB_MOVDIR64B,
        &arch::CLFLUSHOPT,
        &arch::CLFLUSH,
    ];
    pub const COUNT: usize = 6;
}

#[cfg(target_arch = "aarch64")]
mod chosen {
    use super::{Table, arch};
    pub type Best = arch::Cvap;
    pub type Other = arch::Cvac;
    pub const GROUPS: &[&[Table]] = &[&arch::CVAP, &arch::CVADP, &arch::CVAC];
    pub const COUNT: usize = 15;
}

#[cfg(target_arch = "riscv64")]
mod chosen {
    use super::{Table, arch};
    pub type Best = arch::CboClean;
    pub type Other = arch::CboFlush;
    pub const GROUPS: &[&[Table]] = &[&arch::ZICBOM, &arch::ZICBOM_ZICBOZ, &arch::ZICBOM_FLUSH];
    pub const COUNT: usize = 15;
}

/// The instruction that a kernel would use.
pub type Best = chosen::Best;
/// One that does not do the same.
pub type Other = chosen::Other;
/// All tables of cache-line granularity.
pub const GROUPS: &[&[Table]] = chosen::GROUPS;
/// How many there are.
pub const COUNT: usize = chosen::COUNT;
