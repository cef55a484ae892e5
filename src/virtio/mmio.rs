//! Virtio over MMIO (VIRTIO 1.2, section 4.2 "Virtio Over MMIO"), as on boards without PCI: where
//! the registers are is in the device tree or on the kernel's command line.

use super::{Error, QueueParts, Region, Registers, Transport, device};

// Offsets (VIRTIO 1.2, section 4.2.2 "MMIO Device Register Layout").
const MAGIC: usize = 0x000;
const VERSION: usize = 0x004;
const DEVICE_ID: usize = 0x008;
const DEVICE_FEATURES: usize = 0x010;
const DEVICE_FEATURES_SEL: usize = 0x014;
const DRIVER_FEATURES: usize = 0x020;
const DRIVER_FEATURES_SEL: usize = 0x024;
const QUEUE_SEL: usize = 0x030;
const QUEUE_NUM_MAX: usize = 0x034;
const QUEUE_NUM: usize = 0x038;
const QUEUE_READY: usize = 0x044;
const QUEUE_NOTIFY: usize = 0x050;
const STATUS: usize = 0x070;
const QUEUE_DESC: usize = 0x080;
const QUEUE_DRIVER: usize = 0x090;
const QUEUE_DEVICE: usize = 0x0a0;
const SHM_SEL: usize = 0x0ac;
const SHM_LEN: usize = 0x0b0;
const SHM_BASE: usize = 0x0b8;
const CONFIG_GENERATION: usize = 0x0fc;
const CONFIG: usize = 0x100;

/// "virt", read as a little-endian number.
const VIRT: u32 = 0x7472_6976;
/// The version of devices that are not legacy ones.
const MODERN: u32 = 2;
/// The length of a shared memory region that there is not.
const NO_REGION: u64 = u64::MAX;

/// A virtio-pmem device over MMIO.
///
/// ```
/// use core::ptr::NonNull;
/// use kpmem::virtio::{Address, Error, Mmio, Pmem, QueueMemory, Spins, Window};
///
/// static QUEUE: QueueMemory = QueueMemory::new();
///
/// /// The device whose registers the device tree says, and the kernel has mapped.
/// fn probe(registers: NonNull<u8>, queue: u64) -> Result<Pmem<Mmio<Window>, Spins>, Error> {
///     // SAFETY: the registers are mapped, uncached, and nothing else uses them.
///     let mmio = Mmio::new(unsafe { Window::new(registers, 0x200) })?;
///     let queue = Address::Physical(queue);
///     // SAFETY: the queue is there, in a static that nothing else uses.
///     Ok(unsafe { Pmem::new(mmio, NonNull::from(&QUEUE), queue, Spins(1 << 40)) })
/// }
///
/// /// A slot where there is no virtio-pmem goes to the next driver.
/// fn other(registers: Window) -> Option<Window> {
///     match Mmio::new(registers) {
///         Ok(mmio) => Some(mmio.into_registers()),
///         Err(_) => None,
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Mmio<R> {
    registers: R,
}

impl<R: Registers> Mmio<R> {
    /// The device behind these registers. Nothing but its identity is read.
    ///
    /// # Errors
    /// [`Error::WindowTooSmall`]; [`Error::NotMmio`] without the magic number,
    /// [`Error::MmioVersion`] for a legacy device, [`Error::WrongDevice`] if it is no virtio-pmem.
    pub fn new(registers: R) -> Result<Self, Error> {
        let (size, needed) = (registers.size(), CONFIG + device::CONFIG_SIZE);
        if size < needed {
            return Err(Error::WindowTooSmall { size, needed });
        }
        match registers.read_u32(MAGIC) {
            VIRT => {}
            magic => return Err(Error::NotMmio { magic }),
        }
        match registers.read_u32(VERSION) {
            MODERN => {}
            version => return Err(Error::MmioVersion { version }),
        }
        match registers.read_u32(DEVICE_ID) {
            device::DEVICE_ID => Ok(Self { registers }),
            id => Err(Error::WrongDevice { id }),
        }
    }

    /// The registers, for another use.
    pub fn into_registers(self) -> R {
        self.registers
    }

    fn read_pair(&self, low: usize) -> u64 {
        self.registers.read_halves(low, low + 4)
    }

    fn write_pair(&mut self, low: usize, value: u64) {
        self.registers.write_halves(low, low + 4, value);
    }

    fn select(&mut self, queue: u16) {
        self.registers.write_u32(QUEUE_SEL, queue.into());
    }
}

impl<R: Registers> Transport for Mmio<R> {
    fn status(&self) -> u8 {
        // Only eight bits are defined, and more are read where nothing answers.
        let status = self.registers.read_u32(STATUS);
        u8::try_from(status).unwrap_or(super::status::GONE)
    }

    fn set_status(&mut self, status: u8) {
        self.registers.write_u32(STATUS, status.into());
    }

    fn device_features(&mut self) -> u64 {
        let mut half = |select| {
            self.registers.write_u32(DEVICE_FEATURES_SEL, select);
            u64::from(self.registers.read_u32(DEVICE_FEATURES))
        };
        half(0) | half(1) << 32
    }

    fn set_driver_features(&mut self, features: u64) {
        for (select, half) in [(0, features as u32), (1, (features >> 32) as u32)] {
            self.registers.write_u32(DRIVER_FEATURES_SEL, select);
            self.registers.write_u32(DRIVER_FEATURES, half);
        }
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.select(queue);
        self.registers.read_u32(QUEUE_NUM_MAX)
    }

    fn queue_enabled(&mut self, queue: u16) -> bool {
        self.select(queue);
        self.registers.read_u32(QUEUE_READY) != 0
    }

    fn enable_queue(&mut self, queue: u16, parts: QueueParts) -> Result<(), Error> {
        self.select(queue);
        self.registers.write_u32(QUEUE_NUM, parts.size.into());
        self.write_pair(QUEUE_DESC, parts.descriptors);
        self.write_pair(QUEUE_DRIVER, parts.driver);
        self.write_pair(QUEUE_DEVICE, parts.device);
        self.registers.write_u32(QUEUE_READY, 1);
        Ok(())
    }

    fn notify(&mut self, queue: u16) {
        self.registers.write_u32(QUEUE_NOTIFY, queue.into());
    }

    fn config_generation(&self) -> u32 {
        self.registers.read_u32(CONFIG_GENERATION)
    }

    fn config(&self, offset: usize) -> u32 {
        self.registers.read_u32(CONFIG.saturating_add(offset))
    }

    fn shared_memory(&mut self) -> Option<Region> {
        self.registers.write_u32(SHM_SEL, 0);
        let len = self.read_pair(SHM_LEN);
        let base = self.read_pair(SHM_BASE);
        (len != NO_REGION).then_some(Region { base, len })
    }
}
