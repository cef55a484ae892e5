//! The objects as the linker gets them: files of their content, and a list of them.

use super::{
    Question,
    apart::renamed,
    objects::{Objects, Standing},
};
use crate::workspace;
use anyhow::{Context, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// What is linked.
pub(super) struct Files {
    /// A file of arguments for the linker. Its name follows from its content: cargo links again
    /// only if an argument is another.
    pub(super) list: PathBuf,
    /// Bytes that it may have in sections which the guest's script does not know.
    pub(super) room: u64,
}

impl Files {
    /// Writes the objects, all that they define renamed.
    pub(super) fn of(
        objects: &Objects,
        names: &BTreeMap<String, Standing>,
        question: &Question,
    ) -> Result<Self> {
        let defined = names.iter().filter(|(_, is)| **is >= Standing::Data);
        let defined: BTreeSet<_> = defined.map(|(name, _)| name.as_str()).collect();
        let mut hasher = DefaultHasher::new();
        (&objects.all, objects.is_library, &question.symbols).hash(&mut hasher);
        let folder = workspace::reports().join(format!("judge/{:016x}", hasher.finish()));
        fs::create_dir_all(&folder).context("cannot make a folder for what is judged")?;
        let mut arguments = Vec::new();
        for (number, object) in objects.all.iter().enumerate() {
            let file = folder.join(format!("{number}.o"));
            let bytes = renamed(object, &defined).context("an object file is damaged")?;
            fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
            arguments.push(quoted(&file.display().to_string()));
        }
        if objects.is_library {
            arguments.insert(0, "--start-lib".to_owned());
            arguments.push("--end-lib".to_owned());
        }
        let list = folder.join("list");
        fs::write(&list, arguments.join("\n")).context("cannot write a list of objects")?;
        Ok(Self {
            list,
            room: objects.room(),
        })
    }

    /// Keeps the guest beside them, as the next one is built where this one was.
    pub(super) fn keep(&self, kernel: &Path) -> Result<PathBuf> {
        let kept = self.list.with_file_name("judge");
        // Of an earlier question that was the same.
        let _ = fs::remove_file(&kept);
        let linked = fs::hard_link(kernel, &kept).or_else(|_| fs::copy(kernel, &kept).map(|_| ()));
        linked.with_context(|| format!("cannot keep {}", kept.display()))?;
        Ok(kept)
    }
}

fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}
