//! The NVDIMM from ACPI, whose root pointer is in the PVH start info.

use crate::{
    firmware::Firmware,
    machine::{self, Discovered},
};

/// The start of `hvm_start_info` (Xen, "x86/HVM direct boot ABI").
#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
    rsdp: u64,
}

const MAGIC: u32 = 0x336e_c578;
/// What the boot tables map: QEMU keeps its ACPI tables at the top of low memory.
const MAPPED: u64 = 1 << 30;

/// What the firmware says.
pub fn discover(start_info: usize) -> Discovered {
    // SAFETY: the boot code passes on what QEMU put into `ebx`; the magic number is checked.
    let info = unsafe { &*(start_info as *const StartInfo) };
    assert_eq!(info.magic, MAGIC, "no PVH start info");
    let physical = |address: u64, len: usize| {
        let end = address.checked_add(len as u64)?;
        // SAFETY: the first GiB is mapped, and firmware memory does not change any more.
        (address != 0 && end <= MAPPED)
            .then(|| unsafe { core::slice::from_raw_parts(address as *const u8, len) })
    };
    machine::by_acpi(Firmware::by_acpi(info.rsdp, physical))
}
