//! The workloads that have a name, but for mariadb's, which is tried in another way.

use super::{
    Trial, examples, storage,
    workload::{self, Library},
};
use crate::arch::Arch;
use anyhow::{Result, bail};

/// The one of this name, with these words or, if there are none, with its own.
pub fn named(arch: Arch, name: &str, words: &[&str]) -> Result<Trial> {
    let or = |own: &[&'static str]| match words {
        [] => own.to_vec(),
        _ => words.to_vec(),
    };
    match name {
        "libpmem2" => workload::records(arch, Library::Libpmem2, &or(&["copy", "8"])),
        "kpmem" => workload::records(arch, Library::Kpmem, &or(&["copy", "8"])),
        "libpmemobj" => examples::example(arch, &or(&["btree", "8"])),
        "ext4" => storage::ext4(arch, &or(&["mapped", "8"])),
        "pmem-block" => storage::block(arch, &or(&["direct", "8"])),
        _ => bail!(
            "the workloads for Linux are libpmem2, kpmem, libpmemobj, ext4, pmem-block and \
             mariadb; {name} is none of them"
        ),
    }
}
