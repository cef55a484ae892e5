//! The block sizes of RISC-V's harts.

use core::ffi::{c_int, c_void};

use kpmem::firmware::{CacheBlocks, rhct::Rhct};

use crate::{
    error::{of_firmware, status},
    handle::answer,
    physical::bytes,
};

/// [`CacheBlocks`]: sizes in bytes, 0 where not every hart has the instruction.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct kpmem_cache_blocks {
    /// Of Zicbom.
    pub clean: usize,
    /// Of Zicboz.
    pub zero: usize,
}

impl From<CacheBlocks> for kpmem_cache_blocks {
    fn from(blocks: CacheBlocks) -> Self {
        Self {
            clean: blocks.clean.unwrap_or_default(),
            zero: blocks.zero.unwrap_or_default(),
        }
    }
}

/// [`Rhct::cache_blocks`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_rhct_cache_blocks(
    table: *const c_void,
    len: usize,
    blocks: *mut kpmem_cache_blocks,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe {
        bytes(table, len).and_then(|table| {
            let rhct = Rhct::parse(table).map_err(of_firmware)?;
            answer(blocks, rhct.cache_blocks().into())
        })
    })
}
