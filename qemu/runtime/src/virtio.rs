//! The virtio-pmem device of x86_64's machines: found, started, and its memory mapped.
//!
//! ```
//! use kpmem_runtime::{Machine, kpmem::{Map, virtio::Transport}, virtio::{self, Started}};
//!
//! fn kernel(machine: &Machine) {
//!     // QEMU's q35 has it on PCI; its microvm by registers that the command line tells of.
//!     match machine.args.number("mmio") {
//!         Some(address) => run(virtio::mmio(address as usize).expect("registers")),
//!         None => run(virtio::pci().expect("a device on the root bus").expect("a sound one")),
//!     }
//! }
//!
//! fn run(transport: impl Transport) {
//!     let Started { pmem, region } = virtio::start(transport).expect("a sound device");
//!     let base = region.base as *mut u8;
//!     // SAFETY: mapped write-back by `start`; what QEMU has synced is in the host's file.
//!     let map = unsafe { Map::with_hook(base, region.len as usize, &pmem) };
//!     map.expect("a sound range").persist(base, 8).expect("durable");
//! }
//! ```

use crate::{
    memory::page,
    paging::{Memory, map_identity},
};
use core::ptr::NonNull;
use kpmem::{
    Region,
    virtio::{Address, Error, Mmio, Pci, Pmem, QueueMemory, Spins, Transport, Window},
};

/// Looks at the device before a wait is given up: some minutes, at least, as a busy host may be
/// slow to sync.
pub const PATIENCE: Spins = Spins(1 << 36);

/// A device that is ready.
#[derive(Debug)]
pub struct Started<T> {
    /// The driver, which is the hook of a page map.
    pub pmem: Pmem<T, Spins>,
    /// Its memory, mapped write-back at its physical address.
    pub region: Region,
}

/// The device whose registers are in memory, at a physical address that the machine's maker or its
/// command line tells.
///
/// # Errors
/// What is wrong with the registers.
pub fn mmio(address: usize) -> Result<Mmio<Window>, Error> {
    /// Bytes of registers (QEMU, `microvm`).
    const SIZE: usize = 0x200;
    let registers = Region {
        base: address as u64,
        len: SIZE as u64,
    };
    // SAFETY: who gave the parameter says that the registers are there, and nothing else uses them.
    let window = unsafe {
        map_identity(registers, Memory::Device);
        Window::new(NonNull::new(address as *mut u8).expect("not at 0"), SIZE)
    };
    Mmio::new(window)
}

/// The first device on the root bus of PCI. `None` if there is none, or no PCI that this runtime
/// knows (which is x86_64's, by I/O ports).
pub fn pci() -> Option<Result<Pci<Window>, Error>> {
    #[cfg(all(target_os = "none", target_arch = "x86_64"))]
    for mut function in crate::arch::pci::functions() {
        match Pci::new(&mut function, registers) {
            Err(Error::WrongPciDevice { .. }) => {}
            found => return Some(found),
        }
    }
    None
}

/// Maps registers of a device, in BARs that the firmware laid out.
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
fn registers(range: kpmem::virtio::BarRange) -> Option<Window> {
    let (base, len) = (range.address(), range.len);
    // SAFETY: the device's own registers.
    unsafe {
        map_identity(Region { base, len }, Memory::Device);
        Some(Window::new(NonNull::new(base as *mut u8)?, len as usize))
    }
}

/// Starts a device, with a page of [`memory`](crate::memory) for its queue, and maps its memory.
///
/// # Errors
/// What is wrong with the device.
pub fn start<T: Transport>(transport: T) -> Result<Started<T>, Error> {
    let queue = page();
    let memory = NonNull::new(queue.cast::<QueueMemory>()).expect("a page is not at 0");
    let address = Address::Physical(queue.addr() as u64);
    // SAFETY: a page that nothing else gets, mapped at its physical address.
    let pmem = unsafe { Pmem::new(transport, memory, address, PATIENCE) };
    let region = pmem.start()?;
    // SAFETY: the memory that the device brings, which nothing else uses.
    unsafe { map_identity(region, Memory::Normal) };
    Ok(Started { pmem, region })
}
