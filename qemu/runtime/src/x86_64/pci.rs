//! PCI configuration space behind I/O ports (PCI Local Bus 3.0, section 3.2.2.3.2 "Software
//! Generation of Configuration Transactions").

use super::port;
use kpmem::virtio::ConfigSpace;

const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
const ENABLE: u32 = 1 << 31;
/// What is read where there is no function.
const NOBODY: u32 = u32::MAX;

/// The first function of a device on the root bus.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    device: u8,
}

/// Those that are there. The firmware gave addresses to their BARs.
pub fn functions() -> impl Iterator<Item = Function> {
    let all = (0..32).map(|device| Function { device });
    all.filter(|function| function.read(0) != NOBODY)
}

impl Function {
    fn select(self, offset: u8) {
        let address = ENABLE | u32::from(self.device) << 11 | u32::from(offset & !3);
        // SAFETY: the address port. One CPU uses it.
        unsafe { port::write_u32(ADDRESS, address) };
    }
}

impl ConfigSpace for Function {
    fn read(&self, offset: u8) -> u32 {
        self.select(offset);
        // SAFETY: the data port, of which every word may be read.
        unsafe { port::read_u32(DATA) }
    }

    fn write(&mut self, offset: u8, value: u32) {
        self.select(offset);
        // SAFETY: the data port; what is written is the driver's to answer for.
        unsafe { port::write_u32(DATA, value) };
    }
}
