//! The virtio-pmem driver against a device written here, right and lying, without registers, behind
//! those of MMIO, and behind PCI.
#![cfg(feature = "virtio-pmem")]

mod driver;
mod fakes;
mod hostile;
mod lies;
mod model;
mod pci;
mod random;
mod right;
mod shared;
mod trial;
