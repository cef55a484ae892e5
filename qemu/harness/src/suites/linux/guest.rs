//! `cargo xtask linux`: a package's program in a guest of each instruction set, and what must not
//! pass for one. Skipped where the packages cannot be had.

use crate::{
    arch::Arch,
    linux::{
        console::{self, Hangs, Ran},
        guest::{Guest, Spec, oldest},
        kernel::Kernel,
        nvdimm::Nvdimm,
    },
    parallel,
    report::{Case, Suite, Verdict},
    setup::closure::closure,
};
use anyhow::{Context, Result, ensure};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

/// A boot takes some seconds; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(240);

/// Debian's package with a program that is linked to the C library.
const PACKAGE: &str = "hello";

/// What that says.
const HELLO: &str = "Hello, world!";

/// The packages' program, whether files are mapped by DAX, and an exit status of its own.
const PERSISTENT: &str = "#!/bin/sh
hello
grep -o 'ext4.*dax=always' /proc/mounts
exit 7
";

/// The same, on the device as a whole.
const DEVICE: &str = "#!/bin/sh
hello
cat /sys/bus/dax/devices/dax0.0/size
";

/// The same, and then the kernel dies.
const PANIC: &str = "#!/bin/sh
hello
echo c > /proc/sysrq-trigger
";

/// What a script said, and how that ended.
struct Said {
    text: String,
    end: Result<Ran>,
}

/// Runs it.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("linux guests", None, None);
    let each = [
        (Arch::X86_64, Nvdimm::Ext4, PERSISTENT),
        (Arch::Aarch64, Nvdimm::Devdax, DEVICE),
        (Arch::Riscv64, Nvdimm::Plain, PANIC),
    ];
    let folder = tempfile::tempdir()?;
    // All are made first: two at a time would download the same.
    let mut guests = Vec::new();
    for (arch, nvdimm, script) in each {
        if let Err(error) = fetch(arch) {
            suite.add(Case {
                name: format!("{arch}: a program of Debian's"),
                verdict: Verdict::Skipped(format!("it cannot be had: {error:#}")),
            });
            continue;
        }
        guests.push((arch, guest(arch, nvdimm, script, folder.path())?));
    }
    let said = parallel::map(&guests, |(_, guest)| say(guest, LIMIT));
    for ((arch, _), said) in guests.iter().zip(said) {
        let result = said.and_then(|said| match arch {
            Arch::X86_64 => persistent(&said),
            Arch::Aarch64 => device(&said),
            Arch::Riscv64 => panics(&said),
        });
        let name = match arch {
            Arch::X86_64 => "a program on ext4 with DAX, and its exit status",
            Arch::Aarch64 => "a program, and device DAX",
            Arch::Riscv64 => "a program, and negative control: a kernel that panics is told",
        };
        let result = result.map_err(|error| format!("{error:#}"));
        suite.add(Case::from_result(format!("{arch}: {name}"), result));
    }
    if let Some((_, guest)) = guests.first() {
        let hangs = say(guest, Duration::from_millis(100)).map(|said| said.end);
        let told = matches!(&hangs, Ok(Err(error)) if error.is::<Hangs>());
        let why = format!("{hangs:?}");
        suite.add(Case::check(
            "negative control: a guest that hangs is told",
            told,
            why,
        ));
    }
    Ok(suite)
}

/// Whether the packages can be had; by then they are there.
fn fetch(arch: Arch) -> Result<()> {
    Kernel::for_guest(arch, None)?;
    closure(arch, oldest(arch), &[PACKAGE.to_owned()])?;
    Ok(())
}

fn guest(arch: Arch, nvdimm: Nvdimm, script: &str, folder: &Path) -> Result<Guest> {
    let file = folder.join(arch.name());
    fs::write(&file, script)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Guest::new(&Spec {
        packages: vec![PACKAGE.to_owned()],
        command: vec![file.display().to_string()],
        ..Spec::new(arch, nvdimm)
    })
}

fn say(guest: &Guest, limit: Duration) -> Result<Said> {
    let mut text = String::new();
    let image = guest.image()?;
    let end = console::run(guest, &image, limit, |more| text += more);
    Ok(Said { text, end })
}

/// The status and the text of a script that came to its end.
fn ended(said: &Said, status: u8) -> Result<Vec<&str>> {
    let ran = said
        .end
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{error:#}"))?;
    ensure!(
        ran.status == status,
        "its exit status is {}, not {status}",
        ran.status
    );
    let mut lines = said.text.lines();
    ensure!(lines.next() == Some(HELLO), "it said {:?}", said.text);
    Ok(lines.collect())
}

fn persistent(said: &Said) -> Result<()> {
    let lines = ended(said, 7)?;
    ensure!(lines.len() == 1, "ext4 has no DAX: {lines:?}");
    Ok(())
}

fn device(said: &Said) -> Result<()> {
    let lines = ended(said, 0)?;
    // All of it but Linux's description, 2 MiB.
    let size = Nvdimm::Devdax.default_size() - (2 << 20);
    ensure!(
        lines == [size.to_string()],
        "the device has {lines:?} bytes"
    );
    Ok(())
}

fn panics(said: &Said) -> Result<()> {
    ensure!(said.text.starts_with(HELLO), "it said {:?}", said.text);
    let error = said
        .end
        .as_ref()
        .err()
        .context("a panic passed for an end")?;
    ensure!(
        error.to_string().contains("panicked"),
        "it ended so: {error:#}"
    );
    Ok(())
}
