//! The device of the model as its users share it: the test, the driver, and time.

use std::{
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kpmem::virtio::{Address, Error, Pmem, QueueMemory, QueueParts, Region, Transport, Wait};

use super::model::{Device, QUEUE_AT};

/// The device, as its users share it.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Device>>);

impl Shared {
    pub fn new(change: impl FnOnce(&mut Device)) -> Self {
        let shared = Self::default();
        change(&mut shared.lock());
        shared
    }

    pub fn lock(&self) -> MutexGuard<'_, Device> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A driver of it, with memory of its own.
    pub fn pmem<T: Transport>(&self, transport: T, looks: u32) -> Pmem<T, Patience> {
        self.pmem_at(transport, looks, Address::Physical(QUEUE_AT))
    }

    pub fn pmem_at<T: Transport>(
        &self,
        transport: T,
        looks: u32,
        address: Address,
    ) -> Pmem<T, Patience> {
        let device = self.clone();
        self.pmem_waiting(transport, address, Patience { device, looks })
    }

    pub fn pmem_waiting<T: Transport, W: Wait>(
        &self,
        transport: T,
        address: Address,
        wait: W,
    ) -> Pmem<T, W> {
        let memory = NonNull::from(Box::leak(Box::new(QueueMemory::new())));
        self.lock().at(Some(memory));
        // SAFETY: the memory is leaked, and the device finds it where it looks for it.
        unsafe { Pmem::new(transport, memory, address, wait) }
    }

    /// Frees the memory of a driver that is no longer used, for runs by the hundred thousand.
    pub fn free(&self) {
        let mut device = self.lock();
        if let Some(memory) = device.at(None) {
            // SAFETY: from `Box::leak`, and neither driver nor device uses it any more.
            drop(unsafe { Box::from_raw(memory.as_ptr()) });
        }
    }

    /// Asserts that the driver kept to the specification.
    pub fn content(&self) {
        let device = self.lock();
        assert!(device.complaints.is_empty(), "{:?}", device.complaints);
    }
}

/// Lets the device's time pass between looks, so many times.
#[derive(Debug)]
pub struct Patience {
    device: Shared,
    looks: u32,
}

impl Wait for Patience {
    fn begin(&self) -> impl FnMut() -> bool {
        let mut left = self.looks;
        move || {
            self.device.lock().tick();
            left = left.saturating_sub(1);
            left > 0
        }
    }
}

/// The device without any registers.
impl Transport for Shared {
    fn status(&self) -> u8 {
        self.lock().read_status()
    }

    fn set_status(&mut self, status: u8) {
        self.lock().write_status(status);
    }

    fn device_features(&mut self) -> u64 {
        self.lock().features
    }

    fn set_driver_features(&mut self, features: u64) {
        self.lock().accept(features);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        if queue == 0 { self.lock().max_size } else { 0 }
    }

    fn queue_enabled(&mut self, _queue: u16) -> bool {
        self.lock().enabled()
    }

    fn enable_queue(&mut self, _queue: u16, parts: QueueParts) -> Result<(), Error> {
        self.lock().enable(parts);
        Ok(())
    }

    fn notify(&mut self, queue: u16) {
        self.lock().notify(queue);
    }

    fn config_generation(&self) -> u32 {
        self.lock().generation()
    }

    fn config(&self, offset: usize) -> u32 {
        self.lock().config(offset)
    }

    fn shared_memory(&mut self) -> Option<Region> {
        self.lock().shared
    }
}
