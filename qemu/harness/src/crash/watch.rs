//! Listening to a guest that is simulated, until it ends or is too slow.

use super::{program::Program, simulate::Simulation, status::Status};
use crate::{
    boot::{End, Vm},
    protocol,
    serial::NoLine,
};
use anyhow::Result;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How a boot ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) passed: bool,
    pub(super) why: String,
}

/// Listens until the guest ends, or recovery of one image takes too long.
pub(super) fn watch(
    mut vm: Vm,
    status: &Path,
    simulation: &Simulation<'_>,
    for_us: &mut Vec<String>,
) -> Result<Ended> {
    let Simulation {
        hang, stall, limit, ..
    } = *simulation;
    let deadline = Instant::now() + limit;
    let mut last = (Status::default(), Instant::now());
    let mut said = Vec::new();
    let mut program = simulation.guest.map(Program::new);
    loop {
        match vm.line(Instant::now() + Duration::from_millis(200)) {
            Ok(line) => {
                if let Some(program) = &mut program {
                    program.hear(&line);
                    continue;
                }
                if line.text.starts_with("judge ") {
                    for_us.push(line.text.clone());
                }
                if protocol::is_crash(&line.text) || said.len() < 4 {
                    said.push(line.text);
                }
            }
            Err(NoLine::Closed) => break,
            Err(NoLine::TimedOut) => {
                let now = Status::read(status).unwrap_or_default();
                if now != last.0 {
                    last = (now, Instant::now());
                } else if now.recovering && last.1.elapsed() > hang {
                    vm.cut()?;
                    let why = format!("recovery did not end within {} s", hang.as_secs());
                    return Ok(Ended { passed: false, why });
                }
                if !now.recovering && last.1.elapsed() > stall {
                    vm.cut()?;
                    let why = format!("no claim within {} s", stall.as_secs());
                    return Ok(Ended { passed: false, why });
                }
                if Instant::now() > deadline {
                    vm.cut()?;
                    let why = format!("no end within {} s", limit.as_secs());
                    return Ok(Ended { passed: false, why });
                }
            }
        }
    }
    let end = vm.run(Duration::from_secs(30), |_| {})?;
    if let Some(program) = program {
        return Ok(program.ended(end));
    }
    let crash = said.iter().find(|text| protocol::is_crash(text));
    let end_said = end.to_string();
    // The plugin's last words say more than how QEMU ended on them.
    let last_words = end_said.split_once("crash simulator: ");
    Ok(Ended {
        passed: end == End::Exit(0),
        why: match (last_words, crash) {
            (Some((_, words)), _) => words.to_owned(),
            (None, Some(text)) => format!("{end_said}: {text}"),
            (None, None) => end_said,
        },
    })
}
