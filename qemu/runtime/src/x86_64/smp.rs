//! Starting the second CPU: INIT and two start-up interrupts from this CPU's local APIC (Intel SDM
//! volume 3, "Multiple-Processor (MP) Initialization").

use super::port;
use crate::{
    memory::PAGE,
    mmio,
    paging::{Memory, map_page, unmap_page},
};

/// The local APIC's registers after reset (Intel SDM volume 3, "Relocating the Local APIC
/// Registers").
pub const BASE: usize = 0xfee0_0000;

/// Interrupt command register, low and high half.
const COMMAND: usize = BASE + 0x300;
const DESTINATION: usize = BASE + 0x310;

const INIT: u32 = 0x4500;
const START_UP: u32 = 0x4600;
const PENDING: u32 = 1 << 12;

/// QEMU numbers the local APICs from 0 on.
const SECOND: u32 = 1;

/// Where the second CPU starts in real mode: a page of low memory that neither the firmware nor
/// QEMU's boot data is in.
const LOW_PAGE: usize = 0x8000;

unsafe extern "C" {
    static kpmem_second_start: u8;
    static kpmem_second_start_end: u8;
}

/// Starts the second CPU at [`crate::smp::enter`].
///
/// # Safety
/// Once, with the address space complete.
pub unsafe fn start() {
    let code = &raw const kpmem_second_start;
    let len = (&raw const kpmem_second_start_end).addr() - code.addr();
    // SAFETY: nothing else uses the page. The other CPU reads it with paging off, so the mapping
    // need not stay.
    unsafe {
        map_page(LOW_PAGE, LOW_PAGE as u64, Memory::Normal);
        (LOW_PAGE as *mut u8).copy_from_nonoverlapping(code, len);
        unmap_page(LOW_PAGE);
    }
    send(INIT);
    microseconds(10_000);
    for _ in 0..2 {
        send(START_UP | (LOW_PAGE / PAGE) as u32);
        microseconds(200);
    }
}

/// Sends an interrupt to the second CPU.
fn send(command: u32) {
    // SAFETY: registers of the local APIC. The other CPU runs on a stack of its own.
    unsafe {
        mmio::write(DESTINATION, SECOND << 24);
        mmio::write(COMMAND, command);
        while mmio::read::<u32>(COMMAND) & PENDING != 0 {}
    }
}

/// Waits, roughly: a write to an unused port takes about a microsecond on a real bus, and QEMU
/// needs no delay.
fn microseconds(count: u32) {
    for _ in 0..count {
        // SAFETY: the port of diagnostic codes.
        unsafe { port::write_u8(0x80, 0) };
    }
}
