//! The driver (VIRTIO 1.2, section 5.19 "PMEM Device").

use core::{
    fmt,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering, fence},
};

use spin::Mutex;

use super::{Error, QueueMemory, Transport, Wait, feature, queue::Queue, status};
use crate::{Hook, arch};

/// Of a virtio-pmem device (section 5.19.1).
pub(super) const DEVICE_ID: u32 = 27;
/// The only queue, `req_vq` (section 5.19.2).
const QUEUE: u16 = 0;
/// Bytes of the configuration: where the range begins, and its length (section 5.19.4).
pub(super) const CONFIG_SIZE: usize = 16;
const START: usize = 0;
const SIZE: usize = 8;
/// A page, which a range begins and ends with.
const PAGE: u64 = 4096;
/// From which look for an answer on the status is read too, at each power of two.
const LOOKS: u64 = 256;
/// How often a configuration may change while it is read.
const CHANGES: usize = 8;

const INITIAL: u8 = status::ACKNOWLEDGE | status::DRIVER;
const NEGOTIATED: u8 = INITIAL | status::FEATURES_OK;
const RUNNING: u8 = NEGOTIATED | status::DRIVER_OK;

/// A range of physical memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first byte.
    pub start: u64,
    /// How many.
    pub len: u64,
}

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
/// # When something goes wrong
///
/// After any failure nothing more is asked of the device: each call returns that same error, until
/// [`start`](Self::start) has reset it. That is so for a FLUSH that the device refused, too: a host
/// whose write-back failed may have dropped what it could not write, and find nothing left to
/// write when it is asked again. So no later success can stand for what was stored before the
/// failure: **after `start`, store again what must be durable.**
pub struct Pmem<T, W> {
    inner: Mutex<Inner<T>>,
    wait: W,
    /// How many FLUSHes have begun.
    begun: AtomicU64,
}

struct Inner<T> {
    transport: T,
    queue: Queue,
    address: Address,
    region: Option<Region>,
    /// Why nothing is asked of the device.
    down: Option<Error>,
    /// The number of the last FLUSH that succeeded, and of the last that failed, and why.
    succeeded: u64,
    failed: Option<(u64, Error)>,
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
            inner: Mutex::new(Inner {
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
        let mut inner = self.inner.lock();
        let started = inner.start(&self.wait);
        inner.down = started.err();
        started
    }

    /// Resets the device. After `Ok` it no longer uses the queue's memory, until it is
    /// [started](Self::start) again.
    ///
    /// # Errors
    /// [`Error::ResetTimedOut`]: the device still has the memory. [`Error::Gone`]: it is not there
    /// any more, says its status register.
    pub fn stop(&self) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        let reset = inner.reset(&self.wait);
        inner.down = Some(reset.err().unwrap_or(Error::NotStarted));
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
        let mut inner = self.inner.lock();
        match inner.failed {
            Some((number, error)) if number > seen => return Err(error),
            _ => {}
        }
        if let Some(error) = inner.down {
            return Err(error);
        }
        if inner.succeeded > seen {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        // The other side of the fence above.
        fence(Ordering::SeqCst);
        let flushed = inner.flush(&self.wait);
        match flushed {
            Ok(()) => inner.succeeded = number,
            Err(error) => {
                inner.failed = Some((number, error));
                inner.down = Some(error);
            }
        }
        flushed
    }

    /// The persistent memory, once it was started.
    pub fn region(&self) -> Option<Region> {
        self.inner.lock().region
    }

    /// Why nothing is asked of the device, if so.
    pub fn failure(&self) -> Option<Error> {
        self.inner.lock().down
    }
}

impl<T: Transport> Inner<T> {
    /// VIRTIO 1.2, section 3.1.1 "Driver Requirements: Device Initialization".
    fn start(&mut self, wait: &impl Wait) -> Result<Region, Error> {
        let parts = self.queue.parts()?;
        self.reset(wait)?;
        self.queue.clear();
        let started = self.set_up(parts);
        if started.is_err() {
            let status = self.transport.status();
            self.transport.set_status(status | status::FAILED);
        }
        started
    }

