//! What `cargo xtask test` runs, a file for each kind.

pub mod bare;
pub mod controls;
pub mod crash;
mod crash_controls;
pub mod crash_models;
mod crash_readings;
mod crash_schedules;
pub mod crash_strange;
pub mod embedder;
pub mod embeds;
pub mod features;
pub mod fixtures;
pub mod fuzz;
pub mod host;
pub mod judged;
pub mod linux;
pub mod miri;
pub mod page;
pub mod platform;
pub mod release;
pub mod runtime;
pub mod targets;
pub mod virtio;
pub mod witness;
