//! The virtio-pmem driver against a device written here, right and lying, without registers, behind
//! those of MMIO, and behind PCI.
#![cfg(feature = "virtio-pmem")]

mod fakes;
mod hostile;
mod model;
mod pci;
mod random;
mod right;
mod shared;
