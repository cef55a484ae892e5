//! The packages by which `kpmem-crash` gets into the registry, and the archive of sources in it.

use crate::{process, suites::host::PROFILES, toolchain::Toolchain, workspace};
use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use cpio::newc::Reader;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The tool and its parts. Each depends on those before it, and on [`LIBRARIES`].
pub const PACKAGES: [&str; 5] = [
    "kpmem-log",
    "kpmem-findings",
    "kpmem-model",
    "kpmem-harness",
    TOOL,
];
/// What they need of the published libraries.
pub const LIBRARIES: [&str; 2] = ["kpmem-marks", "kpmem"];
/// The tool itself.
pub const TOOL: &str = "kpmem-crash";
/// The archive in its package.
pub const ARCHIVE: &str = "sources.cpio";

/// Files by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Puts the archive of the sources, as they are now, where the tool's package has it.
pub fn write_archive() -> Result<Vec<u8>> {
    let archive = fs::read(build()?.join(ARCHIVE)).context("the build made no archive")?;
    let to = workspace::root().join("qemu").join(TOOL).join(ARCHIVE);
    // A file that is written anew is a reason to build the tool again.
    if !fs::read(&to).is_ok_and(|old| old == archive) {
        fs::write(&to, &archive).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(archive)
}

/// Builds the tool, whose build script makes the archive, and returns that script's folder.
fn build() -> Result<PathBuf> {
    let mut build = Toolchain::active()?.cargo("build");
    build.args(PROFILES).args(["--package", TOOL]);
    build.args(["--quiet", "--message-format=json-render-diagnostics"]);
    let output = process::output_of(build.stderr(Stdio::inherit()))?;
    if !output.status.success() {
        bail!("{build:?} failed ({})", output.status);
    }
    let messages = Message::parse_stream(&output.stdout[..]);
    let mut scripts = messages.filter_map(|message| match message {
        Ok(Message::BuildScriptExecuted(script)) => Some(script),
        _ => None,
    });
    let ours = scripts.find(|script| script.package_id.repr.contains(TOOL));
    Ok(ours
        .with_context(|| format!("{TOOL} has no build script"))?
        .out_dir
        .into())
}

/// Packages the tool and its parts, and does not build what was packaged.
pub fn package() -> Result<()> {
    let mut command = Toolchain::active()?.cargo("package");
    // The archive is in no commit. What else is not, the caller has to say.
    command.args(["--no-verify", "--allow-dirty", "--color", "never"]);
    let names = LIBRARIES.iter().chain(&PACKAGES);
    command.args(names.flat_map(|name| ["--package", name]));
    process::stdout_of(&mut command).map(drop)
}

/// A package that was made.
#[derive(Debug)]
pub struct Packed {
    name: String,
    path: PathBuf,
}

impl Packed {
    /// The one of this name and version.
    pub fn of(name: &str, version: &str) -> Self {
        let name = format!("{name}-{version}");
        let path = workspace::target()
            .join("package")
            .join(format!("{name}.crate"));
        Self { name, path }
    }

    /// Its size in bytes.
    pub fn size(&self) -> Result<u64> {
        let metadata = fs::metadata(&self.path);
        Ok(metadata
            .with_context(|| format!("no {}", self.path.display()))?
            .len())
    }

    /// What is in it.
    pub fn files(&self) -> Result<Files> {
        let folder = tempfile::tempdir()?;
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(&self.path).arg("-C").arg(folder.path());
        process::stdout_of(&mut tar)?;
        let root = folder.path().join(&self.name);
        let (mut files, mut left) = (Files::new(), vec![root.clone()]);
        while let Some(path) = left.pop() {
            if path.is_dir() {
                for entry in fs::read_dir(path)? {
                    left.push(entry?.path());
                }
            } else {
                let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
                files.insert(name, fs::read(&path)?);
            }
        }
        Ok(files)
    }
}

/// What is in an archive of sources.
pub fn unpacked(mut archive: &[u8]) -> Result<Files> {
    let mut files = Files::new();
    loop {
        let mut entry = Reader::new(archive).context("the archive is not whole")?;
        if entry.entry().is_trailer() {
            return Ok(files);
        }
        let name = entry.entry().name().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(name, content);
        archive = entry.finish()?;
    }
}

/// Those of the files that are not in the checkout as git's last commit has them.
pub fn uncommitted(files: &Files) -> Result<Vec<String>> {
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        process::stdout_of(git.args(words).current_dir(workspace::root()))
    };
    let known = git(&["ls-files"])?;
    let known: BTreeSet<_> = known.lines().collect();
    let changed = git(&["diff", "--name-only", "HEAD"])?;
    let changed: BTreeSet<_> = changed.lines().collect();
    let names = files.keys().map(String::as_str);
    let lacking = names.filter(|name| !known.contains(name) || changed.contains(name));
    Ok(lacking.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpio::newc::{Builder, trailer};
    use std::io::Write;

    #[test]
    fn an_archive_is_read_whole_or_not() {
        let mut archive = Vec::new();
        for (name, content) in [("a", "one"), ("b/c", "")] {
            let mut entry = Builder::new(name).write(&mut archive, content.len() as u32);
            entry.write_all(content.as_bytes()).unwrap();
            entry.finish().unwrap();
        }
        let archive = trailer(archive).unwrap();
        let files = unpacked(&archive).unwrap();
        assert_eq!(files["a"], b"one");
        assert_eq!(files["b/c"], b"");
        assert_eq!(files.len(), 2);
        for end in [0, 60, 120, archive.len() / 2] {
            assert!(unpacked(&archive[..end]).is_err(), "{end}");
        }
    }
}
