//! The persistent memory as the cases use it: by physical address, by other mappings, by hand.

use kpmem::Table;
use kpmem_marks::{MAILBOX, Mailbox, claim, next_crash, verdict};
use kpmem_runtime::{
    Machine,
    paging::{self, Memory as Cached},
    println,
};

/// Where nothing is mapped unless a case does it.
const WINDOW: usize = 0x20_0000_0000;
const PAGE: usize = 4096;

/// The NVDIMM, and how the CPU writes it back.
#[derive(Debug)]
pub struct Memory {
    base: *mut u8,
    size: usize,
    pub table: &'static Table,
    pub rebooted: bool,
}

impl Memory {
    pub fn new(machine: &Machine) -> Self {
        let table = machine.cpu().table();
        Self {
            base: machine.address(),
            size: machine.size(),
            table: table.unwrap_or_else(|error| panic!("{error}")),
            rebooted: machine.args.get("mode") == Some("reboot"),
        }
    }

    /// Bytes that are tracked.
    pub fn tracked(&self) -> usize {
        self.size - MAILBOX
    }

    /// The address of an offset, where it is mapped by default.
    pub fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.size);
        self.base.wrapping_add(offset)
    }

    /// Maps pages of the NVDIMM, one after the other, in a window of their own; its address.
    pub fn window(&self, offsets: &[usize]) -> *mut u8 {
        for (i, offset) in offsets.iter().enumerate() {
            // SAFETY: nobody else uses the window, and the cases use raw pointers only.
            unsafe {
                paging::map_page(WINDOW + i * PAGE, self.at(*offset) as u64, Cached::Normal);
            }
        }
        core::ptr::with_exposed_provenance_mut(WINDOW)
    }

    pub fn persist(&self, ptr: *const u8, len: usize) {
        flush(self.table, ptr, len);
        drain(self.table);
    }

    /// Stores a word where it is mapped by default.
    pub fn store(&self, offset: usize, word: u64) {
        put(self.at(offset), word);
    }

    pub fn load(&self, offset: usize) -> u64 {
        // SAFETY: inside the NVDIMM, at any alignment.
        unsafe { self.at(offset).cast::<u64>().read_unaligned() }
    }

    pub fn claim(&self, offset: usize, len: usize) {
        claim(self.at(offset), len, 1);
    }

    pub fn mailbox(&self) -> *mut Mailbox {
        self.at(self.size - MAILBOX).cast()
    }

    /// Recovers from each crash image, or after a reboot from the one that memory holds.
    pub fn recover(&self, recovery: impl Fn(&Self) -> u64) {
        if self.rebooted {
            println!("verdict {}", recovery(self));
            return;
        }
        // SAFETY: it is the mailbox.
        while unsafe { next_crash(self.mailbox()) }.is_some() {
            verdict(recovery(self));
        }
    }
}

pub fn flush(table: &Table, ptr: *const u8, len: usize) {
    // SAFETY: the cases pass memory that is mapped write-back, and this CPU's own table.
    unsafe { table.flush_fn()(ptr, len) };
}

pub fn drain(table: &Table) {
    // SAFETY: as above.
    unsafe { table.drain_fn()() };
}

/// Stores a word at any alignment, by one instruction.
pub fn put(ptr: *mut u8, word: u64) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the cases pass addresses that are mapped and that nobody else uses.
    unsafe {
        core::arch::asm!("mov [{}], {}", in(reg) ptr, in(reg) word, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("str {1}, [{0}]", in(reg) ptr, in(reg) word, options(nostack));
    }
    #[cfg(target_arch = "riscv64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("sd {1}, 0({0})", in(reg) ptr, in(reg) word, options(nostack));
    }
}
