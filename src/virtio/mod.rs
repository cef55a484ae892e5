//! The guest's side of virtio-pmem (VIRTIO 1.2, section 5.19 "PMEM Device"): persistent memory that
//! is a file of the host's, durable once the host was asked to sync it.
//!
//! The memory is mapped like any other, and no instruction of the guest's makes it durable: a
//! [`Pmem`] sends the device a FLUSH, and is the [`Hook`](crate::Hook) of a page map. It works over
//! [PCI](Pci) and [MMIO](Mmio), with polling and without interrupts (which the kernel keeps
//! masked), with one page of memory and no allocator.
//!
//! ```
//! use core::ptr::NonNull;
//! use kpmem::{Map, virtio::{Address, ConfigSpace, Pci, Pmem, QueueMemory, Spins, Window}};
//!
//! static QUEUE: QueueMemory = QueueMemory::new();
//!
//! # trait Kernel {
//! #     fn map_registers(&self, address: u64, len: u64) -> NonNull<u8>;
//! #     fn map_memory(&self, start: u64, len: u64) -> *mut u8;
//! #     fn physical_address(&self, of: *const u8) -> u64;
//! # }
//! # type Result = core::result::Result<(), Box<dyn std::error::Error>>;
//! /// Stores 42 durably in the memory of the device of this PCI function.
//! fn store(kernel: &impl Kernel, config: &mut impl ConfigSpace) -> Result {
//!     let pci = Pci::new(config, |range| {
//!         let base = kernel.map_registers(range.address(), range.len);
//!         // SAFETY: that maps the registers, uncached, and nothing else uses them.
//!         Some(unsafe { Window::new(base, range.len as usize) })
//!     })?;
//!
//!     let queue = Address::Physical(kernel.physical_address((&raw const QUEUE).cast()));
//!     // SAFETY: the queue is there, in a static that nothing else uses.
//!     let pmem = unsafe { Pmem::new(pci, NonNull::from(&QUEUE), queue, Spins(1 << 40)) };
//!     let region = pmem.start()?;
//!
//!     let base = kernel.map_memory(region.base, region.len);
//!     // SAFETY: the kernel mapped the memory; what the host has synced is durable.
//!     let map = unsafe { Map::with_hook(base, region.len as usize, &pmem)? };
//!     // SAFETY: nothing else uses the first word.
//!     unsafe { map.write(base.cast::<u64>(), 42)? }; // durable on the host
//!     Ok(())
//! }
//! ```
//!
//! # What it does not trust
//!
//! Whatever a device answers, the driver does not panic, does not wait longer than its
//! [`Wait`] says, and touches no memory but its page: an answer that the specification forbids is
//! an [`Error`] that says what was wrong. But a device that claims to have synced, and has not,
//! cannot be found out; nor is it known here whether the memory that it names is its own.
//!
//! # Whose memory is it?
//!
//! Once [started](Pmem::start), a device may write to the queue's page at any time, also after a
//! FLUSH that timed out, until a reset that it confirms: see [`Pmem::new`] and [`Pmem::stop`].

mod device;
mod error;
mod mmio;
mod pci;
mod pmem;
mod queue;
mod registers;
mod transport;
mod wait;

pub use crate::Region;
pub use error::Error;
pub use mmio::Mmio;
pub use pci::{BarRange, ConfigSpace, Pci};
pub use pmem::{Address, Pmem};
pub use queue::QueueMemory;
pub use registers::{Registers, Window};
pub use transport::{QueueParts, Transport, feature, status};
pub use wait::{Spins, Wait};
