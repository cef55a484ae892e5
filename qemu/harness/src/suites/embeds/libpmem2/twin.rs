//! The twin program: one source, several libraries.

use super::{sources, symbols::HIDDEN};
use crate::{capi, process, tools::LIBPMEM2};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What the program is linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library<'a> {
    /// PMDK's, with what it hides.
    Peer,
    Shared(&'a Path),
    Static(&'a Path),
    /// PMDK's when it is linked, and this one when it runs.
    Exchanged(&'a Path),
    /// The one for bare metal.
    Bare(&'a Path),
}

#[derive(Clone, Debug)]
pub(super) struct Program<'a> {
    name: &'static str,
    library: Library<'a>,
    folder: &'a Path,
    cpp: bool,
    /// Whether it has the parts that need an OS.
    os: bool,
    define: Option<&'static str>,
}

/// A run takes a second or two; what hangs, does so in a child with a limit of its own.
const LIMIT: Duration = Duration::from_secs(60);

impl<'a> Program<'a> {
    /// The whole program, in C.
    pub(super) fn new(name: &'static str, library: Library<'a>, folder: &'a Path) -> Self {
        Self {
            name,
            library,
            folder,
            cpp: false,
            os: true,
            define: None,
        }
    }

    /// Compiled as C++.
    pub(super) fn in_cpp(self) -> Self {
        Self { cpp: true, ..self }
    }

    /// Without the parts that need an OS.
    pub(super) fn without_os(self) -> Self {
        Self { os: false, ..self }
    }

    /// With a name defined.
    pub(super) fn with(self, define: &'static str) -> Self {
        let define = Some(define);
        Self { define, ..self }
    }

    fn sources(&self) -> Vec<PathBuf> {
        let hosted = ["files", "rules", "reservations", "devices"];
        let hosted = hosted.into_iter().filter(|_| self.os);
        let all = ["main", "errors", "existing", "copies", "defects"].into_iter();
        all.chain(hosted)
            .map(|name| sources().join(format!("{name}.c")))
            .collect()
    }

    fn compile(&self) -> Result<PathBuf> {
        let program = self.folder.join(self.name);
        let mut command = Command::new(if self.cpp { "c++" } else { "cc" });
        if self.cpp {
            command.args(["-std=c++17", "-x", "c++"]);
        } else {
            command.arg("-std=c99");
        }
        command.args(["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        command.arg("-D_GNU_SOURCE");
        if !self.os {
            command.arg("-DNO_OS");
        }
        command.args(self.define.map(|name| format!("-D{name}")));
        if !matches!(self.library, Library::Peer | Library::Exchanged(_)) {
            command.arg("-I").arg(capi::include());
        }
        command.args(self.sources()).args(["-x", "none"]);
        match self.library {
            Library::Peer => command.args(self.peer()?),
            Library::Exchanged(_) => command.arg("-lpmem2"),
            Library::Shared(file) | Library::Static(file) | Library::Bare(file) => {
                command.arg(file)
            }
        };
        command.args(["-lpthread", "-ldl", "-o"]).arg(&program);
        process::run(&mut command).context("the twin program does not build")?;
        Ok(program)
    }

    /// PMDK's static library, in which `pmem2_err_to_errno` is local, with that made global; and
    /// what it needs, for which Debian's libpmem2 has no other names.
    fn peer(&self) -> Result<[PathBuf; 3]> {
        let (peer, copy) = (Path::new(LIBPMEM2), self.folder.join(self.name));
        let copy = copy.with_extension("a");
        let mut globalise = Command::new("objcopy");
        globalise.arg(format!("--globalize-symbol={HIDDEN}"));
        process::run(globalise.arg(peer).arg(&copy))?;
        let beside = |name| peer.with_file_name(name);
        Ok([copy, beside("libndctl.so.6"), beside("libdaxctl.so.1")])
    }

    /// What it prints, as lines.
    pub(super) fn output(&self) -> Result<Vec<String>> {
        let mut command = Command::new(self.compile()?);
        command.arg(self.folder);
        if let Library::Shared(file) | Library::Exchanged(file) = self.library {
            command.env("LD_LIBRARY_PATH", file.parent().context("no folder")?);
        }
        let output = process::output_within(&mut command, LIMIT)?;
        let lines = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
        if !output.status.success() || lines.last().is_none_or(|last| last != "end") {
            bail!(
                "{} did not come to its end ({}) after {:?}: {}",
                self.name,
                output.status,
                lines.last(),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(lines)
    }
}
