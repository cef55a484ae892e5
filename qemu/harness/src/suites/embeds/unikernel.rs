//! The unikernel of `examples/`: small, whole, and it keeps what it acknowledged, also as a copy
//! outside the workspace.

use crate::{
    arch::Arch,
    machine::Trace,
    report::{Case, Suite, Verdict},
    setup,
    suites::virtio::syncs,
    toolchain::{self, Toolchain},
    unikernel::{self, Device, Said, Trial},
    workspace,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What the example may be long, in lines.
const LONGEST: usize = 300;
const FILES: [&str; 4] = ["Cargo.toml", "build.rs", "src/main.rs", "src/store.rs"];
/// The line of a copy's manifest that its owner changes, and into what.
const PATH: &str = r#"{ path = "../../qemu/runtime","#;
const VERSION: &str = r#"{ version = "0.1","#;
/// The store that makes a record count.
const COMMIT: &str = "self.map.write(at.cast(), commit(record, &text.bytes))?;";

/// Numbers until the power is cut.
const TICKS: usize = 20;

/// Boots it on every instruction set and device.
pub fn run() -> Result<Vec<Suite>> {
    let mut suites = vec![outside()?];
    for arch in Arch::ALL {
        let kernel = unikernel::build(arch)?;
        let mut suite = Suite::new("unikernel", Some(arch), None);
        for &device in Device::of(arch) {
            let [first, second, third] = three(&kernel, arch, device)?;
            let name = device.name();
            suite.add(Case::from_result(
                format!("{name}: the second boot knows the first one's"),
                second.follows(&first),
            ));
            suite.add(Case::from_result(
                format!("{name}: after a cut, the third one knows the second one's"),
                third.follows(&second).and_then(|()| note(&third)),
            ));
            suite.add(Case::check(
                format!("negative control, {name}: another order of the boots is told"),
                first.follows(&second).is_err() && third.follows(&first).is_err(),
                "it was not",
            ));
        }
        suites.push(suite);
    }
    suites.push(arceos()?);
    Ok(suites)
}

/// The example on ArceOS's platform crates, which counts until its power is cut.
fn arceos() -> Result<Suite> {
    let mut suite = Suite::new("arceos", Some(Arch::X86_64), None);
    let name = "after a cut, the second boot knows the first one's";
    let kernel = match unikernel::build_arceos()? {
        Ok(kernel) => kernel,
        Err(why) => {
            let name = name.to_owned();
            let verdict = Verdict::Skipped(why);
            suite.add(Case { name, verdict });
            return Ok(suite);
        }
    };
    let device = Device::Nvdimm;
    let trial = Trial {
        kernel: &kernel,
        machine: device.machine(Arch::X86_64),
        device,
        loud: false,
    };
    let image = device.image()?;
    let first = trial.boot(&image, "", Some(TICKS))?;
    let second = trial.boot(&image, "", Some(TICKS))?;
    suite.add(Case::from_result(name, second.follows(&first)));
    let other = trial.boot(&device.image()?, "", Some(1))?;
    suite.add(Case::check(
        "negative control: a boot with another image is told",
        other.follows(&first).is_err(),
        "it was not",
    ));
    Ok(suite)
}

/// Two boots to their ends, and one that is cut in between.
fn three(kernel: &Path, arch: Arch, device: Device) -> Result<[Said; 3]> {
    let trial = Trial {
        kernel,
        machine: device.machine(arch),
        device,
        loud: false,
    };
    let image = device.image()?;
    let boots = [
        trial.boot(&image, "note=kept", None),
        trial.boot(&image, "ticks=1000000", Some(TICKS)),
        trial.boot(&image, "", None),
    ];
    let [first, second, third] = boots;
    let context = || format!("{arch} with {}", device.name());
    Ok([
        first.with_context(context)?,
        second.with_context(context)?,
        third.with_context(context)?,
    ])
}

fn note(said: &Said) -> Result<(), String> {
    match said.lines.iter().any(|line| line == "    note = kept") {
        true => Ok(()),
        false => Err("the note is gone".to_owned()),
    }
}

/// A copy of the folder, where no workspace is.
fn outside() -> Result<Suite> {
    let mut suite = Suite::new("unikernel", None, None);
    let folder = workspace::root().join("examples/unikernel");
    let mut lines = 0;
    for file in FILES.into_iter().filter(|file| file.ends_with(".rs")) {
        lines += fs::read_to_string(folder.join(file))?.lines().count();
    }
    suite.add(Case::check(
        format!("it has fewer than {LONGEST} lines"),
        lines < LONGEST,
        format!("it has {lines}"),
    ));

    let device = Device::VirtioPmem;
    let copy = built_outside(&folder, &[])?;
    let [first, second, _] = three(&copy.kernel, Arch::X86_64, device)?;
    suite.add(Case::from_result(
        "a copy with a version in the place of the path builds, and keeps what it acknowledged",
        second.follows(&first),
    ));
    let broken = built_outside(&folder, &[(COMMIT, "")])?;
    let [first, second, _] = three(&broken.kernel, Arch::X86_64, device)?;
    suite.add(Case::check(
        "negative control: a copy that commits nothing is told",
        second.follows(&first).is_err(),
        "it was not",
    ));

    let name = "virtio-pmem: QEMU syncs twice for each record";
    let control = "negative control: one sync for each record is told";
    if setup::has_strace() {
        suite.add(Case::from_result(name, synced(&copy.kernel)?));
        let told = synced(&broken.kernel)?.is_err();
        suite.add(Case::check(control, told, "it was not"));
    } else {
        for name in [name, control] {
            suite.add(Case {
                name: name.to_owned(),
                verdict: Verdict::Skipped("there is no strace, or it may not trace".to_owned()),
            });
        }
    }
    Ok(suite)
}

/// Whether the host synced its file for the content of each record, and for its commit word: a
/// killed QEMU leaves the host's page cache, so that the bytes are there proves no sync.
fn synced(kernel: &Path) -> Result<Result<(), String>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("trace");
    let device = Device::VirtioPmem;
    let mut machine = device.machine(Arch::X86_64);
    machine.trace = Some(Trace {
        path: path.clone(),
        failing: false,
    });
    let trial = Trial {
        kernel,
        machine,
        device,
        loud: false,
    };
    let said = trial.boot(&device.image()?, "ticks=1000000", Some(TICKS))?;
    let records = said.acknowledged.unwrap_or(0);
    let syncs = syncs(&path)? as u64;
    Ok(match syncs >= 2 * records {
        true => Ok(()),
        false => Err(format!("{syncs} syncs for {records} records")),
    })
}

