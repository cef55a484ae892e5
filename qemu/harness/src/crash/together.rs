//! Seeded bugs that share a boot: each has seeds of its own. A boot costs more than most of them.

use super::{done::Done, found::Found, plan::Job};

/// Workloads whose bugs show as claims that do not hold, after which the kernel goes on as before.
const SHARED: [&str; 2] = ["contract", "copies"];

/// Jobs, each of one or more of these.
pub fn join(jobs: &[Job]) -> Vec<Job> {
    let mut joined: Vec<Job> = Vec::new();
    for job in jobs {
        let is_shared = SHARED.contains(&job.workload.as_str()) && !job.traps();
        let like = |other: &Job| {
            let mutant = other.mutant.clone();
            Job {
                mutant,
                ..job.clone()
            } == *other
                && !other.traps()
        };
        match joined.iter_mut().find(|other| is_shared && like(other)) {
            Some(other) => other.mutant = format!("{}+{}", other.mutant, job.mutant),
            None => joined.push(job.clone()),
        }
    }
    joined
}

/// What a job of several bugs came to, for each of them.
pub fn part(job: &Job, mut done: Done) -> Vec<(Job, Done)> {
    let mut parts = Vec::new();
    for (mutant, nth) in job.mutant.split('+').zip(0..) {
        let one = Job {
            mutant: mutant.to_owned(),
            seed: job.seed + nth * job.runs,
            ..job.clone()
        };
        let seeds = one.seed..one.seed + one.runs;
        let (runs, others) = (done.runs.into_iter()).partition(|run| seeds.contains(&run.seed));
        done.runs = others;
        let is_own = |found: &Found| seeds.contains(&found.failure.workload);
        let (mut found, others): (Vec<_>, _) = done.found.into_iter().partition(is_own);
        done.found = others;
        found.iter_mut().for_each(|found| found.job = one.clone());
        parts.push((
            one,
            Done {
                runs,
                found,
                broken: done.broken.clone(),
            },
        ));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{super::plan::CPUS, *};

    fn job(workload: &str, mutant: &str) -> Job {
        Job {
            mutant: mutant.to_owned(),
            ..Job::new(CPUS[0], workload, "px86", 1, 3)
        }
    }

    #[test]
    fn bugs_of_one_workload_share_a_boot() {
        let jobs = [
            job("contract", "a"),
            job("log", "b"),
            job("contract", "c"),
            job("contract", "cpuid-bit-wrong"),
            Job {
                profile: "amd",
                ..job("contract", "d")
            },
            job("log", "e"),
            job("copies", "f"),
        ];
        let joined = join(&jobs);
        let names: Vec<_> = joined.iter().map(|job| job.mutant.as_str()).collect();
        assert_eq!(names, ["a+c", "b", "cpuid-bit-wrong", "d", "e", "f"]);
        let parts = |job| part(job, Done::default()).into_iter().map(|(it, _)| it);
        let seeds: Vec<_> = parts(&joined[0]).map(|it| (it.mutant, it.seed)).collect();
        assert_eq!(seeds, [("a".to_owned(), 1), ("c".to_owned(), 4)]);
        assert_eq!(parts(&joined[1]).collect::<Vec<_>>(), [jobs[1].clone()]);
    }
}