    fn set_up(&mut self, parts: super::QueueParts) -> Result<Region, Error> {
        self.add_status(0, status::ACKNOWLEDGE)?;
        self.add_status(status::ACKNOWLEDGE, status::DRIVER)?;
        let offered = self.transport.device_features();
        let shared = match offered & feature::SHMEM_REGION {
            0 => None,
            // A device or a transport that has no such region cannot have the feature.
            _ => self.transport.shared_memory(),
        };
        let features = accepted(offered, self.address, shared.is_some())?;
        self.transport.set_driver_features(features);
        match self.add_status(INITIAL, status::FEATURES_OK) {
            Err(Error::Status { found: INITIAL, .. }) => {
                return Err(Error::FeaturesRefused { features });
            }
            done => done?,
        }
        let region = match shared {
            Some(region) => region,
            None => self.configured()?,
        };
        let region = checked(region)?;
        if let Some(before) = self.region.filter(|before| *before != region) {
            return Err(Error::RegionMoved { before, region });
        }
        match self.transport.max_queue_size(QUEUE) {
            size if size < parts.size.into() => return Err(Error::QueueSize { size }),
            _ if self.transport.queue_enabled(QUEUE) => return Err(Error::QueueInUse),
            _ => self.transport.enable_queue(QUEUE, parts)?,
        }
        if !self.transport.queue_enabled(QUEUE) {
            return Err(Error::QueueNotEnabled);
        }
        self.add_status(NEGOTIATED, status::DRIVER_OK)?;
        self.region = Some(region);
        Ok(region)
    }

    /// The range that the configuration tells.
    fn configured(&self) -> Result<Region, Error> {
        let word = |offset| u64::from(self.transport.config(offset));
        let pair = |offset| word(offset) | word(offset + 4) << 32;
        for _ in 0..CHANGES {
            let before = self.transport.config_generation();
            let (start, len) = (pair(START), pair(SIZE));
            if self.transport.config_generation() == before {
                return Ok(Region { start, len });
            }
        }
        Err(Error::ConfigUnstable)
    }

    /// Resets the device and waits until it says that this is done (section 2.4.2).
    fn reset(&mut self, wait: &impl Wait) -> Result<(), Error> {
        self.transport.set_status(0);
        let mut again = wait.begin();
        let mut last = false;
        loop {
            match self.transport.status() {
                0 => return Ok(()),
                status::GONE => return Err(Error::Gone),
                status if last => return Err(Error::ResetTimedOut { status }),
                _ => last = !again(),
            }
        }
    }

    /// Adds a bit to the status, which must read as it should before and after.
    fn add_status(&mut self, before: u8, bit: u8) -> Result<(), Error> {
        self.expect_status(before)?;
        self.transport.set_status(before | bit);
        self.expect_status(before | bit)
    }

    fn expect_status(&self, expected: u8) -> Result<(), Error> {
        match self.transport.status() {
            found if found == expected => Ok(()),
            status::GONE => Err(Error::Gone),
            found if found & status::NEEDS_RESET != 0 => Err(Error::NeedsReset),
            found => Err(Error::Status { expected, found }),
        }
    }

    /// One FLUSH, from the request to the answer.
    fn flush(&mut self, wait: &impl Wait) -> Result<(), Error> {
        self.expect_status(RUNNING)?;
        if self.queue.publish()? {
            self.transport.notify(QUEUE);
        }
        let mut again = wait.begin();
        let mut looks = 0_u64;
        let mut last = false;
        loop {
            match self.queue.answer()? {
                Some(0) => return Ok(()),
                Some(ret) => return Err(Error::Refused { ret }),
                None if last => return Err(Error::TimedOut),
                None => last = !again(),
            }
            looks += 1;
            // Seldom, as to read a register is an exit to the host.
            if last || (looks >= LOOKS && looks.is_power_of_two()) {
                self.expect_status(RUNNING)?;
            }
        }
    }
}

/// Which of the features that a device offers the driver takes.
fn accepted(offered: u64, address: Address, shared: bool) -> Result<u64, Error> {
    if offered & feature::VERSION_1 == 0 {
        return Err(Error::Legacy { features: offered });
    }
    let translated = offered & feature::ACCESS_PLATFORM;
    match (address, translated != 0) {
        (Address::Physical(_), true) => return Err(Error::AddressesTranslated),
        (Address::Device(_), false) => return Err(Error::AddressesNotTranslated),
        _ => {}
    }
    let region = if shared { feature::SHMEM_REGION } else { 0 };
    Ok(feature::VERSION_1 | translated | region)
}

/// The same range, if it can be one.
fn checked(region: Region) -> Result<Region, Error> {
    let Region { start, len } = region;
    if len == 0 || start == 0 {
        return Err(Error::NoRegion { region });
    }
    if start.checked_add(len - 1).is_none() {
        return Err(Error::RegionWraps { region });
    }
    if start % PAGE != 0 || len % PAGE != 0 {
        return Err(Error::RegionUnaligned { region });
    }
    Ok(region)
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
