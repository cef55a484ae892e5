//! The demo's kernel.
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem_guest::Machine;

kpmem_guest::entry!(kernel);

fn kernel(_machine: &Machine) {}
