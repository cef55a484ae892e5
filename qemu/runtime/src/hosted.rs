//! No machine: lets the kernels be type-checked on the host. Nothing of this ever runs.
#![allow(missing_docs, clippy::missing_safety_doc)]

pub const NAME: &str = "hosted";

pub mod serial {
    pub fn write(_: u8) {}
}

pub mod exit {
    pub fn exit(code: u8) -> ! {
        std::process::exit(code.into())
    }
}

pub mod fw_cfg {
    pub fn select(_: u16) {}
    pub fn read() -> u8 {
        0
    }
}

pub mod cpu {
    use kpmem::arch::{Cpu, Features};

    pub fn cpu(_: Option<usize>) -> Cpu {
        Cpu {
            features: Features::empty(),
            line: 0,
        }
    }

    pub fn relax() {}
}

pub mod discover {
    use crate::{firmware::Firmware, machine::Discovered};
    use kpmem::firmware::Error;

    pub fn discover(_: usize) -> Discovered {
        Discovered {
            nvdimm: Err(Error::Missing("machine")),
            source: "none",
            block: None,
            firmware: Firmware::default(),
        }
    }
}

pub mod mmu {
    use crate::paging::{Entry, Memory};

    pub const LEVELS: u32 = 1;
    pub const VIRTUAL_BITS: u32 = 0;
    pub const PHYSICAL_BITS: u32 = 0;
    pub const DEVICES: [u64; 0] = [];
    pub const fn is_address(_: usize) -> bool {
        false
    }
    pub fn largest() -> u32 {
        0
    }
    pub const fn leaf(_: u64, _: Memory, _: u32) -> u64 {
        0
    }
    pub const fn table(_: u64) -> u64 {
        0
    }
    pub const fn read(_: u64) -> Entry {
        Entry::Empty
    }
    pub unsafe fn activate(_: u64) {}
    pub fn invalidate(_: usize) {}
}

pub mod smp {
    pub unsafe fn start() {}
}

pub mod trap {
    pub fn init(_: usize) {}
    pub unsafe fn probe(
        _: *const u8,
        _: usize,
        _: unsafe extern "C" fn(*const u8, usize),
        _: *mut usize,
    ) -> usize {
        0
    }
    pub unsafe fn unwind(_: usize) -> ! {
        unreachable!()
    }
}
