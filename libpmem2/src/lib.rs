//! PMDK's libpmem2 over [`kpmem`], for Linux user space: the same names, types, values and rules,
//! so that programs written for it link to this instead, as `libpmem2.a` or `libpmem2.so.1`.
//!
//! | | here |
//! |---|---|
//! | granularity of a map | byte of private and anonymous maps; of a DAX device, and of a file that `mmap` maps with `MAP_SYNC`: byte if the kernel says that its region's caches are flushed on power loss, else cache line; page otherwise, or where the CPU cannot write lines back |
//! | page granularity | flush is `msync` of the pages; if it fails, the program is aborted, as in libpmem2: nobody could be told |
//! | deep flush | `msync` of a file; the region's `deep_flush` of a DAX device; `PMEM2_E_NOSUPP` where there is nothing to flush to |
//! | `PMEM2_FORCE_GRANULARITY` | is obeyed by `pmem2_map_new`; the variables that forbid instructions are not |
//! | bad blocks | of files and DAX devices, as sysfs has them; cleared in files only |
//! | `pread_mcsafe`, `pwrite_mcsafe` | of files, where the kernel catches the machine check; `PMEM2_E_NOSUPP` of a DAX device |
//! | devices, counts of unsafe shutdowns, NUMA nodes | as sysfs has them, without libndctl |
//! | asynchronous copies (libminiasync) | none |
#![cfg(target_os = "linux")]

mod badblock;
#[path = "../../capi/src/pmem2/codes.rs"]
pub mod codes;
mod config;
mod deep;
mod devices;
mod existing;
mod extents;
mod failure;
mod functions;
mod get;
mod granularity;
mod map;
mod mapped;
mod maps;
mod mcsafe;
mod new;
mod page;
mod reservation;
mod reserved;
mod source;
mod sysfs;
