//! A virtio-pmem device (VIRTIO 1.2, section 5.19 "PMEM Device"), but for its transport.

use std::io;

use virtio_queue::{Error as QueueError, QueueOwnedT, QueueT};
use vm_memory::{GuestAddress, GuestMemory};

use crate::{Backing, DeviceError, request::Request};

/// The answer to a FLUSH that made all durable.
const OK: u32 = 0;
/// The answer to one that did not, and to whatever else a guest may ask.
const EIO: u32 = 1;
/// What a range of guest memory begins and ends with.
const PAGE: u64 = 4096;

/// The device: its configuration, and what a request does.
///
/// Everything of the transport is the hypervisor's: registers, the queue's set-up, notifications.
#[derive(Debug)]
pub struct Device<B> {
    config: [u8; 16],
    backing: B,
    failure: Option<io::Error>,
}

/// What [`Device::process`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done {
    /// Chains that were given back to the guest: if there are some, it may want to be notified.
    pub used: u32,
    /// FLUSHes that were answered by success.
    pub flushed: u32,
    /// FLUSHes that were answered by an error, as the backing is not durable.
    pub failed: u32,
    /// Other requests, which were answered by an error: not a FLUSH, or malformed.
    pub rejected: u32,
    /// Chains without a place for an answer: nothing was done for them.
    pub unanswered: u32,
    /// Whether the backing was asked to sync.
    pub synced: bool,
}

impl<B: Backing> Device<B> {
    /// The device's number (section 5.19.1).
    pub const TYPE: u32 = 27;
    /// How many queues it has (section 5.19.2).
    pub const QUEUES: usize = 1;
    /// The features that it offers: version 1 of the specification. The transport may add its own,
    /// also event indices and indirect descriptors, which the queue knows.
    pub const FEATURES: u64 = 1 << 32;

    /// A device with `size` bytes of persistent memory, which the guest finds at `start`. (Linux
    /// wants both to be multiples of 2 MiB.)
    ///
    /// # Errors
    /// [`DeviceError::Range`].
    pub fn new(start: GuestAddress, size: u64, backing: B) -> Result<Self, DeviceError> {
        let start = start.0;
        let problem = if size == 0 {
            "there are none"
        } else if start.checked_add(size - 1).is_none() {
            "they run past the top of the address space"
        } else if start % PAGE != 0 || size % PAGE != 0 {
            "they do not begin and end with a page of 4 KiB"
        } else {
            let mut config = [0; 16];
            config[..8].copy_from_slice(&start.to_le_bytes());
            config[8..].copy_from_slice(&size.to_le_bytes());
            return Ok(Self {
                config,
                backing,
                failure: None,
            });
        };
        Err(DeviceError::Range {
            start,
            size,
            problem,
        })
    }

    /// Reads the configuration (section 5.19.4) as the guest does, little-endian. Past its end, it
    /// is zeroes.
    pub fn read_config(&self, offset: u64, data: &mut [u8]) {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.config.get(offset..))
            .unwrap_or_default();
        let len = rest.len().min(data.len());
        let (inside, outside) = data.split_at_mut(len);
        inside.copy_from_slice(&rest[..len]);
        outside.fill(0);
    }

    /// Does what the guest has put into the queue.
    ///
    /// | the guest's chain | its answer |
    /// |---|---|
    /// | a FLUSH | 0 if the backing is durable, 1 if not |
    /// | another type; a request of another length than 4 bytes, or not in memory; readable after writable descriptors; more than 16 descriptors, a loop, an index that is none | 1 |
    /// | no 4 bytes to write in those descriptors, or not in memory, or where the bytes of a chain up to them are 4 GiB or more | none: it is given back with length 0 |
    /// | begins with a descriptor that there is not | none, and it is not given back |
    ///
    /// Requests may be spread over descriptors as the driver likes, and be indirect. The rest of an
    /// answer that is longer than 4 bytes is left alone.
    ///
    /// **One FLUSH is one sync**, and those that are in the queue when this is called share one,
    /// which begins after they were all taken: it covers what each of them is about. A FLUSH that
    /// comes later waits for the next call, so that a guest that never stops keeps nobody in here:
    /// call again while [`QueueT::enable_notification`] says so.
    ///
    /// # After a failure
    ///
    /// Once a sync has failed, each FLUSH is answered by 1, without another sync, until
    /// [`reset`](Self::reset): Linux reports a failed write-back once, and forgets what it could
    /// not write; so a later success would not say that what was stored before is durable. A panic
    /// of the backing is such a failure for whoever catches it, and what was asked then is never
    /// answered.
    ///
    /// # Errors
    /// [`DeviceError::QueueNotValid`], [`DeviceError::Queue`]: the guest's queue cannot be used,
    /// and the device should say so by its status (`DEVICE_NEEDS_RESET`). What was asked in time
    /// may have been synced.
    pub fn process<Q: QueueT, M: GuestMemory>(
        &mut self,
        queue: &mut Q,
        memory: &M,
    ) -> Result<Done, DeviceError> {
        if !queue.is_valid(memory) {
            return Err(DeviceError::QueueNotValid);
        }
        // The queue refuses an index that is more than its size ahead, and reads it once.
        let requests: Vec<_> = queue
            .lock()
            .iter(memory)
            .map_err(DeviceError::Queue)?
            .map(|chain| Request::read(chain, memory))
            .collect();
        let mut done = Done::default();
        let flushes = |request: &Request| request.is_flush && request.answer.is_some();
        let durable = requests.iter().any(flushes) && self.sync(&mut done);
        for request in requests {
            let answer = if request.is_flush && durable { OK } else { EIO };
            let written = request.answer.is_some_and(|at| at.write(memory, answer));
            let len = if written { 4 } else { 0 };
            match queue.add_used(memory, request.head, len) {
                Ok(()) => done.used += 1,
                // There is no such descriptor to give back.
                Err(QueueError::InvalidDescriptorIndex) => {}
                Err(error) => return Err(DeviceError::Queue(error)),
            }
            *match (written, request.is_flush, durable) {
                (false, ..) => &mut done.unanswered,
                (true, false, _) => &mut done.rejected,
                (true, true, true) => &mut done.flushed,
                (true, true, false) => &mut done.failed,
            } += 1;
        }
        Ok(done)
    }

    /// Whether the backing is durable now.
    fn sync(&mut self, done: &mut Done) -> bool {
        if self.failure.is_none() {
            done.synced = true;
            // Unless it returns.
            self.failure = Some(io::Error::other("the backing panicked"));
            self.failure = self.backing.sync().err();
        }
        self.failure.is_none()
    }

    /// The guest has reset the device: it knows by now that what it stored before a failure may be
    /// lost, and FLUSHes are tried again.
    pub fn reset(&mut self) {
        self.failure = None;
    }

    /// Why each FLUSH fails, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// What is behind it.
    pub fn backing(&self) -> &B {
        &self.backing
    }

    /// What is behind it, to change it.
    pub fn backing_mut(&mut self) -> &mut B {
        &mut self.backing
    }
}
