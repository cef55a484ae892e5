//! Everything that the crate is made of. Its root re-exports it, on targets that can keep what it
//! promises.

#[path = "../arch/mod.rs"]
pub mod arch;
pub(crate) mod batch;
pub(crate) mod code;
pub(crate) mod copy;
pub mod deep;
pub(crate) mod dispatch;
pub(crate) mod error;
#[cfg(feature = "nfit")]
pub mod firmware;
pub(crate) mod flags;
pub(crate) mod granularity;
pub(crate) mod guard;
#[cfg(any(doc, doctest))]
pub mod guide;
pub(crate) mod hook;
pub(crate) mod map;
#[cfg(feature = "page")]
pub(crate) mod page;
#[cfg(feature = "nfit")]
pub(crate) mod platform;
pub mod poison;
pub(crate) mod primitives;
pub(crate) mod range;
#[cfg(any(feature = "nfit", feature = "virtio-pmem"))]
pub(crate) mod region;
pub(crate) mod select;
pub(crate) mod table;
pub mod tuning;
pub(crate) mod values;
#[cfg(feature = "virtio-pmem")]
pub mod virtio;

pub use batch::Batch;
pub use code::ErrorCode;
pub use dispatch::{Dispatch, Fixed, Tabled};
pub use error::{Error, Redacted};
pub use flags::Flags;
pub use granularity::Granularity;
pub use guard::{Guard, NoGuard};
pub use hook::{Hook, HookFns, RawHook, RoundedTo};
pub use map::Map;
#[cfg(feature = "page")]
pub use page::{PageSlot, Paged, Registered};
#[cfg(feature = "nfit")]
pub use platform::{Device, PersistentRange, Platform, Source};
pub use primitives::{Byte, Instruction, Lines, Primitives};
#[cfg(any(feature = "nfit", feature = "virtio-pmem"))]
pub use region::Region;
pub use select::{select, selected, selected_byte};
pub use table::{
    BYTE, DrainFn, FlushFn, Functions, MemcpyFn, MemmoveFn, MemsetFn, PersistFn, Table,
};
pub use values::{Atomic, Pod};
