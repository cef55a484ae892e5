//! Finding an ACPI table (ACPI 6.5, sections 5.2.5 "Root System Description Pointer" to 5.2.8
//! "XSDT").

use crate::{Error, bytes};

/// Length of the header that every table starts with (5.2.6).
pub const HEADER: usize = 36;

/// Finds the table with a signature, from the RSDP's physical address on.
///
/// `physical(address, len)` gives the bytes there, or `None` where nothing can be read.
pub fn find_table<'a>(
    physical: impl Fn(u64, usize) -> Option<&'a [u8]>,
    rsdp: u64,
    signature: [u8; 4],
) -> Result<&'a [u8], Error> {
    let root = root_table(&physical, rsdp)?;
    let (table, entry) = (table(&physical, root)?, entry_size(&physical, root)?);
    for pointer in table[HEADER..].chunks_exact(entry) {
        let mut address = [0; 8];
        address[..entry].copy_from_slice(pointer);
        let address = u64::from_le_bytes(address);
        let head = physical(address, 4).ok_or(Error::Unreadable(address))?;
        if head == signature {
            return self::table(&physical, address);
        }
    }
    Err(Error::Missing("such ACPI table"))
}

/// The address of the XSDT or, on firmware of ACPI 1.0, the RSDT.
fn root_table<'a>(
    physical: &impl Fn(u64, usize) -> Option<&'a [u8]>,
    rsdp: u64,
) -> Result<u64, Error> {
    let v1 = physical(rsdp, 20).ok_or(Error::Unreadable(rsdp))?;
    if !v1.starts_with(b"RSD PTR ") {
        return Err(Error::Signature);
    }
    check_sum(v1)?;
    if v1[15] < 2 {
        return bytes::u32(v1, 16).map(u64::from);
    }
    let v2 = physical(rsdp, 36).ok_or(Error::Unreadable(rsdp))?;
    check_sum(v2)?;
    bytes::u64(v2, 24)
}

/// Size of the root table's entries: the RSDT has 32-bit addresses, the XSDT 64-bit ones.
fn entry_size<'a>(
    physical: &impl Fn(u64, usize) -> Option<&'a [u8]>,
    root: u64,
) -> Result<usize, Error> {
    match physical(root, 4).ok_or(Error::Unreadable(root))? {
        b"RSDT" => Ok(4),
        b"XSDT" => Ok(8),
        _ => Err(Error::Signature),
    }
}

/// The whole table at an address: its length checked against what is readable, its sum against
/// zero.
fn table<'a>(
    physical: &impl Fn(u64, usize) -> Option<&'a [u8]>,
    address: u64,
) -> Result<&'a [u8], Error> {
    let header = physical(address, HEADER).ok_or(Error::Unreadable(address))?;
    let len = bytes::u32(header, 4)? as usize;
    if len < HEADER {
        return Err(Error::Length);
    }
    let table = physical(address, len).ok_or(Error::Unreadable(address))?;
    check_sum(table)?;
    Ok(table)
}

fn check_sum(table: &[u8]) -> Result<(), Error> {
    match table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) {
        0 => Ok(()),
        _ => Err(Error::Checksum),
    }
}
