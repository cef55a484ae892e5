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
    process,
    report::{Case, Suite, Verdict},
    setup, workspace,
};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use known::differences;
use twin::{Library, Program};

/// Where Debian's libpmem2-dev puts its headers.
const PEER_INCLUDE: &str = "/usr/include";

/// Runs all of it: without PMDK's library nothing but what needs none, without a C compiler nothing.
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
        bare: capi::library(Target::Host)?,
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
    fn program<'a>(&'a self, name: &str, library: Library<'a>) -> Program<'a> {
        let os = library != Library::Bare(&self.bare);
        Program {
            name: name.to_owned(),
            cpp: false,
            library,
            os,
            defines: Vec::new(),
            folder: &self.folder,
        }
    }

    /// The same, by a compiler for C++.
    fn as_cpp<'a>(&'a self, name: &str, library: Library<'a>) -> Program<'a> {
        let mut program = self.program(name, library);
        program.cpp = true;
        program
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
        let bare = Library::Bare(&self.bare);
        let mut peer_without = self.program("peer-bare", Library::Peer);
        peer_without.os = false;
        let peer = self.program("peer", Library::Peer);
        let mut control = self.program("control", shared);
        control.defines = vec!["CONTROL".to_owned()];
        for (name, left, right) in [
            (
                "a program in C does the same with our shared library",
                &peer,
                self.program("shared", shared),
            ),
            (
                "and with our static one, as C++",
                &peer,
                self.as_cpp("static", Library::Static(&self.libraries.archive)),
            ),
            (
                "one that was linked with PMDK's runs with ours",
                &peer,
                self.program("exchanged", Library::Exchanged(&self.libraries.shared)),
            ),
            (
                "without an OS it does the same",
                &peer_without,
                self.program("bare", bare),
            ),
            (
                "and as C++",
                &peer_without,
                self.as_cpp("bare-cpp", bare),
            ),
        ] {
            suite.add(Case::from_result(name, said(same(left, &right))));
        }
        suite.add(Case::check(
            "a library that copies one byte too few is seen",
            same(&peer, &control).is_err_and(|error| format!("{error:#}").contains("wrong")),
            "it was taken for the same",
        ));
    }
}

fn same(peer: &Program<'_>, ours: &Program<'_>) -> Result<()> {
    differences(&peer.output()?, &ours.output()?)
}

fn said(result: Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("{error:#}"))
}

/// Where the programs' sources are.
fn sources() -> PathBuf {
    workspace::root().join("libpmem2/tests/twin")
}
