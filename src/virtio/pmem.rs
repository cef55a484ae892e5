//! The driver (VIRTIO 1.2, section 5.19 "PMEM Device").

use core::{
    fmt,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering, fence},
};

use spin::Mutex;

use super::{Error, QueueMemory, Transport, Wait, device::Device, queue::Queue};
use crate::{Hook, Region, arch};

/// Where the device finds the [`QueueMemory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// At this physical address, for all that is known: a device whose addresses are translated is
    /// refused.
    Physical(u64),
    /// At this address by the platform's translation (an IOMMU's), and nowhere without: a device
    /// that goes round it is refused.
    Device(u64),
    /// At this address in both cases.
    Either(u64),
}

impl Address {
    const fn value(self) -> u64 {
        match self {
            Self::Physical(address) | Self::Device(address) | Self::Either(address) => address,
        }
    }
}

/// A virtio-pmem device.
///
/// [`flush`](Self::flush) makes all durable that was stored before; as a [`Hook`], it is what makes
/// a map durable.
///
/// Any CPU may call it, also several at once. Requests go one by one, and one that began after
/// several had called serves them all. Those that wait do so for a spin lock: **not in interrupt
/// context**, where the holder may be what was interrupted.
///
/// ```
/// use kpmem::virtio::{Error, Pmem, Transport, Wait};
///
/// /// Makes stores durable, and starts the device anew after a failure: then what was stored since
/// /// the last success is to be stored again.
/// fn flush<T: Transport, W: Wait>(pmem: &Pmem<T, W>) -> Result<(), Error> {
///     let failed = pmem.flush();
///     if let Some(error) = pmem.failure() {
///         let before = pmem.region();
///         let region = pmem.start()?;
///         assert_eq!(before, Some(region), "{error}");
///     }
///     failed
/// }
///
/// /// Takes the queue's memory back: the device has let go of it.
/// fn shut_down<T: Transport, W: Wait>(pmem: Pmem<T, W>) -> Result<(), Error> {
///     pmem.stop()
/// }
/// ```
///
/// # When something goes wrong
///
/// After any failure nothing more is asked of the device: each call returns that same error, until
/// [`start`](Self::start) has reset it. That is so for a FLUSH that the device refused, too: a host
/// whose write-back failed may have dropped what it could not write, and find nothing left to
/// write when it is asked again. So no later success can stand for what was stored before the
/// failure: **after `start`, store again what must be durable.**
pub struct Pmem<T, W> {
    device: Mutex<Device<T>>,
    wait: W,
    /// How many FLUSHes have begun.
    begun: AtomicU64,
}

impl<T: Transport, W: Wait> Pmem<T, W> {
    /// A device that is not started yet: nothing is asked of it before [`start`](Self::start). It
    /// shares `memory` with the driver, and finds it at `address`. Each wait for the device is as
    /// `wait` says.
    ///
    /// # Safety
    /// `memory` is mapped write-back on every CPU, and is what the device reads and writes,
    /// coherently, at `address` (so it is not encrypted, for one). Nothing but driver and device
    /// uses it as long as this value lives, nor afterwards, **unless [`stop`](Self::stop) returned
    /// `Ok` last**: until then the device may write to it.
    pub const unsafe fn new(
        transport: T,
        memory: NonNull<QueueMemory>,
        address: Address,
        wait: W,
    ) -> Self {
        Self {
            device: Mutex::new(Device {
                transport,
                // SAFETY: the caller's.
                queue: unsafe { Queue::new(memory, address.value()) },
                address,
                region: None,
                down: Some(Error::NotStarted),
                succeeded: 0,
                failed: None,
            }),
            wait,
            begun: AtomicU64::new(0),
        }
    }

    /// Resets the device and starts it; the answer is its persistent memory, by physical address,
    /// for the kernel to map write-back. Starts it anew after a failure, or whenever it is called.
    ///
    /// # Errors
    /// What is wrong with the device; then it stays down. [`Error::RegionMoved`] if this is not the
    /// first start and the memory is no longer where it was.
    pub fn start(&self) -> Result<Region, Error> {
        let mut device = self.device.lock();
        let started = device.start(&self.wait);
        device.down = started.err();
        started
    }

    /// Resets the device. After `Ok` it no longer uses the queue's memory, until it is
    /// [started](Self::start) again.
    ///
    /// # Errors
    /// [`Error::ResetTimedOut`]: the device still has the memory. [`Error::Gone`]: it is not there
    /// any more, says its status register.
    pub fn stop(&self) -> Result<(), Error> {
        let mut device = self.device.lock();
        let reset = device.reset(&self.wait);
        device.down = Some(reset.err().unwrap_or(Error::NotStarted));
        reset
    }

    /// Makes all stores durable that were made before, by this CPU or seen by it: one FLUSH, or
    /// another CPU's that began after this call.
    ///
    /// # Errors
    /// [`Error::Refused`] if the device could not, and anything else that is wrong with it; see
    /// [above](Self#when-something-goes-wrong). Nothing may be taken for durable then.
    pub fn flush(&self) -> Result<(), Error> {
        // All stores of ours are visible, also those that went past the cache, before the look at
        // how many FLUSHes have begun: whoever begins the next one has them in it.
        arch::store_fence();
        fence(Ordering::SeqCst);
        let seen = self.begun.load(Ordering::Relaxed);
        let mut device = self.device.lock();
        match device.failed {
            Some((number, error)) if number > seen => return Err(error),
            _ => {}
        }
        if let Some(error) = device.down {
            return Err(error);
        }
        if device.succeeded > seen {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        // The other side of the fence above.
        fence(Ordering::SeqCst);
        let flushed = device.flush(&self.wait);
        match flushed {
            Ok(()) => device.succeeded = number,
            Err(error) => {
                device.failed = Some((number, error));
                device.down = Some(error);
            }
        }
        flushed
    }

    /// The persistent memory, once it was started.
    pub fn region(&self) -> Option<Region> {
        self.device.lock().region
    }

    /// Why nothing is asked of the device, if so.
    pub fn failure(&self) -> Option<Error> {
        self.device.lock().down
    }
}

/// A FLUSH knows no ranges: a map's flushes only note that there is something to drain, and a drain
/// is one FLUSH. The codes are those of [`Error::code`].
impl<T: Transport, W: Wait> Hook for Pmem<T, W> {
    fn flush(&self, _ptr: *const u8, _len: usize) -> Result<(), i32> {
        Ok(())
    }

    fn drain(&self) -> Result<(), i32> {
        Pmem::flush(self).map_err(Error::code)
    }
}

impl<T, W> fmt::Debug for Pmem<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pmem")
            .field("begun", &self.begun)
            .finish_non_exhaustive()
    }
}
