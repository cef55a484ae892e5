//! QEMU's ACPI table loader: the firmware's share of the work where no firmware ran.
//!
//! QEMU hands out its tables with pointers relative to their file and without checksums, and beside
//! them a script (`etc/table-loader`) of what to patch. The format is defined by QEMU's
//! `hw/acpi/bios-linker-loader.c`: 128-byte entries of a command and its operands.

use crate::{Error, bytes};

const ENTRY: usize = 128;
const NAME: usize = 56;
const FILES: usize = 8;

const ALLOCATE: u32 = 1;
const ADD_POINTER: u32 = 2;
const ADD_CHECKSUM: u32 = 3;

struct File<'a> {
    name: &'a [u8],
    address: u64,
    bytes: &'a mut [u8],
}

/// Runs the script: `load(name, align)` brings a file to memory and gives its address and bytes.
/// Returns the address of the file `wanted`.
///
/// Commands that write back to QEMU are left out: nobody reads those values here.
pub fn run<'a>(
    script: &'a [u8],
    wanted: &'static str,
    mut load: impl FnMut(&str, usize) -> Option<(u64, &'a mut [u8])>,
) -> Result<u64, Error> {
    let mut files: [Option<File<'a>>; FILES] = [const { None }; FILES];
    for entry in script.chunks_exact(ENTRY) {
        match bytes::u32(entry, 0)? {
            ALLOCATE => {
                let name = name(entry, 4)?;
                let align = bytes::u32(entry, 4 + NAME)? as usize;
                let text = core::str::from_utf8(name).map_err(|_| Error::Missing("such file"))?;
                let (address, bytes) = load(text, align).ok_or(Error::Missing("such file"))?;
                let free = files.iter_mut().find(|slot| slot.is_none());
                *free.ok_or(Error::Missing("room for one more file"))? = Some(File {
                    name,
                    address,
                    bytes,
                });
            }
            ADD_POINTER => {
                let base = find(&mut files, name(entry, 4 + NAME)?)?.address;
                let offset = bytes::u32(entry, 4 + 2 * NAME)? as usize;
                let [size] = bytes::array(entry, 8 + 2 * NAME)?;
                add_pointer(find(&mut files, name(entry, 4)?)?.bytes, offset, size, base)?;
            }
            ADD_CHECKSUM => {
                let [offset, start, len] = [0, 4, 8].map(|at| bytes::u32(entry, 4 + NAME + at));
                let (offset, start, len) = (offset? as usize, start? as usize, len? as usize);
                add_checksum(find(&mut files, name(entry, 4)?)?.bytes, offset, start, len)?;
            }
            _ => {}
        }
    }
    find(&mut files, wanted.as_bytes()).map(|file| file.address)
}

/// A file name: NUL-padded.
fn name(entry: &[u8], offset: usize) -> Result<&[u8], Error> {
    let field = entry.get(offset..offset + NAME).ok_or(Error::Truncated)?;
    field
        .split(|byte| *byte == 0)
        .next()
        .ok_or(Error::Truncated)
}

fn find<'f, 'a>(files: &'f mut [Option<File<'a>>], name: &[u8]) -> Result<&'f mut File<'a>, Error> {
    let mut loaded = files.iter_mut().flatten();
    loaded
        .find(|file| file.name == name)
        .ok_or(Error::Missing("such file"))
}

/// Adds the base address to the `size`-byte offset that is stored at `offset`.
fn add_pointer(bytes: &mut [u8], offset: usize, size: u8, base: u64) -> Result<(), Error> {
    let field = offset
        .checked_add(usize::from(size))
        .and_then(|end| bytes.get_mut(offset..end))
        .filter(|field| field.len() <= 8)
        .ok_or(Error::Truncated)?;
    let mut value = [0; 8];
    value[..field.len()].copy_from_slice(field);
    let sum = u64::from_le_bytes(value).wrapping_add(base).to_le_bytes();
    field.copy_from_slice(&sum[..field.len()]);
    Ok(())
}

/// Sets the byte at `offset` so that the bytes of the range add up to zero.
fn add_checksum(bytes: &mut [u8], offset: usize, start: usize, len: usize) -> Result<(), Error> {
    *bytes.get_mut(offset).ok_or(Error::Truncated)? = 0;
    let end = start.checked_add(len).ok_or(Error::Length)?;
    let range = bytes.get(start..end).ok_or(Error::Truncated)?;
    bytes[offset] = range.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
    Ok(())
}
