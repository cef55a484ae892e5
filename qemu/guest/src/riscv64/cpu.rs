//! The CPU, which only the device tree describes.

use kpmem::arch::{Cpu, Features};

/// What it can do for persistence; `block` is the cache-block size that firmware tells.
pub fn cpu(block: Option<usize>) -> Cpu {
    let features = if block.is_some() {
        Features::ZICBOM
    } else {
        Features::empty()
    };
    Cpu {
        features,
        line: block.unwrap_or(0),
    }
}
