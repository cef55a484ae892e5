//! The NVDIMM from ACPI. QEMU leaves it to the firmware to put the tables into memory; booted
//! without one, the kernel does that itself.

use crate::{fw_cfg, machine::Discovered};
use kpmem_firmware::{Error, Region, acpi, nfit::Nfit, table_loader};

/// What the firmware would say.
pub fn discover(_: usize) -> Discovered {
    Discovered {
        nvdimm: from_acpi(),
        source: "NFIT",
        block: None,
    }
}

fn from_acpi() -> Result<Region, Error> {
    let script = fw_cfg::file("etc/table-loader", 8).ok_or(Error::Missing("ACPI table loader"))?;
    let rsdp = table_loader::run(script, "etc/acpi/rsdp", |name, align| {
        let bytes = fw_cfg::file(name, align.max(8))?;
        Some((bytes.as_ptr() as u64, bytes))
    })?;
    // SAFETY: the loader made every pointer point into a file that it loaded, and `find_table`
    // checks signatures and sums; the tables do not change any more.
    let physical = |address: u64, len: usize| unsafe {
        Some(core::slice::from_raw_parts(address as *const u8, len))
    };
    let range =
        Nfit::parse(acpi::find_table(physical, rsdp, *b"NFIT")?)?.first_persistent_range()?;
    Ok(Region {
        base: range.base,
        len: range.len,
    })
}
