//! A split virtqueue that has one request under way at most (VIRTIO 1.2, section 2.7 "Split
//! Virtqueues").

use core::{
    cell::UnsafeCell,
    mem::offset_of,
    ptr::NonNull,
    sync::atomic::{Ordering, fence},
};
use volatile::VolatilePtr;

use super::{Error, QueueParts};
use crate::arch;

/// Descriptors: one that the device reads, one that it writes.
const SIZE: u16 = 2;

const NEXT: u16 = 1;
const DEVICE_WRITES: u16 = 2;
/// For the device: no interrupt, please. We look.
const NO_INTERRUPT: u16 = 1;
/// From the device: no notification, please. It looks.
const NO_NOTIFY: u16 = 1;

/// What the response holds before the device has written it.
const UNANSWERED: u32 = 0x5555_5555;
/// Bytes that a whole answer has.
const ANSWER: u32 = size_of::<u32>() as u32;

/// The type of the only request that there is (VIRTIO 1.2, section 5.19.6 "Driver Operations").
const FLUSH: u32 = 0;

/// The memory that driver and device share: one page. Zeroes are a good content to begin with, as
/// is any other.
#[repr(C, align(4096))]
#[derive(Debug)]
pub struct QueueMemory(UnsafeCell<Layout>);

impl QueueMemory {
    /// A page of it.
    #[must_use]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Layout::ZEROES))
    }
}

impl Default for QueueMemory {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: there is no way to its content but by the pointer that `Pmem::new` is given, which has
// its caller vouch that nothing else uses it.
unsafe impl Sync for QueueMemory {}

/// All numbers are little-endian.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Layout {
    descriptors: [Descriptor; SIZE as usize],
    available: Available,
    used: Used,
    request: u32,
    response: u32,
}

#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
struct Descriptor {
    address: u64,
    len: u32,
    flags: u16,
    next: u16,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Available {
    flags: u16,
    index: u16,
    ring: [u16; SIZE as usize],
    used_event: u16,
}

#[repr(C, align(4))]
#[derive(Clone, Copy, Debug)]
struct Used {
    flags: u16,
    index: u16,
    ring: [Element; SIZE as usize],
    available_event: u16,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Element {
    id: u32,
    len: u32,
}

impl Layout {
    const ZEROES: Self = Self {
        descriptors: [Descriptor {
            address: 0,
            len: 0,
            flags: 0,
            next: 0,
        }; 2],
        available: Available {
            flags: 0,
            index: 0,
            ring: [0; 2],
            used_event: 0,
        },
        used: Used {
            flags: 0,
            index: 0,
            ring: [Element { id: 0, len: 0 }; 2],
            available_event: 0,
        },
        request: 0,
        response: 0,
    };
}

/// The driver's side.
#[derive(Debug)]
pub(super) struct Queue {
    memory: NonNull<QueueMemory>,
    /// Where the device finds it.
    address: u64,
    /// How many requests are complete, as the rings count them.
    done: u16,
}

// SAFETY: who gave the memory vouches that it is this queue's own, on any CPU.
unsafe impl Send for Queue {}

impl Queue {
    /// # Safety
    /// As [`Pmem::new`](super::Pmem::new) says of its memory.
    pub(super) const unsafe fn new(memory: NonNull<QueueMemory>, address: u64) -> Self {
        Self {
            memory,
            address,
            done: 0,
        }
    }

    /// Where its parts are for the device.
    ///
    /// # Errors
    /// [`Error::QueueAddress`] if it is no address of a page.
    pub(super) fn parts(&self) -> Result<QueueParts, Error> {
        let address = self.address;
        if address == 0 || address % align_of::<QueueMemory>() as u64 != 0 {
            return Err(Error::QueueAddress { address });
        }
        // A page does not wrap.
        Ok(QueueParts {
            size: SIZE,
            descriptors: address + offset_of!(Layout, descriptors) as u64,
            driver: address + offset_of!(Layout, available) as u64,
            device: address + offset_of!(Layout, used) as u64,
        })
    }

    /// Makes it empty. Only after a reset, when the device no longer uses it.
    pub(super) fn clear(&mut self) {
        self.done = 0;
        self.field(0).write(Layout::ZEROES);
        let flags = NO_INTERRUPT.to_le();
        self.field(offset_of!(Layout, available.flags)).write(flags);
    }

    /// Gives the device a FLUSH; the answer is whether it wants to be notified.
    ///
    /// # Errors
    /// [`Error::UsedIndex`] if it has answered what it was not asked.
    pub(super) fn publish(&mut self) -> Result<bool, Error> {
        self.expect(self.done, self.used())?;
        let address = self.address;
        let part = |offset, flags: u16, next: u16| Descriptor {
            address: (address + offset as u64).to_le(),
            len: ANSWER.to_le(),
            flags: flags.to_le(),
            next: next.to_le(),
        };
        let descriptors = [
            part(offset_of!(Layout, request), NEXT, 1),
            part(offset_of!(Layout, response), DEVICE_WRITES, 0),
        ];
        self.field(offset_of!(Layout, descriptors))
            .write(descriptors);
        self.field(offset_of!(Layout, request)).write(FLUSH.to_le());
        self.field(offset_of!(Layout, response)).write(UNANSWERED);
        // The chain begins with descriptor 0, whichever entry of the ring it is.
        self.field(offset_of!(Layout, available.ring))
            .write([0_u16; 2]);
        // What the request is, and all that it is to make durable, before that there is one.
        arch::store_fence();
        let index = self.done.wrapping_add(1).to_le();
        self.field(offset_of!(Layout, available.index)).write(index);
        // That there is one, before the look whether the device looks; and before a notification,
        // which is no access to memory.
        arch::store_fence();
        fence(Ordering::SeqCst);
        let flags = u16::from_le(self.field(offset_of!(Layout, used.flags)).read());
        Ok(flags & NO_NOTIFY == 0)
    }

    /// What the device answered, once it has.
    ///
    /// # Errors
    /// What is wrong with the way that it did.
    pub(super) fn answer(&mut self) -> Result<Option<u32>, Error> {
        let used = self.used();
        if used == self.done {
            return Ok(None);
        }
        let next = self.done.wrapping_add(1);
        self.expect(next, used)?;
        // That it answered, before what.
        fence(Ordering::Acquire);
        let ring: [Element; 2] = self.field(offset_of!(Layout, used.ring)).read();
        let Element { id, len } = ring[usize::from(self.done % SIZE)];
        let (id, len) = (u32::from_le(id), u32::from_le(len));
        if id != 0 {
            return Err(Error::UsedDescriptor { id });
        }
        if len != ANSWER {
            return Err(Error::UsedLength { len });
        }
        match self.field(offset_of!(Layout, response)).read() {
            UNANSWERED => Err(Error::Unanswered),
            response => {
                self.done = next;
                Ok(Some(u32::from_le(response)))
            }
        }
    }

    /// How many requests the device says are complete.
    fn used(&self) -> u16 {
        u16::from_le(self.field(offset_of!(Layout, used.index)).read())
    }

    fn expect(&self, expected: u16, found: u16) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        Err(Error::UsedIndex { expected, found })
    }

    /// The field at an offset of [`Layout`], which must be of this type.
    fn field<T>(&self, offset: usize) -> VolatilePtr<'_, T> {
        // SAFETY: a field of the memory, which is this queue's own, as who gave it vouches, and may
        // be changed by the device, as it is in a cell.
        unsafe { VolatilePtr::new(self.memory.cast::<u8>().add(offset).cast()) }
    }
}
