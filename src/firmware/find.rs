//! Finding an ACPI table (ACPI 6.5, sections 5.2.5 "Root System Description Pointer" to 5.2.8
//! "Extended System Description Table").

use crate::firmware::{
    Error,
    bytes::Bytes,
    table::{self, HEADER, check_sum},
};

/// Finds the first table with a signature, from the RSDP's physical address on. Its sum is checked,
/// as are those on the way to it.
///
/// `physical(address, len)` gives the `len` bytes at a physical address, or `None` where nothing
/// can be read; they must not change any more.
///
/// ```
/// use kpmem::firmware::{Error, find_table, nfit::Nfit};
///
/// /// The NFIT of a machine whose memory `physical` maps, from where UEFI says the RSDP is.
/// fn nfit<'a>(
///     physical: impl Fn(u64, usize) -> Option<&'a [u8]>,
///     rsdp: u64,
/// ) -> Result<Nfit<'a>, Error> {
///     Nfit::parse(find_table(physical, rsdp, *b"NFIT")?)
/// }
///
/// let nothing = |_address, _len| None;
/// let (address, len) = (0xe_0000, 20);
/// assert_eq!(nfit(nothing, address).unwrap_err(), Error::Unreadable { address, len });
/// ```
///
/// # Errors
/// [`Error::Missing`] if there is no such table; [`Error::Unreadable`] if it may be one that could
/// not be read; others if the way to it is malformed.
pub fn find_table<'a>(
    physical: impl Fn(u64, usize) -> Option<&'a [u8]>,
    rsdp: u64,
    signature: [u8; 4],
) -> Result<&'a [u8], Error> {
    let read = |address, len| physical(address, len).ok_or(Error::Unreadable { address, len });
    let root = root(&read, rsdp)?;
    let head = read(root, 4)?;
    let entry = match head {
        b"RSDT" => 4,
        b"XSDT" => 8,
        _ => {
            return Err(Error::Signature {
                expected: "RSDT or XSDT",
            });
        }
    };
    let mut unreadable = None;
    let pointers = whole(&read, root)?.get(HEADER..).unwrap_or_default();
    for pointer in pointers.chunks_exact(entry) {
        let mut address = [0; 8];
        address[..entry].copy_from_slice(pointer);
        match u64::from_le_bytes(address) {
            0 => {} // a table that the firmware took out
            address => match read(address, 4) {
                Ok(head) if head == signature => return whole(&read, address),
                Ok(_) => {}
                Err(error) => unreadable = Some(error),
            },
        }
    }
    Err(unreadable.unwrap_or(Error::Missing("such ACPI table")))
}

/// The address of the XSDT or, on firmware of ACPI 1.0, the RSDT.
fn root<'a>(
    read: &impl Fn(u64, usize) -> Result<&'a [u8], Error>,
    rsdp: u64,
) -> Result<u64, Error> {
    let first = Bytes {
        bytes: read(rsdp, 20)?,
        offset: 0,
    };
    if !first.bytes.starts_with(b"RSD PTR ") {
        return Err(Error::Signature { expected: "RSDP" });
    }
    check_sum(first.bytes)?;
    if first.u8(15)? < 2 {
        return first.u32(16).map(u64::from);
    }
    let second = Bytes {
        bytes: read(rsdp, 36)?,
        offset: 0,
    };
    check_sum(second.bytes)?;
    match second.u64(24)? {
        0 => first.u32(16).map(u64::from),
        xsdt => Ok(xsdt),
    }
}

fn whole<'a>(
    read: &impl Fn(u64, usize) -> Result<&'a [u8], Error>,
    address: u64,
) -> Result<&'a [u8], Error> {
    let header = Bytes {
        bytes: read(address, HEADER)?,
        offset: 0,
    };
    let len = header.u32(4)? as usize;
    Ok(table::whole(read(address, len.max(HEADER))?)?.bytes)
}
