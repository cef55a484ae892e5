//! libpmem2's names: the header, the symbols, and a program that does the same with PMDK's library
//! and with ours.

mod header;
mod known;
mod symbols;
mod twin;

use crate::{
    capi::{
        self,
        archive::Target,
        libpmem2::{Libraries, libraries},
    },
    parallel, process,
    report::{Case, Suite, Verdict},
    setup, workspace,
};
use anyhow::{Context, Result, bail};
use known::differences;
use std::path::{Path, PathBuf};
use twin::{Library, Program};

/// Where Debian's libpmem2-dev puts its headers.
const PEER_INCLUDE: &str = "/usr/include";

/// Runs all of it: without PMDK's library what needs none, without a C compiler nothing.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("libpmem2", None, None);
    if let Some(compiler) = ["cc", "c++"]
        .iter()
        .find(|name| process::find(name).is_none())
    {
        suite.add(skipped("all", &format!("{compiler} is not installed")));
        return Ok(suite);
    }
    capi::headers()?;
    let folder = tempfile::tempdir().context("cannot make a directory for programs")?;
    let built = Built {
        libraries: libraries()?,
        bare: capi::library(Target::Host, false)?,
        folder: folder.path().to_owned(),
    };
    built.alone(&mut suite);
    if setup::has_libpmem2() {
        built.beside_the_peer(&mut suite);
    } else {
        suite.add(skipped("beside PMDK's", "its library is not installed"));
    }
    Ok(suite)
}

fn skipped(name: &str, why: &str) -> Case {
    Case {
        name: name.to_owned(),
        verdict: Verdict::Skipped(why.to_owned()),
    }
}

/// What is tested, and a folder for programs and their files.
struct Built {
    libraries: Libraries,
    bare: PathBuf,
    folder: PathBuf,
}

impl Built {
    fn program<'a>(&'a self, name: &'static str, library: Library<'a>) -> Program<'a> {
        Program::new(name, library, &self.folder)
    }

    /// What needs no other library.
    fn alone(&self, suite: &mut Suite) {
        let include = capi::include();
        suite.add(Case::from_result(
            "the header's types and values are as listed",
            said(header::listed(&include, &self.folder)),
        ));
        suite.add(Case::from_result(
            "another value is seen",
            said(header::wrong_value(&include, &self.folder)),
        ));
        suite.add(Case::from_result(
            "no symbol but libpmem2's",
            said(symbols::only_ours(&self.libraries)),
        ));
    }

    fn beside_the_peer(&self, suite: &mut Suite) {
        let (ours, peer) = (capi::include(), Path::new(PEER_INCLUDE));
        for (name, result) in [
            (
                "PMDK's header has the same types and values",
                header::listed(peer, &self.folder),
            ),
            (
                "and the same constants",
                header::same_constants(&ours, peer, &self.folder),
            ),
            (
                "and the same functions",
                header::same_functions(&ours, peer, &self.folder),
            ),
            (
                "a program finds the same symbols",
                symbols::same(&self.libraries),
            ),
        ] {
            suite.add(Case::from_result(name, said(result)));
        }
        let shared = Library::Shared(&self.libraries.shared);
        let archive = Library::Static(&self.libraries.archive);
        let exchanged = Library::Exchanged(&self.libraries.shared);
        let bare = Library::Bare(&self.bare);
        let programs = [
            self.program("peer", Library::Peer),
            self.program("shared", shared),
            self.program("static", archive).in_cpp(),
            self.program("exchanged", exchanged),
            self.program("control", shared).with("CONTROL"),
            self.program("peer-bare", Library::Peer).without_os(),
            self.program("bare", bare).without_os(),
            self.program("bare-cpp", bare).without_os().in_cpp(),
        ];
        let outputs = parallel::map(&programs, Program::output);
        let same = |one: usize, other: usize| match (&outputs[one], &outputs[other]) {
            (Ok(peer), Ok(ours)) => differences(peer, ours),
            (Err(error), _) | (_, Err(error)) => bail!("{error:#}"),
        };
        for (name, one, other) in [
            ("a program in C does the same with our shared library", 0, 1),
            ("and with our static one, in C++", 0, 2),
            ("one that was linked with PMDK's does it with ours", 0, 3),
            ("without an OS it does the same", 5, 6),
            ("and in C++", 5, 7),
        ] {
            suite.add(Case::from_result(name, said(same(one, other))));
        }
        let seen = same(0, 4).is_err_and(|error| format!("{error:#}").contains(" wrong"));
        suite.add(Case::check(
            "a library that copies a byte too few is seen",
            seen,
            "it was taken for the same",
        ));
    }
}

fn said(result: Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("{error:#}"))
}

/// Where the programs' sources are.
fn sources() -> PathBuf {
    workspace::root().join("libpmem2/tests/twin")
}
