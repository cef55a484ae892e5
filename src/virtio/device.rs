//! From a reset to a FLUSH (VIRTIO 1.2, section 5.19 "PMEM Device"), and what may come between.

use super::{Address, Error, QueueParts, Region, Transport, Wait, feature, queue::Queue, status};

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

/// A device, which one caller at a time has to do with.
#[derive(Debug)]
pub(super) struct Device<T> {
    pub(super) transport: T,
    pub(super) queue: Queue,
    pub(super) address: Address,
    pub(super) region: Option<Region>,
    /// Why nothing is asked of the device.
    pub(super) down: Option<Error>,
    /// The number of the last FLUSH that succeeded, and of the last that failed, and why.
    pub(super) succeeded: u64,
    pub(super) failed: Option<(u64, Error)>,
}

impl<T: Transport> Device<T> {
    /// VIRTIO 1.2, section 3.1.1 "Driver Requirements: Device Initialization".
    pub(super) fn start(&mut self, wait: &impl Wait) -> Result<Region, Error> {
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

    fn set_up(&mut self, parts: QueueParts) -> Result<Region, Error> {
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
            let (base, len) = (pair(START), pair(SIZE));
            if self.transport.config_generation() == before {
                return Ok(Region { base, len });
            }
        }
        Err(Error::ConfigUnstable)
    }

    /// Resets the device and waits until it says that this is done (section 2.4.2).
    pub(super) fn reset(&mut self, wait: &impl Wait) -> Result<(), Error> {
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
    pub(super) fn flush(&mut self, wait: &impl Wait) -> Result<(), Error> {
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
    let Region { base, len } = region;
    if len == 0 || base == 0 {
        return Err(Error::NoRegion { region });
    }
    if region.last().is_none() {
        return Err(Error::RegionWraps { region });
    }
    if base % PAGE != 0 || len % PAGE != 0 {
        return Err(Error::RegionUnaligned { region });
    }
    Ok(region)
}
