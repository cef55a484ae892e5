//! The guest of the example: a queue in its memory, and one FLUSH at a time in it.

use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap, bitmap::AtomicBitmap};

use super::Result;

type Ram = GuestMemoryMmap<AtomicBitmap>;

const DESCRIPTORS: u64 = 0x1000;
const AVAILABLE: u64 = 0x2000;
const USED: u64 = 0x3000;
const REQUEST: u64 = 0x4000;
const ANSWER: u64 = 0x4004;
const NEXT: u16 = 1;
const WRITE: u16 = 2;

/// A file that is gone afterwards.
pub fn file(len: usize) -> Result<FileOffset> {
    let file = tempfile::tempfile_in(".")?;
    file.set_len(len as u64)?;
    Ok(FileOffset::new(file, 0))
}

pub fn ram() -> Result<Ram> {
    Ok(Ram::from_ranges(&[(GuestAddress(0), 0x10000)])?)
}

/// The device's side of the queue, as the transport sets it up.
pub fn queue(ram: &Ram) -> Result<Queue> {
    let word = |address: u64, offset: u64| GuestAddress(address + offset);
    for (at, address, flags, next) in [(0, REQUEST, NEXT, 1_u16), (16, ANSWER, WRITE, 0)] {
        ram.write_obj(address, word(DESCRIPTORS, at))?;
        ram.write_obj(4_u32, word(DESCRIPTORS, at + 8))?;
        ram.write_obj(flags, word(DESCRIPTORS, at + 12))?;
        ram.write_obj(next, word(DESCRIPTORS, at + 14))?;
    }
    let mut queue = Queue::new(16)?;
    queue.set_desc_table_address(Some(DESCRIPTORS as u32), None);
    queue.set_avail_ring_address(Some(AVAILABLE as u32), None);
    queue.set_used_ring_address(Some(USED as u32), None);
    queue.set_ready(true);
    Ok(queue)
}

/// The guest asks once more, after it has asked `before` times.
pub fn flushes(ram: &Ram, before: u16) -> Result<()> {
    ram.write_obj(0x5555_5555_u32, GuestAddress(ANSWER))?;
    Ok(ram.write_obj(before + 1, GuestAddress(AVAILABLE + 2))?)
}

/// How many FLUSHes were answered by success: 1 or 0.
pub fn answer(ram: &Ram) -> Result<u32> {
    let answer: u32 = ram.read_obj(GuestAddress(ANSWER))?;
    Ok(u32::from(answer == 0))
}
