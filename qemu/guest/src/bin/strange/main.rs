//! Kernels that the crash simulator must not be fooled by: marks that are misused, memory that is
//! mapped in odd ways, stores that change nothing, CPUs that hand over or don't.
//!
//! Parameters: `case`, and `mode=reboot` where the case has a recovery.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod cpus;
mod mapping;
mod memory;
mod misuse;
mod order;
mod turns;
mod unseen;

use kpmem_runtime::Machine;
use memory::Memory;

kpmem_runtime::entry!(kernel);

type Case = (&'static str, fn(&Memory));

fn kernel(machine: &Machine) {
    let memory = Memory::new(machine);
    cpus::init(&memory);
    let name = machine.args.get("case").unwrap_or_default();
    let all = [
        misuse::CASES,
        mapping::CASES,
        order::CASES,
        unseen::CASES,
        cpus::CASES,
        turns::CASES,
    ];
    let mut cases = all.iter().copied().flatten();
    let (_, run) = cases
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("case={name} is not known"));
    run(&memory);
}