/// A kernel in a folder that goes with it.
struct Copy {
    kernel: PathBuf,
    _folder: tempfile::TempDir,
}

/// Copies the example, changes what its owner would and what `changes` say, and builds it as if the
/// registry had the runtime.
fn built_outside(folder: &Path, changes: &[(&str, &str)]) -> Result<Copy> {
    let copy = tempfile::tempdir()?;
    fs::create_dir(copy.path().join("src"))?;
    for file in FILES {
        let mut text = fs::read_to_string(folder.join(file))?;
        for (from, to) in [(PATH, VERSION)].iter().chain(changes) {
            text = text.replace(from, to);
        }
        fs::write(copy.path().join(file), text)?;
    }
    // The versions that are there already: cargo is not to look for newer ones.
    let lock = "Cargo.lock";
    fs::copy(workspace::root().join(lock), copy.path().join(lock))?;

    let toolchain = Toolchain::require(Arch::X86_64)?;
    let mut build = toolchain.cargo_for(Arch::X86_64, "build");
    let runtime = workspace::root().join("qemu/runtime");
    let patch = format!("patch.crates-io.kpmem-runtime.path={runtime:?}");
    build
        .current_dir(copy.path())
        .args(["--release", "--offline", "--config", &patch])
        .env("CARGO_TARGET_DIR", workspace::target().join("outside"));
    let mut built = toolchain::executables(build).context("the copy does not build")?;
    let built = built
        .remove("unikernel")
        .context("the copy has no program")?;
    // The next copy is built to the same place.
    let kernel = copy.path().join("unikernel");
    fs::copy(built, &kernel)?;
    Ok(Copy {
        kernel,
        _folder: copy,
    })
}
