//! A new boot on a crash image that was kept: the oracle of what recovery says again and again in
//! one boot.

use super::simulate::Simulation;
use crate::{boot::Vm, image::Image, serial::Line};
use anyhow::Result;
use std::{path::Path, time::Duration};

/// Linux may take this long to boot.
const BOOT: Duration = Duration::from_secs(180);

/// Boots from a kept crash image and returns the verdict that the kernel prints, if it prints one.
///
/// Linux says nothing before its first process does. It was seen to reset its machine before that,
/// once in some 250 boots on a busy host: it is booted again then, once.
pub fn reboot(simulation: &Simulation<'_>, image: &Path) -> Result<Option<u64>> {
    let mut heard = Heard::on(simulation, image)?;
    if simulation.guest.is_some() {
        if heard.last.is_none() {
            eprintln!("Linux reset its machine without a word; it is booted again");
            heard = Heard::on(simulation, image)?;
        }
        if heard.verdict.is_none() {
            let last = heard.last.as_deref().unwrap_or("none");
            eprintln!("a new boot on a crash image gave no verdict; its last words were: {last}");
        }
    }
    Ok(heard.verdict)
}

/// What a boot said.
#[derive(Debug, Default)]
struct Heard {
    verdict: Option<u64>,
    last: Option<String>,
}

impl Heard {
    fn on(simulation: &Simulation<'_>, image: &Path) -> Result<Self> {
        let image = Image::open(image, simulation.size)?;
        let args = format!("{} mode=reboot", simulation.args);
        let vm = Vm::boot(&simulation.machine, simulation.kernel, &image, &args)?;
        let boot = simulation.guest.map_or(simulation.hang * 3, |_| BOOT);
        let mut heard = Self::default();
        vm.run(boot + simulation.hang, |line| heard.hear(line))?;
        Ok(heard)
    }

    fn hear(&mut self, line: Line) {
        if let (None, true, Some(number)) = (
            self.verdict,
            line.complete,
            line.text.strip_prefix("verdict "),
        ) {
            self.verdict = number.parse().ok();
        }
        if !line.text.is_empty() {
            self.last = Some(line.text);
        }
    }
}
