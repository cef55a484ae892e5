//! Little-endian fields at an offset.

use crate::Error;

/// The `N` bytes at `offset`.
pub fn array<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Error> {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(Error::Truncated)
}

pub fn u32(bytes: &[u8], offset: usize) -> Result<u32, Error> {
    array(bytes, offset).map(u32::from_le_bytes)
}
