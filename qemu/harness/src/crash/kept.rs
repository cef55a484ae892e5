//! What was built once of sources that never change, and is taken again without a compiler.

use super::report::hash_of;
use anyhow::{Context, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// A shared library in a folder, for machines of one kind. The hash of its content is in its name.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    name: &'static str,
}

impl Kept {
    /// The library of this name that belongs to the sources in `root`, for machines like this one.
    pub(super) fn of(root: &Path, name: &'static str) -> Self {
        let kind = format!("{}-{}", env::consts::ARCH, env::consts::OS);
        Self {
            folder: root.join("built").join(kind),
            name,
        }
    }

    /// The file, if it is there as it was kept.
    pub(super) fn find(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.folder).ok()?;
        let mut files = entries.flatten().map(|entry| entry.path());
        files.find(|file| {
            hash_of(file).is_ok_and(|hash| file.file_name() == Some(self.named(&hash).as_ref()))
        })
    }

    /// Keeps a copy of what was built. It is there whole or not at all.
    pub(super) fn keep(&self, built: &Path) -> Result<PathBuf> {
        let cannot = || format!("cannot keep it in {}", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(cannot)?;
        let new = tempfile::NamedTempFile::new_in(&self.folder).with_context(cannot)?;
        fs::copy(built, new.path()).with_context(cannot)?;
        let to = self.folder.join(self.named(&hash_of(new.path())?));
        new.persist(&to).with_context(cannot)?;
        Ok(to)
    }

    fn named(&self, hash: &str) -> String {
        format!("{}-{hash}.{}", self.name, env::consts::DLL_EXTENSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with something that was built in it, and where it would be kept.
    fn built() -> (tempfile::TempDir, PathBuf, Kept) {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("liba.so");
        fs::write(&file, "a library").unwrap();
        let kept = Kept::of(root.path(), "a");
        (root, file, kept)
    }

    #[test]
    fn what_was_kept_is_found() {
        let (_root, file, kept) = built();
        assert_eq!(kept.find(), None);
        let first = kept.keep(&file).unwrap();
        assert_eq!(fs::read(&first).unwrap(), b"a library");
        assert_eq!(kept.find(), Some(first.clone()));
        // To keep it again changes nothing.
        assert_eq!(kept.keep(&file).unwrap(), first);
        assert_eq!(fs::read_dir(&kept.folder).unwrap().count(), 1);
    }

    #[test]
    fn what_is_damaged_is_not_taken_and_can_be_mended() {
        let (_root, file, kept) = built();
        let first = kept.keep(&file).unwrap();
        for damaged in ["", "a libr", "a library, and more", "A library"] {
            fs::write(&first, damaged).unwrap();
            assert_eq!(kept.find(), None, "{damaged:?}");
            assert_eq!(kept.keep(&file).unwrap(), first);
            assert_eq!(kept.find(), Some(first.clone()));
        }
    }

    #[test]
    fn neither_another_name_nor_another_machine_will_do() {
        let (root, file, kept) = built();
        let first = kept.keep(&file).unwrap();
        assert_eq!(Kept::of(root.path(), "b").find(), None);
        let elsewhere = Kept {
            folder: root.path().join("built/another-kind"),
            name: "a",
        };
        assert_eq!(elsewhere.find(), None);
        fs::rename(&first, first.with_file_name("a.so")).unwrap();
        assert_eq!(kept.find(), None);
    }
}
