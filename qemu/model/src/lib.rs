//! The crash model: what a power cut may leave in persistent memory.
//!
//! A host that runs code slowly enough to watch it (a QEMU plugin, a test) reports every store,
//! flush and barrier as an [`Event`]; [`State`] keeps, for each line, what is durable and what is
//! pending; [`images`] lists the contents that a crash may leave; [`explore`] replays a recorded
//! trace and hands out each distinct image once. [`litmus`] checks the model itself against the
//! literature.
//!
//! # Where it allows more than the hardware may show
//! Where a manual is silent, or two disagree, a crash may show more rather than less:
//! - Only barriers and overlapping bytes order a write-combining store with others, and a clean
//!   with a later store to its line on Arm and RISC-V.
//! - Serializing instructions and I/O complete nothing on x86; Arm and RISC-V release stores do not
//!   order earlier cleans (an `aqrl` atomic does, as a fence).
//! - A barrier orders the stores of its own CPU only, even if it has seen those of others.
//! - On x86 a 16-byte store is atomic only if it is aligned; any other store is torn at 8-byte
//!   words.
//!
//! # Where it allows less
//! It takes the one interleaving that it is told: what a CPU stored is in the cache at once (but
//! for eADR, where it waits in a store buffer), so another CPU's flush covers it. Under eADR a line
//! that is dropped unwritten loses nothing; elsewhere it loses what its CPU had not begun to clean.
//!
//! It knows nothing of QEMU, does no input or output, and depends on nothing but `std`.

mod choice;
mod claim;
mod commit;
pub mod cost;
pub mod decode;
mod discard;
pub mod event;
pub mod explore;
pub mod fault;
mod flush;
pub mod hash;
mod ideals;
pub mod images;
mod lines;
pub mod litmus;
pub mod minimise;
mod pending;
pub mod profile;
mod readings;
mod reads;
pub mod rules;
mod samples;
pub mod state;
mod store;
mod variants;
mod view;
mod walk;

pub use event::{Barrier, Event, FlushKind, Mark, Store, StoreOrder};
pub use pending::Pending;
pub use profile::{Isa, Profile};
pub use readings::Contradiction;
pub use state::State;
