//! What the driver needs of a transport, whichever it is.

use super::{Error, Region};

/// Bits of the status register (VIRTIO 1.2, section 2.1 "Device Status Field").
pub mod status {
    /// The driver has noticed the device.
    pub const ACKNOWLEDGE: u8 = 1;
    /// The driver knows how to drive it.
    pub const DRIVER: u8 = 2;
    /// The driver is ready.
    pub const DRIVER_OK: u8 = 4;
    /// Both agree on the features.
    pub const FEATURES_OK: u8 = 8;
    /// The device cannot go on without a reset.
    pub const NEEDS_RESET: u8 = 64;
    /// The driver has given up.
    pub const FAILED: u8 = 128;
    /// What a register reads as whose device is no longer there.
    pub const GONE: u8 = 0xff;
}

/// Feature bits (VIRTIO 1.2, chapter 6 "Reserved Feature Bits", and section 5.19.3).
pub mod feature {
    /// The range of memory is shared memory region 0, not in the configuration.
    pub const SHMEM_REGION: u64 = 1 << 0;
    /// The device follows version 1 of the specification.
    pub const VERSION_1: u64 = 1 << 32;
    /// The device reaches memory by addresses that the platform translates.
    pub const ACCESS_PLATFORM: u64 = 1 << 33;
}

/// Where the three parts of a split virtqueue are, as the device addresses them (VIRTIO 1.2,
/// section 2.7 "Split Virtqueues").
///
/// ```
/// use kpmem::virtio::QueueParts;
///
/// /// Whether a device that reaches 32 bits of addresses reaches the queue.
/// fn is_low(parts: QueueParts) -> bool {
///     [parts.descriptors, parts.driver, parts.device].iter().all(|it| *it < 1 << 32)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueParts {
    /// Number of descriptors, a power of two.
    pub size: u16,
    /// The descriptor table.
    pub descriptors: u64,
    /// The driver area: the available ring.
    pub driver: u64,
    /// The device area: the used ring.
    pub device: u64,
}

/// A way to a virtio device: [`Mmio`](super::Mmio), [`Pci`](super::Pci), or a kernel's own.
///
/// Registers have side effects that the driver must not see reordered: each call has reached the
/// device before the next one does. Values are the CPU's, whatever the order of the register's
/// bytes. What the device answers is not trusted, so any value may be returned.
///
/// ```
/// use kpmem::virtio::{Error, QueueParts, Transport, status};
///
/// /// Another transport, with what goes wrong on the way counted.
/// struct Counted<T> {
///     inner: T,
///     failures: u32,
/// }
///
/// impl<T: Transport> Transport for Counted<T> {
///     fn status(&self) -> u8 {
///         self.inner.status()
///     }
///     fn set_status(&mut self, status: u8) {
///         self.failures += u32::from(status & status::FAILED != 0);
///         self.inner.set_status(status);
///     }
///     fn device_features(&mut self) -> u64 {
///         self.inner.device_features()
///     }
///     fn set_driver_features(&mut self, features: u64) {
///         self.inner.set_driver_features(features);
///     }
///     fn max_queue_size(&mut self, queue: u16) -> u32 {
///         self.inner.max_queue_size(queue)
///     }
///     fn queue_enabled(&mut self, queue: u16) -> bool {
///         self.inner.queue_enabled(queue)
///     }
///     fn enable_queue(&mut self, queue: u16, parts: QueueParts) -> Result<(), Error> {
///         self.inner.enable_queue(queue, parts)
///     }
///     fn notify(&mut self, queue: u16) {
///         self.inner.notify(queue);
///     }
///     fn config_generation(&self) -> u32 {
///         self.inner.config_generation()
///     }
///     fn config(&self, offset: usize) -> u32 {
///         self.inner.config(offset)
///     }
/// }
/// ```
pub trait Transport {
    /// The status register.
    fn status(&self) -> u8;

    /// Writes the status register; 0 resets the device.
    fn set_status(&mut self, status: u8);

    /// The features that the device offers.
    fn device_features(&mut self) -> u64;

    /// Accepts features.
    fn set_driver_features(&mut self, features: u64);

    /// The most descriptors that a queue may have; 0 if there is no such queue.
    fn max_queue_size(&mut self, queue: u16) -> u32;

    /// Whether a queue is in use.
    fn queue_enabled(&mut self, queue: u16) -> bool;

    /// Tells where a queue is and puts it in use.
    ///
    /// # Errors
    /// What the transport finds wrong with the queue.
    fn enable_queue(&mut self, queue: u16, parts: QueueParts) -> Result<(), Error>;

    /// Tells the device that there is something new in an enabled queue.
    fn notify(&mut self, queue: u16);

    /// A number that changes when the configuration does.
    fn config_generation(&self) -> u32;

    /// Four bytes of the device's configuration at a multiple of four.
    fn config(&self, offset: usize) -> u32;

    /// Shared memory region 0, if there is one. The default has none.
    fn shared_memory(&mut self) -> Option<Region> {
        None
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn status(&self) -> u8 {
        T::status(self)
    }

    fn set_status(&mut self, status: u8) {
        T::set_status(self, status);
    }

    fn device_features(&mut self) -> u64 {
        T::device_features(self)
    }

    fn set_driver_features(&mut self, features: u64) {
        T::set_driver_features(self, features);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        T::max_queue_size(self, queue)
    }

    fn queue_enabled(&mut self, queue: u16) -> bool {
        T::queue_enabled(self, queue)
    }

    fn enable_queue(&mut self, queue: u16, parts: QueueParts) -> Result<(), Error> {
        T::enable_queue(self, queue, parts)
    }

    fn notify(&mut self, queue: u16) {
        T::notify(self, queue);
    }

    fn config_generation(&self) -> u32 {
        T::config_generation(self)
    }

    fn config(&self, offset: usize) -> u32 {
        T::config(self, offset)
    }

    fn shared_memory(&mut self) -> Option<Region> {
        T::shared_memory(self)
    }
}
