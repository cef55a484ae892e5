//! The hypervisor's side of persistent memory, over rust-vmm's [`vm_memory`] and [`virtio_queue`]:
//! a virtio-pmem [`Device`] whose FLUSH makes its backing durable, and
//! [`persist`](Persist::persist) for guest memory.
//!
//! # A device
//!
//! ```
//! use kpmem_vmm::{Device, Mapped, Mapping, Policy};
//! use std::sync::Arc;
//! use virtio_queue::{Queue, QueueT};
//! use vm_memory::{FileOffset, GuestAddress, GuestMemoryMmap};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR"))?;
//! # let len = 2 << 20;
//! # file.set_len(len as u64)?;
//! # let start = GuestAddress(0x1_0000_0000);
//! # let ram = GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), 0x10000)])?;
//! // The file, by MAP_SYNC where it can be; the region goes into the guest's memory map, too.
//! let region = Arc::new(kpmem_vmm::map_file::<()>(FileOffset::new(file, 0), len)?);
//! let mapping = Arc::new(Mapping::new(region, Policy::Msync)?);
//! let mut device = Device::new(start, len as u64, Mapped::new(mapping))?;
//!
//! # let mut queue = Queue::new(256)?;
//! # queue.set_avail_ring_address(Some(0x4000), None);
//! # queue.set_used_ring_address(Some(0x8000), None);
//! # queue.set_ready(true);
//! // When the guest has notified the device:
//! let done = device.process(&mut queue, &ram)?;
//! if done.used > 0 && queue.needs_notification(&ram)? {
//!     // interrupt the guest
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Device::process`] says what is answered how. Whatever a guest puts into its queue, the device
//! does not panic, reads a bounded number of descriptors, and writes nothing but the used ring and
//! the answers.
//!
//! # What makes a mapping durable
//!
//! | mapping | by | |
//! |---|---|---|
//! | DAX, by `MAP_SYNC` | kpmem: cache lines written back, and a fence | no system call |
//! | another shared mapping of a file | `msync`, `fdatasync` | of all or what is dirty: [`Policy`] |
//! | private, anonymous, a file system in memory, past the file's end | nothing | refused: [`Volatile`] |
//!
//! # Which pages
//!
//! The [dirty bitmap](vm_memory::bitmap) of a region says which pages to make durable, where it is
//! known: [`DirtyPages`]. It has what was written *through vm-memory*; what the guest's own CPUs
//! stored, the hypervisor knows, and a [`GuestLog`] tells. Without one, a FLUSH makes all of the
//! mapping durable. Marks are taken before the sync, so that none which is set meanwhile is lost,
//! and are put back if it fails. A bitmap that something else takes marks from as well, a
//! migration or a snapshot, must not be shared with it: [`Tracked`] has marks of its own beside it.
//!
//! # Linux
//!
//! The crate is for Linux. It builds with Rust 1.85 or later, as kpmem does.

#[cfg(not(target_os = "linux"))]
compile_error!("kpmem-vmm needs Linux: MAP_SYNC, msync and fdatasync are what it is about");

mod backing;
mod device;
mod dirty;
mod error;
mod host;
mod mapping;
mod persistent;
mod request;
mod runs;

pub use backing::{Backing, GuestLog, Mapped};
pub use device::{Device, Done};
pub use dirty::{DirtyPages, Tracked};
pub use error::{DeviceError, Error, Volatile};
pub use host::{Host, Policy, is_dax, map_file};
pub use mapping::Mapping;
pub use persistent::{Persist, PersistentMemory};
pub use runs::Runs;
