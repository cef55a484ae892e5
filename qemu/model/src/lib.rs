//! The crash model: what a power cut may leave in persistent memory.
//!
//! A host that runs code slowly enough to watch it (a QEMU plugin, a test) reports every store, flush
//! and barrier as an [`Event`]; [`State`] keeps, for each line, what is durable and what is pending;
//! [`images`] lists the contents that a crash may leave; [`explore`] replays a recorded trace and
//! hands out each distinct image once. [`litmus`] checks the model itself against the literature.
//!
//! It knows nothing of QEMU, does no input or output, and depends on nothing but `std`.

pub mod claim;
mod commit;
pub mod cost;
pub mod decode;
pub mod event;
pub mod explore;
pub mod hash;
mod ideals;
pub mod images;
pub mod litmus;
mod pending;
pub mod profile;
pub mod rules;
pub mod state;
mod store;
mod variants;
mod view;

pub use event::{Barrier, Event, FlushKind, Mark, Store, StoreOrder};
pub use pending::Pending;
pub use profile::{Isa, Profile};
pub use state::State;
