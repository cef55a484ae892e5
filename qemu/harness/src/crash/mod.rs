//! The crash simulator: which kernels, workloads, platforms and bugs, and what came of them.

pub mod bugs;
pub mod campaign;
pub mod done;
pub mod found;
mod kept;
pub mod model;
pub mod pages;
pub mod plan;
pub mod plugin;
mod program;
mod reboot;
pub mod report;
pub mod run;
pub mod schedules;
pub mod simulate;
mod status;
pub mod table;
mod together;
mod tried;
mod watch;

pub use reboot::reboot;
