//! The calls of PMDK's libpmem2 that need no OS, with the names, types and values of its header
//! (here `include/libpmem2.h`): maps of memory that somebody else has mapped, and their functions.
//!
//! There is no allocator, so maps and sources live in a [pool]: a static one, and memory that the
//! caller gives to it. What needs an OS (`pmem2_map_new`, files) is in the crate `kpmem-libpmem2`.

pub mod codes;
mod deep;
mod errors;
mod get;
mod hooks;
mod map;
pub mod pool;
pub mod source;

pub use deep::pmem2_deep_flush;
pub use errors::{pmem2_err_to_errno, pmem2_errormsg};
pub use get::{
    pmem2_get_drain_fn, pmem2_get_flush_fn, pmem2_get_memcpy_fn, pmem2_get_memmove_fn,
    pmem2_get_memset_fn, pmem2_get_persist_fn, pmem2_map_get_address, pmem2_map_get_size,
    pmem2_map_get_store_granularity,
};
pub use hooks::Hooks;
pub use map::{Pmem2Map, pmem2_map_delete, pmem2_map_from_existing};
pub use source::{
    Pmem2Source, kpmem_pmem2_source_from_hooks, pmem2_source_delete, pmem2_source_from_anon,
    pmem2_source_size,
};
