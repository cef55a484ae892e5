//! Persistence primitives of persistent memory for kernels, unikernels and hypervisors:
//! **persist**, **flush**, **drain** and durable copies over raw address ranges, with one module of
//! bare instructions for each instruction set.
//!
//! What PMDK's libpmem2 gives user space on Linux, without an OS: no allocator, no files, no
//! floating-point or vector register.
//!
//! # Use
//!
//! ```
//! use kpmem::{Flags, Granularity, Map};
//!
//! # let mut memory = vec![0_u8; 4096];
//! # let (base, len) = (memory.as_mut_ptr(), memory.len());
//! // SAFETY: the range is mapped write-back on every CPU, and the platform has ADR.
//! let map = unsafe { Map::new(base, len, Granularity::CacheLine)? };
//!
//! // SAFETY: nothing else uses the first word.
//! unsafe { base.cast::<u64>().write(42) };
//! map.persist(base, 8)?; // the word survives a power cut
//!
//! // SAFETY: nothing else uses this part of the map.
//! unsafe {
//!     map.write(base.add(8).cast(), 43_u64)?; // the same in one call
//!     map.copy_from_slice(base.add(64), b"durable")?;
//!     map.memset(base.add(128), 0, 512, Flags::NODRAIN)?; // durable after a drain
//! }
//! map.drain()?;
//!
//! // Or as plain function pointers, to cache or to hand to C.
//! let (flush, drain) = (map.flush_fn(), map.drain_fn());
//! // SAFETY: the ranges are in the map.
//! unsafe {
//!     flush(base, 64);
//!     flush(base.add(1000), 64);
//!     drain(); // both are durable
//! }
//! # Ok::<(), kpmem::Error>(())
//! ```
//!
//! # What makes stores durable
//!
//! | [`Granularity`] | the platform makes durable | flush | drain | persist |
//! |---|---|---|---|---|
//! | [`Byte`](Granularity::Byte) (eADR, battery-backed) | every store that left the core | nothing | store fence | store fence |
//! | [`CacheLine`](Granularity::CacheLine) (ADR, Arm PoP, Zicbom) | every line written back | write back each line once | fence that completes it | both |
//! | [`Page`](Granularity::Page) (virtio-pmem, block-backed) | what the host or device was asked to sync | the hook's first part | store fence, then its second | both |
//!
//! The cache-line functions are those of a [`Table`]: the CPU's best by [`selected`], the kernel's
//! own choice by [`select`] or [`Map::with_table`], or [fixed at compile time](Map::fixed), where
//! calls inline to the bare instructions. A granularity that the CPU cannot honour is refused when
//! the map is made; no flush ever does nothing in silence.
//!
//! | target | flush, best first | drain | line size from |
//! |---|---|---|---|
//! | x86_64 | `clwb`, `clflushopt`, `clflush` | `sfence` (`mfence` after `clflush`) | CPUID leaf 1 |
//! | aarch64 | `dc cvap` (by choice `dc cvadp`, `dc cvac`) | `dsb sy` | CTR_EL0.DminLine |
//! | riscv64 | `cbo.clean` (by choice `cbo.flush`) | `fence iorw, iorw` | the caller (device tree, ACPI) |
//! | others | none: cache-line maps are refused | | |
//!
//! # Copies
//!
//! [`Map::memmove`] and [`Map::memset`] (as pointers: [`Map::memmove_fn`], [`Map::memset_fn`]) do
//! what libc's do, and the bytes are durable on return unless [`Flags`] say otherwise. Each aligned
//! word of 8 bytes inside the destination is written by one store, in every strategy: no other
//! CPU and no power cut sees a part of it. Each line is flushed at most once; what goes past the
//! cache is not flushed at all; there is one fence.
//!
//! A table's [`Copies`](tuning::Copies) choose among the [`Stores`](tuning::Stores) of the
//! instruction set by size and flags, so tuning for a CPU or a map is a type:
//! `Table::of::<Lines<arch::Clwb, 64, Mine>>()`. No vector
//! register is used, but on x86_64 with the feature `vector` and a guard of the
//! caller's (`arch::vector`).
//!
//! # In your kernel
//!
//! The [porting guide](guide) says where to call what, and what goes wrong otherwise; from
//! [libpmem2](guide::from_libpmem2) and [Linux](guide::from_linux), which function is which; and
//! for some kernels and hypervisors, the place in their code.
//!
//! # What it does not do
//!
//! It maps nothing, finds no persistent memory, and makes nothing atomic but what the CPU does: a
//! range may become durable in any order, and earlier than asked. It cannot see whether the
//! platform keeps its promise: who makes a map vouches for that.
#![no_std]
// docs.rs shows which feature an item needs; what all need goes without saying.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    docsrs,
    doc(auto_cfg(hide(target_pointer_width = "64", target_has_atomic = "64")))
)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!(
    "kpmem needs a target with 64-bit pointers, which this one is not: it promises that an aligned \
     word of 8 bytes is stored at once, and its instructions take 8-byte addresses"
);
#[cfg(all(target_pointer_width = "64", not(target_has_atomic = "64")))]
compile_error!(
    "kpmem needs a target with atomic compare-and-swap of 8 bytes, which this one lacks"
);

// Where the library cannot be, nothing is: what those two sentences say is all that is said.
#[cfg(all(target_pointer_width = "64", target_has_atomic = "64"))]
#[path = "modules.rs"]
mod modules;
#[cfg(all(target_pointer_width = "64", target_has_atomic = "64"))]
pub use modules::*;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
