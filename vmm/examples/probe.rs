//! Says how a file in a directory would be made durable, and does so.
//!
//! ```text
//! $ cargo run -p kpmem-vmm --example probe -- DIRECTORY
//! DIRECTORY: msync
//! ```
//!
//! On a DAX file system (ext4 or XFS, mounted with `-o dax=always`) it is the name of the CPU's
//! instruction.

use std::{env, io, sync::Arc};

use kpmem_vmm::{Backing, Mapped, Mapping, Policy};
use vm_memory::{Bytes, FileOffset, VolatileMemory, bitmap::AtomicBitmap};

const SIZE: usize = 2 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = env::args().nth(1).ok_or("which directory?")?;
    let file = tempfile::tempfile_in(&directory)?;
    file.set_len(SIZE as u64)?;
    let region = Arc::new(kpmem_vmm::map_file::<AtomicBitmap>(
        FileOffset::new(file, 0),
        SIZE,
    )?);
    let mapping = Arc::new(Mapping::new(Arc::clone(&region), Policy::Msync)?);
    let way = match mapping.is_by_lines() {
        true => kpmem::selected()?.name(),
        false => "msync",
    };
    region.as_volatile_slice().write_slice(b"durable", 4090)?;
    mapping.persist(4090, 7)?;
    let nothing_else = |_: &mut dyn FnMut(usize, usize)| -> io::Result<()> { Ok(()) };
    Mapped::with_log(mapping, nothing_else).sync()?;
    println!("{directory}: {way}");
    Ok(())
}
