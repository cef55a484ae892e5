//! The demo: a kernel writes a log into the NVDIMM, the power is cut, and nothing that it
//! acknowledged may be gone.

mod campaign;
mod kernel;
mod table;

pub use campaign::{Tally, run};
pub use table::table;
