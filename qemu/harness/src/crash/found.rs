//! A failure with where it came from: its name, its page.

use super::plan::{Job, Own};
use crate::{caller, page};
use kpmem_findings::Failure;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A failure, and where it came from.
#[derive(Debug)]
pub struct Found {
    /// The run.
    pub job: Job,
    /// What was wrong.
    pub failure: Failure,
}

impl Found {
    /// What its page says besides; `kernels` are those that were simulated, by instruction set.
    pub fn context(&self, kernels: &BTreeMap<&'static str, PathBuf>) -> page::Context {
        let Self { job, failure } = self;
        let kernel = kernels.get(job.cpu.arch.name()).cloned();
        let own = match (&job.own, &kernel) {
            (Some(own), Some(kernel)) => options(own, kernel),
            _ => String::new(),
        };
        let platform = job.platform.iter();
        let platform: String = platform
            .map(|(key, value)| format!(" --{key} {value}"))
            .collect();
        page::Context {
            arch: job.cpu.arch,
            workload: job.workload.clone(),
            profile: job.profile.to_owned(),
            line: job.cpu.line,
            seed: failure.workload,
            mutant: (job.mutant != "none").then(|| job.mutant.clone()),
            replay: job
                .own
                .as_ref()
                .and_then(|own| own.again.clone())
                .unwrap_or_else(|| format!("{} {}{own}{platform}", caller::replay(), self.id())),
            kernel,
        }
    }

    /// Its name, from which it is found again.
    pub fn id(&self) -> String {
        let Failure {
            workload,
            id,
            schedule,
            ..
        } = &self.failure;
        let schedule = schedule.iter().map(|name| format!(".{name}"));
        let schedule: String = schedule.collect();
        format!("{}{schedule}.{id}", self.job.id(*workload))
    }
}

/// The options that run a kernel in the same way again.
fn options(own: &Own, kernel: &Path) -> String {
    let mut text = format!(" --kernel {}", kernel.display());
    let mut add = |is: bool, option: String| text += if is { &option } else { "" };
    add(!own.args.is_empty(), format!(" --args '{}'", own.args));
    add(own.smp > 1, format!(" --smp {}", own.smp));
    add(own.size != 1 << 20, format!(" --size {}", own.size));
    if let Some(model) = &own.model {
        add(true, format!(" --cpu {model}"));
    }
    text
}
