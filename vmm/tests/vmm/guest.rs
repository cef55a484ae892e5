//! A guest in this process: kpmem's driver of virtio-pmem, whose notifications call the device.

use std::{
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kpmem::virtio::{Address, Error, Pmem, QueueMemory, QueueParts, Spins, Transport};
use kpmem_vmm::{Backing, Device, Done};
use virtio_queue::{Queue, QueueT};
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

/// Where the guest's queue is, and its persistent memory.
const QUEUE_AT: GuestAddress = GuestAddress(0x4000);
pub const PMEM_AT: GuestAddress = GuestAddress(0x1_0000_0000);

/// The hypervisor: a device, and the transport that it does for it.
#[derive(Debug)]
pub struct Hypervisor<B> {
    pub device: Device<B>,
    pub queue: Queue,
    pub ram: GuestMemoryMmap,
    status: u8,
    /// What each call of the device did.
    pub done: Vec<Done>,
}

/// As the vCPUs reach it.
#[derive(Debug)]
pub struct Vcpu<B>(Arc<Mutex<Hypervisor<B>>>);

impl<B: Backing> Vcpu<B> {
    pub fn new(size: usize, backing: B) -> Self {
        Self(Arc::new(Mutex::new(Hypervisor {
            device: Device::new(PMEM_AT, size as u64, backing).unwrap(),
            queue: Queue::new(16).unwrap(),
            ram: GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x10000)]).unwrap(),
            status: 0,
            done: Vec::new(),
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Hypervisor<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The guest's driver, which was not started.
    pub fn driver(&self) -> Pmem<Self, Spins> {
        let memory = self.lock().ram.get_host_address(QUEUE_AT).unwrap();
        let memory = NonNull::new(memory).unwrap().cast::<QueueMemory>();
        let address = Address::Physical(QUEUE_AT.0);
        // SAFETY: the guest's memory lives as long as the driver, which has the hypervisor; only
        // the device uses the page beside it, by that address.
        unsafe { Pmem::new(Self(Arc::clone(&self.0)), memory, address, Spins(1000)) }
    }

    /// What the device did since the last call: FLUSHes that succeeded, that failed, and syncs.
    pub fn counts(&self) -> (u32, u32, usize) {
        let done = std::mem::take(&mut self.lock().done);
        let sum = |of: fn(&Done) -> u32| done.iter().map(of).sum();
        let syncs = done.iter().filter(|done| done.synced).count();
        (sum(|done| done.flushed), sum(|done| done.failed), syncs)
    }
}

impl<B: Backing> Transport for Vcpu<B> {
    fn status(&self) -> u8 {
        self.lock().status
    }

    fn set_status(&mut self, status: u8) {
        let mut this = self.lock();
        this.status = status;
        if status == 0 {
            this.device.reset();
            this.queue.reset();
        }
    }

    fn device_features(&mut self) -> u64 {
        Device::<B>::FEATURES
    }

    fn set_driver_features(&mut self, features: u64) {
        assert_eq!(features, Device::<B>::FEATURES);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        assert!(usize::from(queue) < Device::<B>::QUEUES);
        self.lock().queue.max_size().into()
    }

    fn queue_enabled(&mut self, _queue: u16) -> bool {
        self.lock().queue.ready()
    }

    fn enable_queue(&mut self, _queue: u16, parts: QueueParts) -> Result<(), Error> {
        let halves = |address: u64| (Some(address as u32), Some((address >> 32) as u32));
        let queue = &mut self.lock().queue;
        queue.set_size(parts.size);
        let (low, high) = halves(parts.descriptors);
        queue.set_desc_table_address(low, high);
        let (low, high) = halves(parts.driver);
        queue.set_avail_ring_address(low, high);
        let (low, high) = halves(parts.device);
        queue.set_used_ring_address(low, high);
        queue.set_ready(true);
        Ok(())
    }

    fn notify(&mut self, _queue: u16) {
        let mut this = self.lock();
        let this = &mut *this;
        let done = this.device.process(&mut this.queue, &this.ram);
        this.done.push(done.unwrap());
    }

    fn config_generation(&self) -> u32 {
        0
    }

    fn config(&self, offset: usize) -> u32 {
        let mut bytes = [0; 4];
        self.lock().device.read_config(offset as u64, &mut bytes);
        u32::from_le_bytes(bytes)
    }
}
