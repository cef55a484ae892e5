//! A schedule: where CPUs are preempted. Its name is all that it takes to run it again.

use std::{fmt, str::FromStr};

/// After the step of this number, `to` goes on instead of the CPU that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Switch {
    pub at: u32,
    pub to: u8,
}

/// The preemptions of a run, in order. Without any, a CPU runs until it waits for another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(pub Vec<Switch>);

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("straight");
        }
        for (i, Switch { at, to }) in self.0.iter().enumerate() {
            let and = if i > 0 { "+" } else { "" };
            write!(f, "{and}{at}to{to}")?;
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "straight" {
            return Ok(Self::default());
        }
        let switch = |text: &str| {
            let (at, to) = text.split_once("to")?;
            let (at, to) = (at.parse().ok()?, to.parse().ok()?);
            Some(Switch { at, to })
        };
        let all: Option<Vec<_>> = text.split('+').map(switch).collect();
        all.filter(|all| all.is_sorted_by(|a, b| a.at < b.at))
            .map(Self)
            .ok_or_else(|| {
                format!("{text:?} is not a schedule's name (straight, or STEPtoCPU+STEPtoCPU)")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_schedule() {
        for name in ["straight", "17to1", "17to1+40to0"] {
            assert_eq!(name.parse::<Schedule>().unwrap().to_string(), name);
        }
        for name in ["", "17", "17to", "40to1+17to0", "17to1+17to0", "17to256"] {
            assert!(name.parse::<Schedule>().is_err(), "{name}");
        }
    }
}
