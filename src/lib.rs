//! Persistence primitives of persistent memory for kernels, unikernels and hypervisors.
#![no_std]

#[path = "../arch/mod.rs"]
pub mod arch;
mod error;
mod map;
mod page;
mod primitives;
mod range;
mod select;
mod table;

pub use error::Error;
pub use map::{Dispatch, Fixed, Map};
pub use page::{SyncFn, SyncHook};
pub use primitives::{Byte, Instruction, Lines, Primitives};
pub use select::{select, selected};
pub use table::{BYTE, DrainFn, FlushFn, Granularity, PersistFn, Table};
