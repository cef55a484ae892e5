//! virtio-pmem, with what a kernel must do for the driver as functions of C's.

use core::{
    ffi::{c_int, c_uint, c_void},
    ptr::NonNull,
};

use kpmem::virtio::{
    Address, BarRange, ConfigSpace, Error, Mmio, Pci, Pmem, QueueMemory, Wait, Window,
};

use crate::{
    error::{KPMEM_E_ARGUMENT, KPMEM_E_MISALIGNED, KPMEM_E_NO_MORE, status},
    handle::{Held, answer, get, put, read, take},
    physical::kpmem_region,
};

/// Bytes of a [`kpmem_virtio`].
pub const KPMEM_VIRTIO_SIZE: usize = 512;
/// Bytes of the memory that driver and device share, and its alignment.
pub const KPMEM_VIRTIO_QUEUE_SIZE: usize = 4096;
/// [`Address::Physical`]
pub const KPMEM_VIRTIO_PHYSICAL: u32 = 0;
/// [`Address::Device`]
pub const KPMEM_VIRTIO_DEVICE: u32 = 1;
/// [`Address::Either`]
pub const KPMEM_VIRTIO_EITHER: u32 = 2;

const _: () = assert!(
    size_of::<QueueMemory>() == KPMEM_VIRTIO_QUEUE_SIZE
        && align_of::<QueueMemory>() == KPMEM_VIRTIO_QUEUE_SIZE
);

/// A virtio-pmem device.
#[repr(C)]
#[derive(Debug)]
pub struct kpmem_virtio {
    opaque: [u64; 64],
}

/// The memory that driver and device share, and how long the driver waits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kpmem_virtio_setup {
    /// A page, aligned to its size.
    pub queue: *mut c_void,
    /// Where the device finds it.
    pub queue_address: u64,
    /// What kind of address that is: `KPMEM_VIRTIO_...`
    pub queue_address_kind: u32,
    /// Called after each look at the device that found nothing new, with the number of looks so far
    /// in this wait; 0 gives up.
    pub again: Option<unsafe extern "C" fn(context: *mut c_void, looks: u64) -> c_int>,
    /// What it is called with.
    pub context: *mut c_void,
}

/// A PCI function, and the kernel's ways to it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kpmem_pci {
    /// Reads four bytes of its configuration space.
    pub read: Option<unsafe extern "C" fn(context: *mut c_void, offset: u8) -> u32>,
    /// Writes four bytes of its configuration space.
    pub write: Option<unsafe extern "C" fn(context: *mut c_void, offset: u8, value: u32)>,
    /// Maps registers, a part of a BAR, uncached; null refuses.
    pub map: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            bar: c_uint,
            address: u64,
            len: u64,
        ) -> *mut c_void,
    >,
    /// What the three are called with.
    pub context: *mut c_void,
}

enum Driver {
    Mmio(Pmem<Mmio<Window>, Patience>),
    Pci(Pmem<Pci<Window>, Patience>),
}

impl Held for Driver {
    type Handle = kpmem_virtio;
    const KIND: usize = 6;
    const SIZE: usize = KPMEM_VIRTIO_SIZE;
}

/// Has the device, whatever its transport, in an expression.
macro_rules! device {
    ($driver:expr, $pmem:ident => $call:expr) => {
        match $driver {
            Driver::Mmio($pmem) => $call,
            Driver::Pci($pmem) => $call,
        }
    };
}

/// How long a kernel waits.
struct Patience {
    again: unsafe extern "C" fn(context: *mut c_void, looks: u64) -> c_int,
    context: *mut c_void,
}

impl Wait for Patience {
    fn begin(&self) -> impl FnMut() -> bool {
        let mut looks = 0;
        move || {
            looks += 1;
            // SAFETY: who gave the function vouches for it.
            unsafe { (self.again)(self.context, looks) != 0 }
        }
    }
}

struct Config<'a>(&'a kpmem_pci);

impl ConfigSpace for Config<'_> {
    fn read(&self, offset: u8) -> u32 {
        let read = self.0.read;
        // SAFETY: who gave the function vouches for it.
        read.map_or(u32::MAX, |read| unsafe { read(self.0.context, offset) })
    }

    fn write(&mut self, offset: u8, value: u32) {
        if let Some(write) = self.0.write {
            // SAFETY: as above.
            unsafe { write(self.0.context, offset, value) };
        }
    }
}

