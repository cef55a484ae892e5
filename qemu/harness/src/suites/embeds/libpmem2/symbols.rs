//! What the two libraries define.

use crate::{capi::libpmem2::Libraries, process, tools::LIBPMEM2};
use anyhow::{Result, bail};
use std::{collections::BTreeSet, path::Path, process::Command};

/// What we do not have: copies by libminiasync, which Debian has not.
const ASYNCHRONOUS: [&str; 4] = [
    "pmem2_config_set_vdm",
    "pmem2_memcpy_async",
    "pmem2_memmove_async",
    "pmem2_memset_async",
];

/// What PMDK's shared library lacks, though its header and its manual have it.
pub(super) const HIDDEN: &str = "pmem2_err_to_errno";

/// The names that a library defines for others, with their versions.
fn defined(library: &Path, dynamic: bool) -> Result<BTreeSet<String>> {
    let mut command = Command::new("nm");
    command.args(["--defined-only", "--extern-only", "--format=posix"]);
    if dynamic {
        command.arg("--dynamic");
    }
    let text = process::stdout_of(command.arg(library))?;
    let names = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, kind) = (words.next()?, words.next()?);
        // The version itself is an absolute symbol.
        (kind != "A").then(|| name.to_owned())
    });
    Ok(names.collect())
}

/// Nothing but libpmem2's names, which another library could bring too.
pub(super) fn only_ours(libraries: &Libraries) -> Result<()> {
    let (archive, shared) = (
        defined(&libraries.archive, false)?,
        defined(&libraries.shared, true)?,
    );
    let all = archive.iter().chain(&shared);
    let other: Vec<_> = all.filter(|name| !name.starts_with("pmem2_")).collect();
    if !other.is_empty() {
        bail!("there are others: {other:?}");
    }
    let unversioned: BTreeSet<_> = shared.iter().map(|name| plain(name).to_owned()).collect();
    if archive.len() < 45 || archive != unversioned {
        bail!("the static library has {archive:?}, the shared one {shared:?}");
    }
    Ok(())
}

fn plain(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

/// The shared library has what PMDK's has, with the same versions.
pub(super) fn same(libraries: &Libraries) -> Result<()> {
    let peer = Path::new(LIBPMEM2).with_extension("so.1");
    let (ours, peer) = (defined(&libraries.shared, true)?, defined(&peer, true)?);
    let odd: Vec<_> = ours
        .symmetric_difference(&peer)
        .filter(|name| !ASYNCHRONOUS.contains(&plain(name)) && plain(name) != HIDDEN)
        .collect();
    if !odd.is_empty() || peer.len() < 45 {
        bail!("of {} symbols, only one of the two has {odd:?}", peer.len());
    }
    Ok(())
}
