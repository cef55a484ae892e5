//! The header that ACPI's tables have in common (ACPI 6.5, section 5.2.6 "System Description Table
//! Header").

use crate::firmware::{Error, bytes::Bytes};

/// Length of the header in bytes.
pub(super) const HEADER: usize = 36;

/// A whole table, from its header on: as long as the header says, with a sum of zero. What follows
/// it in `bytes` is not looked at.
pub(super) fn parse<'a>(bytes: &'a [u8], signature: &'static str) -> Result<Bytes<'a>, Error> {
    if !bytes.starts_with(signature.as_bytes()) {
        return Err(Error::Signature {
            expected: signature,
        });
    }
    whole(bytes)
}

/// The same of any table.
pub(super) fn whole(bytes: &[u8]) -> Result<Bytes<'_>, Error> {
    let all = Bytes { bytes, offset: 0 };
    let len = all.u32(4)? as usize;
    if len < HEADER {
        return Err(Error::Length {
            offset: 0,
            len,
            least: HEADER,
        });
    }
    let table = all.part(0, len)?;
    check_sum(table.bytes)?;
    Ok(table)
}

pub(super) fn check_sum(bytes: &[u8]) -> Result<(), Error> {
    match bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) {
        0 => Ok(()),
        sum => Err(Error::Checksum { sum }),
    }
}