impl kpmem_virtio_setup {
    /// A driver of this transport.
    ///
    /// # Safety
    /// As for [`Pmem::new`].
    unsafe fn pmem<T: kpmem::virtio::Transport>(
        &self,
        transport: T,
    ) -> Result<Pmem<T, Patience>, c_int> {
        let queue = NonNull::new(self.queue.cast::<QueueMemory>()).ok_or(KPMEM_E_ARGUMENT)?;
        if !queue.is_aligned() {
            return Err(KPMEM_E_MISALIGNED);
        }
        let address = match self.queue_address_kind {
            KPMEM_VIRTIO_PHYSICAL => Address::Physical(self.queue_address),
            KPMEM_VIRTIO_DEVICE => Address::Device(self.queue_address),
            KPMEM_VIRTIO_EITHER => Address::Either(self.queue_address),
            _ => return Err(KPMEM_E_ARGUMENT),
        };
        let wait = Patience {
            again: self.again.ok_or(KPMEM_E_ARGUMENT)?,
            context: self.context,
        };
        // SAFETY: the caller's.
        Ok(unsafe { Pmem::new(transport, queue, address, wait) })
    }
}

/// [`Mmio::new`], [`Pmem::new`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_virtio_init_mmio(
    virtio: *mut kpmem_virtio,
    registers: *mut c_void,
    size: usize,
    setup: *const kpmem_virtio_setup,
) -> c_int {
    let Some(registers) = NonNull::new(registers.cast()) else {
        return KPMEM_E_ARGUMENT;
    };
    // SAFETY: the caller vouches for all of them.
    status(unsafe {
        read(setup).and_then(|setup| {
            let mmio = Mmio::new(Window::new(registers, size)).map_err(Error::code)?;
            put(virtio, Driver::Mmio(setup.pmem(mmio)?))
        })
    })
}

/// [`Pci::new`], [`Pmem::new`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_virtio_init_pci(
    virtio: *mut kpmem_virtio,
    pci: *const kpmem_pci,
    setup: *const kpmem_virtio_setup,
) -> c_int {
    // SAFETY: the caller vouches for all of them.
    status(unsafe {
        read(pci).and_then(|pci| {
            let setup = read(setup)?;
            let (Some(_), Some(_), Some(map)) = (pci.read, pci.write, pci.map) else {
                return Err(KPMEM_E_ARGUMENT);
            };
            let map = |range: BarRange| {
                let base = map(pci.context, range.bar.into(), range.address(), range.len);
                Some(Window::new(NonNull::new(base.cast())?, range.len as usize))
            };
            let transport = Pci::new(&mut Config(pci), map).map_err(Error::code)?;
            put(virtio, Driver::Pci(setup.pmem(transport)?))
        })
    })
}

/// [`Pmem::stop`], and the end of the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_virtio_fini(virtio: *mut kpmem_virtio) -> c_int {
    // SAFETY: the caller vouches for the handle.
    status(unsafe {
        get::<Driver>(virtio).and_then(|driver| {
            device!(driver, pmem => pmem.stop()).map_err(Error::code)?;
            take::<Driver>(virtio).map(drop)
        })
    })
}

/// [`Pmem::start`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_virtio_start(
    virtio: *const kpmem_virtio,
    region: *mut kpmem_region,
) -> c_int {
    // SAFETY: the caller vouches for handle and place.
    status(unsafe {
        get::<Driver>(virtio).and_then(|driver| {
            let found = device!(driver, pmem => pmem.start()).map_err(Error::code)?;
            answer(region, found.into())
        })
    })
}

/// [`Pmem::flush`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_virtio_flush(virtio: *mut c_void) -> c_int {
    // SAFETY: the caller vouches for the handle.
    status(unsafe {
        get::<Driver>(virtio.cast_const().cast())
            .and_then(|driver| device!(driver, pmem => pmem.flush()).map_err(Error::code))
    })
}

/// [`Pmem::failure`], as its code; 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_virtio_failure(virtio: *const kpmem_virtio) -> c_int {
    // SAFETY: the caller vouches for the handle.
    status(unsafe {
        get::<Driver>(virtio).and_then(|driver| {
            let failure = device!(driver, pmem => pmem.failure());
            failure.map_or(Ok(()), |error| Err(error.code()))
        })
    })
}

/// [`Pmem::region`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_virtio_region(
    virtio: *const kpmem_virtio,
    region: *mut kpmem_region,
) -> c_int {
    // SAFETY: the caller vouches for handle and place.
    status(unsafe {
        get::<Driver>(virtio).and_then(|driver| {
            let found = device!(driver, pmem => pmem.region());
            answer(region, found.ok_or(KPMEM_E_NO_MORE)?.into())
        })
    })
}
