//! Which modules of a kernel are needed for some of them, and in which order they are loaded.

use super::kernel::Kernel;
use crate::process;
use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSection};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// All modules of a kernel.
#[derive(Debug)]
pub struct Modules {
    release: String,
    files: BTreeMap<String, PathBuf>,
    built_in: BTreeSet<String>,
}

impl Modules {
    /// Looks what there is.
    pub fn of(kernel: &Kernel) -> Result<Self> {
        let folder = kernel.modules();
        let mut files = BTreeMap::new();
        collect(&folder.join("kernel"), &mut files)?;
        let list = folder.join("modules.builtin");
        let text = fs::read_to_string(&list);
        let text = text.with_context(|| format!("cannot read {}", list.display()))?;
        let built_in = text.lines().filter_map(|line| name(Path::new(line)));
        Ok(Self {
            release: kernel.release(),
            files,
            built_in: built_in.collect(),
        })
    }

    /// These and what they need, each before what needs it; none that is built in. Those whose
    /// names begin with a question mark need not be there.
    pub fn in_order(&self, wanted: &[&str]) -> Result<Vec<Vec<u8>>> {
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for name in wanted {
            let (name, optional) = match name.strip_prefix('?') {
                Some(name) => (name, true),
                None => (*name, false),
            };
            if !optional || self.files.contains_key(name) {
                self.visit(name, &mut seen, &mut order)?;
            }
        }
        Ok(order)
    }

    fn visit(
        &self,
        name: &str,
        seen: &mut BTreeSet<String>,
        order: &mut Vec<Vec<u8>>,
    ) -> Result<()> {
        if self.built_in.contains(name) || !seen.insert(name.to_owned()) {
            return Ok(());
        }
        let Some(file) = self.files.get(name) else {
            bail!("Linux {} has no driver {name}", self.release);
        };
        let content = content(file)?;
        for needed in depends(&content)? {
            self.visit(&needed, seen, order)?;
        }
        order.push(content);
        Ok(())
    }
}

/// The files of modules in a folder and below.
fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if let Some(name) = name(&path) {
            files.insert(name, path);
        }
    }
    Ok(())
}

/// A module's name, in which Linux takes a dash for an underscore.
fn name(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let (name, _) = file.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

/// The module itself, unpacked.
pub(super) fn content(file: &Path) -> Result<Vec<u8>> {
    if file.extension().is_none_or(|it| it != "xz") {
        return fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    }
    let output = process::output_of(Command::new("xz").arg("-dc").arg(file))?;
    ensure!(output.status.success(), "cannot unpack {}", file.display());
    Ok(output.stdout)
}

/// What a module says that it needs (`depends=` in its section of information).
fn depends(module: &[u8]) -> Result<Vec<String>> {
    let file = object::File::parse(module).context("a module is no ELF file")?;
    let section = file.section_by_name(".modinfo");
    let text = section.context("a module says nothing of itself")?.data()?;
    let lines = text.split(|byte| *byte == 0);
    let depends = lines.filter_map(|line| line.strip_prefix(b"depends="));
    let names = depends.flat_map(|line| line.split(|byte| *byte == b','));
    let names = names.filter(|name| !name.is_empty());
    Ok(names
        .map(|name| String::from_utf8_lossy(name).replace('-', "_"))
        .collect())
}
