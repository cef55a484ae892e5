//! libpmemobj's examples, out of Debian's package, with a driver of ours around each.

use super::{
    Trial, compile, storage,
    workload::{DEVICE, SIZE},
};
use crate::{
    arch::Arch,
    crash::simulate::Tried,
    linux::{guest::Spec, nvdimm::Nvdimm},
    workspace,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The examples that are a program of one file.
const PROGRAMS: [(&str, &str); 4] = [
    ("btree", "btree.c"),
    ("lists", "lists.c"),
    ("fifo", "linkedlist/fifo.c"),
    ("queue", "queue/queue.c"),
];
/// The maps, each of which is behind the same program.
const MAPS: [&str; 7] = [
    "btree_map",
    "rbtree_map",
    "rtree_map",
    "skiplist_map",
    "hashmap_tx",
    "hashmap_atomic",
    "hashmap_rp",
];
/// Where the maps' sources are, and what else is there that has a `main`.
const MAP_FOLDERS: [&str; 4] = ["map", "hashmap", "tree_map", "list_map"];
const OTHER_PROGRAMS: [&str; 3] = ["mapcli.c", "data_store.c", "kv_server.c"];

/// One of them: `EXAMPLE OPERATIONS [careless]`.
pub fn example(arch: Arch, words: &[&str]) -> Result<Trial> {
    let names: Vec<_> = PROGRAMS.iter().map(|(name, _)| *name).chain(MAPS).collect();
    let (name, _) = storage::checked("libpmemobj", words, &names, &storage::CARELESS)?;
    let mut command = vec![
        program(arch, name)?.display().to_string(),
        DEVICE.to_owned(),
    ];
    command.extend(words.iter().map(|word| (*word).to_owned()));
    let spec = Spec {
        size: SIZE,
        packages: vec!["libpmemobj1".to_owned()],
        command,
        ..Spec::new(arch, Nvdimm::Devdax)
    };
    Ok(Trial {
        // To open a pool takes half a second of emulation.
        tried: Tried::FewAtMarks,
        ..Trial::new(spec, &format!("libpmemobj-{}", words.join("-")))
    })
}

/// The example, compiled into the driver.
fn program(arch: Arch, name: &str) -> Result<PathBuf> {
    let examples = compile::sysroot(arch)?.join("usr/share/doc/libpmemobj-dev/examples");
    let own = PROGRAMS.iter().find(|(known, _)| *known == name);
    let (file, parts) = match own {
        Some((_, file)) => (*file, Vec::new()),
        None => ("map/mapcli.c", map_parts(&examples)?),
    };
    let sources = workspace::root().join("qemu");
    let driver = sources.join("harness/src/linux/guest/libpmemobj");
    let mut compile = compile::compiler(arch)?;
    compile.arg("-I").arg(sources.join("marks/include"));
    compile.arg("-I").arg(&driver).arg("-I").arg(&examples);
    for folder in MAP_FOLDERS {
        compile.arg("-I").arg(examples.join(folder));
    }
    // The examples' warnings are not ours.
    compile.arg("-w").arg(format!("-DPROGRAM=\"{file}\""));
    compile.arg(driver.join("examples.c")).args(parts);
    compile.args(["-no-pie", "-lpmemobj", "-lpmem", "-lc", "-l:crtn.o"]);
    let to = compile::folder(arch)?.join(format!("libpmemobj-{}", file.replace(['/', '.'], "-")));
    compile::finish(&mut compile, arch, to)
}

/// What the maps are made of.
fn map_parts(examples: &Path) -> Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for folder in MAP_FOLDERS {
        let folder = examples.join(folder);
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("the package has no {}", folder.display()))?;
        for entry in entries {
            let file = entry?.path();
            let other = OTHER_PROGRAMS.iter().any(|name| file.ends_with(name));
            if file.extension().is_some_and(|it| it == "c") && !other {
                parts.push(file);
            }
        }
    }
    parts.sort();
    Ok(parts)
}
