//! A failure with where it came from: its name, its page.

use super::plan::Job;
use crate::{findings::Failure, page};
use std::{collections::BTreeMap, path::PathBuf};

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
        let own = match (&job.own_args, &kernel) {
            (Some(args), Some(kernel)) => format!(" --kernel {} --args '{args}'", kernel.display()),
            _ => String::new(),
        };
        page::Context {
            arch: job.cpu.arch,
            workload: job.workload.clone(),
            profile: job.profile.to_owned(),
            line: job.cpu.line,
            seed: failure.workload,
            mutant: (job.mutant != "none").then(|| job.mutant.clone()),
            replay: format!("cargo xtask crash --replay {}{own}", self.id()),
            kernel,
        }
    }

    /// Its name, from which it is found again.
    pub fn id(&self) -> String {
        format!("{}.{}", self.job.id(self.failure.workload), self.failure.id)
    }
}
