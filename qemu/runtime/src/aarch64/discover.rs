//! The NVDIMM from ACPI. QEMU leaves it to the firmware to put the tables into memory; booted
//! without one, the kernel does that itself.

use crate::{
    firmware::Firmware,
    fw_cfg,
    machine::{self, Discovered},
};
use kpmem_firmware::{Error, table_loader};

/// What the firmware would say.
pub fn discover(_: usize) -> Discovered {
    let rsdp = load_tables().unwrap_or_else(|error| panic!("QEMU's ACPI tables: {error}"));
    // SAFETY: the loader made every pointer point into a file that it loaded, and `find_table`
    // checks signatures and sums; the tables do not change any more.
    let physical = |address: u64, len: usize| unsafe {
        Some(core::slice::from_raw_parts(address as *const u8, len))
    };
    machine::by_acpi(Firmware::by_acpi(rsdp, physical))
}

/// The address of the RSDP.
fn load_tables() -> Result<u64, Error> {
    let script = fw_cfg::file("etc/table-loader", 8).ok_or(Error::Missing("ACPI table loader"))?;
    table_loader::run(script, "etc/acpi/rsdp", |name, align| {
        let bytes = fw_cfg::file(name, align.max(8))?;
        Some((bytes.as_ptr() as u64, bytes))
    })
}
