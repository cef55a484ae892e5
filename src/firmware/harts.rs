//! What RISC-V's harts have in common, by whichever table.

/// Block sizes in bytes of cache-block instructions, where every hart has them and all agree.
///
/// ```
/// use kpmem::firmware::{CacheBlocks, Error, fdt::DeviceTree, rhct::Rhct};
///
/// /// From whichever table the machine has.
/// fn blocks(rhct: Option<&[u8]>, tree: &[u8]) -> Result<CacheBlocks, Error> {
///     match rhct {
///         Some(table) => Ok(Rhct::parse(table)?.cache_blocks()),
///         None => Ok(DeviceTree::parse(tree)?.cache_blocks()),
///     }
/// }
///
/// /// A CPU of these blocks, for `select`.
/// #[cfg(target_arch = "riscv64")]
/// fn select(blocks: CacheBlocks) -> Result<(), kpmem::Error> {
///     // SAFETY: the harts have Zicbom, enabled, and what they write back is durable.
///     unsafe { kpmem::select(blocks.cpu().table()?) }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheBlocks {
    /// Of `cbo.clean` and `cbo.flush` (Zicbom).
    pub clean: Option<usize>,
    /// Of `cbo.zero` (Zicboz).
    pub zero: Option<usize>,
}

/// What all harts agree on; nothing, if there are no harts.
pub(super) fn common(harts: impl Iterator<Item = CacheBlocks>) -> CacheBlocks {
    let both = |one: CacheBlocks, other: CacheBlocks| CacheBlocks {
        clean: one.clean.filter(|_| one.clean == other.clean),
        zero: one.zero.filter(|_| one.zero == other.zero),
    };
    harts.reduce(both).unwrap_or_default()
}

/// Whether an ISA string, or a list of strings that end in zeroes, names an extension of several
/// letters, with its version (`zicbom1p0`) or without.
pub(super) fn has_extension(isa: &[u8], extension: &[u8]) -> bool {
    let mut words = isa.split(|byte| matches!(byte, b'_' | 0));
    words.any(|word| {
        let Some((name, version)) = word.split_at_checked(extension.len()) else {
            return false;
        };
        let is_version = |byte: &u8| byte.is_ascii_digit() || byte.eq_ignore_ascii_case(&b'p');
        name.eq_ignore_ascii_case(extension)
            && version.first().is_none_or(u8::is_ascii_digit)
            && version.iter().all(is_version)
    })
}

#[cfg(target_arch = "riscv64")]
impl CacheBlocks {
    /// A CPU with these instructions, for [`select`](crate::select).
    #[must_use]
    pub fn cpu(self) -> crate::arch::Cpu {
        use crate::arch::{Cpu, Features};
        let features = if self.clean.is_some() {
            Features::ZICBOM
        } else {
            Features::empty()
        };
        Cpu {
            features,
            line: self.clean.unwrap_or_default(),
        }
    }
}
