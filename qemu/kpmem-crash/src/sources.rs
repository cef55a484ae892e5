//! The sources that are compiled at run time: the plugin, the judge's kernel, programs for guests.

use anyhow::{Context, Result, bail};
use cpio::newc::Reader;
use std::{
    env, fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sources.cpio"));

/// The folder that they are in, and what is built of them: one for each version of the sources, in
/// the user's cache. It is made whole or not at all.
pub fn unpacked() -> Result<PathBuf> {
    unpacked_in(&cache()?.join("kpmem-crash"))
}

fn unpacked_in(cache: &Path) -> Result<PathBuf> {
    let to = cache.join(env!("KPMEM_SOURCES"));
    if to.is_dir() {
        return Ok(to);
    }
    let cannot = || {
        format!(
            "cannot unpack the simulator's sources in {}",
            cache.display()
        )
    };
    fs::create_dir_all(cache).with_context(cannot)?;
    let new = tempfile::tempdir_in(cache).with_context(cannot)?;
    unpack(new.path()).with_context(cannot)?;
    // Another one may have been quicker: then it is there.
    if let Err(error) = fs::rename(new.path(), &to)
        && !to.is_dir()
    {
        return Err(error).with_context(cannot);
    }
    Ok(to)
}

/// Where caches are, by the XDG base directory specification.
fn cache() -> Result<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
    };
    match (absolute("XDG_CACHE_HOME"), absolute("HOME")) {
        (Some(cache), _) => Ok(cache),
        (None, Some(home)) => Ok(home.join(".cache")),
        (None, None) => bail!("neither XDG_CACHE_HOME nor HOME says where a cache can be"),
    }
}

fn unpack(to: &Path) -> io::Result<()> {
    let mut rest = ARCHIVE;
    loop {
        let mut entry = Reader::new(rest)?;
        if entry.entry().is_trailer() {
            return Ok(());
        }
        let name = PathBuf::from(entry.entry().name());
        debug_assert!(
            name.components()
                .all(|part| matches!(part, Component::Normal(_)))
        );
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        let path = to.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content)?;
        rest = entry.finish()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_build_needs_is_there_once() {
        let cache = tempfile::tempdir().unwrap();
        let root = unpacked_in(cache.path()).unwrap();
        for needed in [
            "Cargo.toml",
            "Cargo.lock",
            "src/lib.rs",
            "qemu/plugin/Cargo.toml",
            "qemu/guest/src/bin/judge.rs",
            "qemu/marks/include/kpmem_linux.h",
            "qemu/harness/src/linux/guest/mark.c",
            "qemu/kpmem-crash/pack.rs",
            "qemu/plugin/LICENSE-GPL",
        ] {
            assert!(root.join(needed).is_file(), "{needed}");
        }
        assert!(!root.join("qemu/fuzz").exists() && !root.join("target").exists());
        assert_eq!(unpacked_in(cache.path()).unwrap(), root);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}
