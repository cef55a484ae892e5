#![doc = include_str!("index.md")]

#[doc = include_str!("mapping.md")]
pub mod mapping {}

#[doc = include_str!("context.md")]
pub mod context {}

#[doc = include_str!("cpus.md")]
pub mod cpus {}

#[doc = include_str!("arm.md")]
pub mod arm {}

#[doc = include_str!("riscv.md")]
pub mod riscv {}

#[doc = include_str!("building.md")]
pub mod building {}

#[doc = include_str!("lifecycle.md")]
pub mod lifecycle {}

#[doc = include_str!("from_libpmem2.md")]
pub mod from_libpmem2 {}

#[doc = include_str!("from_linux.md")]
pub mod from_linux {}

#[doc = include_str!("hermit.md")]
pub mod hermit {}

#[doc = include_str!("asterinas.md")]
pub mod asterinas {}

#[doc = include_str!("unikraft.md")]
pub mod unikraft {}

#[doc = include_str!("linux_module.md")]
pub mod linux_module {}

#[doc = include_str!("cloud_hypervisor.md")]
pub mod cloud_hypervisor {}

#[doc = include_str!("firecracker.md")]
pub mod firecracker {}
