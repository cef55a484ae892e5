//! Copies and fills: every strategy against a naive oracle, a model of the cache, a single-stepped
//! CPU and a second thread.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod broken;
mod cases;
mod clobbers;
mod content;
mod durable;
mod memory;
mod model;
mod movdir64b;
mod step;
mod stepped;
mod strategies;
mod top;
mod torn;
mod vectors;
