//! Litmus tests of the model itself: small programs with exactly the states that a crash may leave.
//!
//! A case is a line of text. Lines of memory are `a` to `d`, their 8-byte words `a0`..`a7`.
//! - `a0=1` stores the value in both halves of the word; `a0.l`, `a0.h` name a half; `a0:1=1`
//!   stores 16 bytes, words 0 and 1; `a0~=1` stores 8 bytes across the upper half of word 0 and the
//!   lower of 1.
//! - `nt a0=1`, `rel a0=1`, `acq a0=1`, `ar a0=1`: a non-temporal, release, acquire,
//!   acquire-release store; `rep a0=1` is one of the stores of one string instruction.
//! - `P1 sees`: CPU 1 has observed all that CPU 0 did so far; `P1 reads a0`: it has loaded that.
//! - `clwb a`, `cvap a`, `clean a`..., `sfence`, `dsb ish`, `fence rw,w`...: by name; `rmw` is a
//!   locked one.
//! - `P1 ` before an instruction: by CPU 1 instead of 0.
//! - `|` between two programs: they run at once, in every interleaving (`threads.rs`).
//!
//! `states` lists the values of `vars` after a crash at any time, one digit each; every other
//! combination is forbidden. `durable` lists the words that may be claimed at the end of the
//! program, but for two that run at once.

mod arm;
mod parse;
mod published;
mod riscv;
mod strict;
mod threads;
mod x86;

use std::collections::BTreeSet;

use crate::event::{Event, Mark};
use crate::explore::{Explorer, Options};
use crate::profile::Profile;
use crate::state::State;
use parse::{BASE, LINE, SIZE, Variable};

/// A case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The platform.
    pub profile: Profile,
    /// Instructions, separated by `;`.
    pub program: &'static str,
    /// What is looked at.
    pub vars: &'static str,
    /// All values that a crash may leave there.
    pub states: &'static str,
    /// What may be claimed at the end; `-` if nothing.
    pub durable: &'static str,
    /// Who says so.
    pub source: &'static str,
}

/// What the model says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The states that it allows.
    pub states: BTreeSet<String>,
    /// The words that it lets the program claim.
    pub durable: BTreeSet<String>,
}

impl Case {
    /// What the source says.
    pub fn expected(&self) -> Outcome {
        let set = |text: &str| {
            text.split_whitespace()
                .filter(|w| *w != "-")
                .map(String::from)
                .collect()
        };
        Outcome {
            states: set(self.states),
            durable: set(self.durable),
        }
    }

    /// What the model says under a profile.
    pub fn outcome(&self, profile: Profile) -> Outcome {
        let vars: Vec<Variable> = self.vars.split_whitespace().map(parse::variable).collect();
        if self.program.contains('|') {
            let states = |trace: Vec<Event>| states(profile, &trace, &vars);
            return Outcome {
                states: threads::traces(self.program).flat_map(states).collect(),
                durable: BTreeSet::new(),
            };
        }
        let program = parse::program(self.program);
        Outcome {
            states: states(profile, &program, &vars),
            durable: vars
                .iter()
                .filter(|var| var.stored_by(&program) && claimable(profile, &program, var))
                .map(|var| var.name.to_string())
                .collect(),
        }
    }
}

fn states(profile: Profile, program: &[Event], vars: &[Variable]) -> BTreeSet<String> {
    let mut memory = [0; SIZE];
    let state = State::new(profile, LINE, BASE, &memory);
    let mut explorer = Explorer::new(state, program, Options::default());
    let mut states = BTreeSet::new();
    loop {
        let image = explorer.next(|addr, bytes| {
            let at = (addr - BASE) as usize;
            memory[at..at + bytes.len()].copy_from_slice(bytes);
        });
        if image.is_none() {
            return states;
        }
        states.insert(vars.iter().map(|var| var.read(&memory)).collect());
    }
}

fn claimable(profile: Profile, program: &[Event], var: &Variable) -> bool {
    let mut state = State::new(profile, LINE, BASE, &[0; SIZE]);
    program.iter().for_each(|event| state.apply(event));
    let mark = Mark::Claim {
        addr: BASE + var.at as u64,
        len: var.len as u64,
        id: 0,
    };
    state.apply(&Event::Mark {
        cpu: parse::last_cpu(program),
        mark,
    });
    state.violations().is_empty()
}

/// All cases.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    let arm = [arm::CASES, published::CASES];
    let other = [x86::CASES, riscv::CASES, strict::CASES];
    arm.into_iter().chain(other).flatten()
}

/// Runs all cases: how many there are, and for how many the model allows exactly what the source
/// does.
pub fn run() -> (usize, usize) {
    run_with(|profile| profile)
}

/// The same with a profile put in place of each case's own: to see that a wrong model fails.
pub fn run_with(profile: impl Fn(Profile) -> Profile) -> (usize, usize) {
    let exact = |case: &&Case| case.outcome(profile(case.profile)) == case.expected();
    (cases().count(), cases().filter(exact).count())
}
