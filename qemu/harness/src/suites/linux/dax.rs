//! Real DAX: what kpmem-vmm and libpmem2 make of a file of ext4 in an NVDIMM, under Debian's
//! kernel. A file system in RAM is the negative control. Skipped where packages or compiler cannot
//! be had.

use crate::{
    arch::Arch,
    capi,
    linux::{
        console,
        files::Given,
        guest::{Guest, Spec},
        kernel::Kernel,
        nvdimm::Nvdimm,
    },
    process,
    report::{Case, Suite, Verdict},
    toolchain::{self, Toolchain},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A boot takes some seconds; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(240);

/// Prints a map's granularity, in libpmem2's numbers.
const PROGRAM: &str = "
#define _GNU_SOURCE
#include <fcntl.h>
#include <libpmem2.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
	struct pmem2_source *source;
	struct pmem2_config *config;
	struct pmem2_map *map;

	if (fd < 0 || ftruncate(fd, 1 << 21) || pmem2_source_from_fd(&source, fd) ||
	    pmem2_config_new(&config) ||
	    pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE) ||
	    pmem2_map_new(&map, config, source)) {
		printf(\"%s\\n\", pmem2_errormsg());
		return 1;
	}
	pmem2_get_persist_fn(map)(pmem2_map_get_address(map), 100);
	printf(\"%s: %d\\n\", argv[1], (int)pmem2_map_get_store_granularity(map));
	return 0;
}
";

/// What the guest runs.
const COMMAND: &str =
    "/files/probe /pmem; /files/probe /; /files/granularity /pmem/file; /files/granularity /file";

/// What it says: cache lines (1) on DAX, pages (2) elsewhere.
const SAID: [(&str, &str); 4] = [
    (
        "kpmem-vmm writes cache lines of a DAX file back",
        "/pmem: clwb",
    ),
    (
        "negative control: it refuses a file in RAM",
        "Error: InMemory(\"tmpfs\")",
    ),
    (
        "libpmem2's map of a DAX file has cache-line granularity",
        "/pmem/file: 1",
    ),
    (
        "negative control: a map of another file has page granularity",
        "/file: 2",
    ),
];

/// Runs it.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("DAX", Some(Arch::X86_64), None);
    let fetched = Kernel::for_guest(Arch::X86_64, None).map(drop);
    let compiler = process::find("cc").context("there is no C compiler");
    if let Err(why) = fetched.and(compiler) {
        suite.add(Case {
            name: "files of ext4 with DAX".to_owned(),
            verdict: Verdict::Skipped(format!("{why:#}")),
        });
        return Ok(suite);
    }
    let folder = tempfile::tempdir().context("cannot make a directory for programs")?;
    let said = said(folder.path())?;
    for (name, line) in SAID {
        let found = said.lines().any(|it| it == line);
        suite.add(Case::check(name, found, format!("no {line:?} in {said:?}")));
    }
    Ok(suite)
}

fn said(folder: &Path) -> Result<String> {
    let files = [probe()?, granularity(folder)?].map(|path| given(&path));
    let command = ["sh", "-c", COMMAND].map(str::to_owned);
    let guest = Guest::new(&Spec {
        files: files.into_iter().collect::<Result<_>>()?,
        command: command.to_vec(),
        ..Spec::new(Arch::X86_64, Nvdimm::Ext4)
    })?;
    let mut text = String::new();
    let ran = console::run(&guest, &guest.image()?, LIMIT, |more| text += more)?;
    ensure!(ran.status == 0, "it ended with {}: {text}", ran.status);
    Ok(text)
}

fn given(path: &Path) -> Result<Given> {
    Given::parse(&path.display().to_string()).map_err(anyhow::Error::msg)
}

/// kpmem-vmm's example, built as its tests are.
fn probe() -> Result<PathBuf> {
    let mut build = Toolchain::active()?.cargo("build");
    build.args(["--quiet", "--profile", "test", "--all-features"]);
    build.args(["--package", "kpmem-vmm", "--example", "probe"]);
    let built = toolchain::executables(build)?.remove("probe");
    built.context("the example was not built")
}

fn granularity(folder: &Path) -> Result<PathBuf> {
    let (source, program) = (folder.join("granularity.c"), folder.join("granularity"));
    fs::write(&source, PROGRAM)?;
    capi::headers()?;
    let library = capi::libpmem2::libraries()?.archive;
    let mut compile = Command::new("cc");
    compile
        .arg("-I")
        .arg(capi::include())
        .arg(&source)
        .arg(&library);
    process::run(compile.args(["-lpthread", "-o"]).arg(&program))?;
    Ok(program)
}
