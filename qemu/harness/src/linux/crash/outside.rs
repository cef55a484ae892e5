//! Programs that cannot be changed: marks by a command in the guest, and recovery by another.

use super::{Trial, compile};
use crate::{
    arch::Arch,
    crash::simulate::Tried,
    linux::{
        files::Given,
        guest::{Spec, quoted},
    },
};
use anyhow::Result;
use std::path::PathBuf;

/// A program, and the shell command that recovers from each crash image.
pub fn with_recovery(trial: Trial, recover: &str) -> Result<Trial> {
    let mark = Given {
        host: mark(trial.spec.arch)?,
        guest: "/usr/bin/kpmem-mark".to_owned(),
    };
    let mut files = trial.spec.files.clone();
    files.push(mark);
    let loop_ = include_str!("../guest/recover.sh");
    Ok(Trial {
        spec: Spec {
            files,
            script: format!("recover={}\n{loop_}", quoted(recover)),
            ..trial.spec
        },
        // A command takes a fraction of a second.
        tried: Tried::FewAtMarks,
        ..trial
    })
}

/// The command `kpmem-mark`.
pub fn mark(arch: Arch) -> Result<PathBuf> {
    compile::alone(arch, "kpmem-mark", "mark.c")
}
