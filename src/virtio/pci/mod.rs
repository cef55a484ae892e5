//! Virtio over PCI (VIRTIO 1.2, section 4.1 "Virtio Over PCI Bus"), for modern devices: the only
//! ones that virtio-pmem has.

mod capabilities;

use super::{Error, QueueParts, Region, Registers, Transport, device};
use capabilities::Found;

/// The configuration space of one PCI function, by whatever way the kernel has: I/O ports, ECAM, a
/// call of the firmware.
///
/// ```
/// use kpmem::virtio::ConfigSpace;
///
/// /// The 256 bytes of a function in the enhanced configuration area (ECAM).
/// struct Ecam(*mut u32);
///
/// impl ConfigSpace for Ecam {
///     fn read(&self, offset: u8) -> u32 {
///         // SAFETY: the area is mapped, and reads have no side effect.
///         u32::from_le(unsafe { self.0.byte_add(offset.into()).read_volatile() })
///     }
///
///     fn write(&mut self, offset: u8, value: u32) {
///         // SAFETY: as above, and the function is the driver's.
///         unsafe { self.0.byte_add(offset.into()).write_volatile(value.to_le()) }
///     }
/// }
/// ```
pub trait ConfigSpace {
    /// Reads four bytes at an offset that is a multiple of four. All bits are 1 where there is no
    /// function.
    fn read(&self, offset: u8) -> u32;
    /// Writes four bytes at an offset that is a multiple of four.
    fn write(&mut self, offset: u8, value: u32);
}

/// Registers to map: a part of a memory BAR.
///
/// ```
/// use kpmem::virtio::BarRange;
///
/// let range = BarRange { bar: 4, base: 0x8000_0000, offset: 0x3000, len: 0x1000 };
/// assert_eq!(range.address(), 0x8000_3000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarRange {
    /// The BAR, 0 to 5.
    pub bar: u8,
    /// Where the BAR begins, as a bus address.
    pub base: u64,
    /// Where in the BAR the registers begin, in bytes.
    pub offset: u64,
    /// How many bytes they are.
    pub len: u64,
}

impl BarRange {
    /// The bus address where the registers begin. (It was seen not to wrap.)
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.base.wrapping_add(self.offset)
    }
}

// The header (PCI Local Bus 3.0, section 6.1 "Configuration Space Organization").
const ID: u8 = 0x00;
const COMMAND: u8 = 0x04;
const MEMORY_SPACE: u32 = 1 << 1;
const BUS_MASTER: u32 = 1 << 2;
const INTERRUPT_DISABLE: u32 = 1 << 10;
/// The command register; above it is the status register, whose bits are cleared by writing 1.
const COMMAND_BITS: u32 = 0xffff;

/// Red Hat's number, for all virtio devices, and that of the first modern one.
const VENDOR: u16 = 0x1af4;
const FIRST_DEVICE: u16 = 0x1040;

// The common configuration (VIRTIO 1.2, section 4.1.4.3).
const DEVICE_FEATURE_SELECT: usize = 0x00;
const DEVICE_FEATURE: usize = 0x04;
const DRIVER_FEATURE_SELECT: usize = 0x08;
const DRIVER_FEATURE: usize = 0x0c;
const DEVICE_STATUS: usize = 0x14;
const CONFIG_GENERATION: usize = 0x15;
const QUEUE_SELECT: usize = 0x16;
const QUEUE_SIZE: usize = 0x18;
const QUEUE_ENABLE: usize = 0x1c;
const QUEUE_NOTIFY_OFF: usize = 0x1e;
const QUEUE_DESC: usize = 0x20;
const QUEUE_DRIVER: usize = 0x28;
const QUEUE_DEVICE: usize = 0x30;
const COMMON_SIZE: u32 = 0x38;

/// A virtio-pmem device over PCI.
///
/// The kernel has enumerated the bus and given addresses to the BARs before.
#[derive(Debug)]
pub struct Pci<R> {
    common: R,
    notify: R,
    device: R,
    /// Bytes from one queue's notification register to the next.
    multiplier: u32,
    /// Where that of the enabled queue is, in `notify`.
    notify_at: usize,
    shared: Option<Region>,
}

impl<R: Registers> Pci<R> {
    /// The device of this function. Lets it answer to its BARs and reach memory, and keeps it from
    /// raising its interrupt pin. `map` makes registers of a part of a BAR, uncached (such as
    /// [`Window`](super::Window)), or refuses with `None`, as it should where that is no part of
    /// what the kernel gave to the BAR: sizes of BARs are the kernel's to know.
    ///
    /// # Errors
    /// [`Error::WrongPciDevice`]; [`Error::Capability`], which says at which offset the list of
    /// capabilities is malformed; [`Error::MissingCapability`]; [`Error::Bar`] for one without an
    /// address; [`Error::NotMapped`] where `map` refused, or mapped less than it was asked for.
    pub fn new<C: ConfigSpace + ?Sized>(
        config: &mut C,
        mut map: impl FnMut(BarRange) -> Option<R>,
    ) -> Result<Self, Error> {
        let id = config.read(ID);
        let (vendor, device) = (id as u16, (id >> 16) as u16);
        if (vendor, u32::from(device)) != (VENDOR, u32::from(FIRST_DEVICE) + device::DEVICE_ID) {
            return Err(Error::WrongPciDevice { vendor, device });
        }
        let Found {
            common,
            notify,
            device,
            shared,
        } = Found::read(config)?;
        let missing = |name| Error::MissingCapability { name };
        let common = common.ok_or(missing("common configuration"))?;
        let (notify, multiplier) = notify.ok_or(missing("notification"))?;
        let device = device.ok_or(missing("device configuration"))?;

        let ranges = [
            common.first(COMMON_SIZE.into(), 4)?,
            notify.first(notify.range.len, 2)?,
            device.first(device::CONFIG_SIZE as u64, 4)?,
        ];
        let mut mapped = |range: BarRange| {
            let registers = map(range).filter(|registers| registers.size() as u64 >= range.len);
            registers.ok_or(Error::NotMapped {
                bar: range.bar,
                address: range.address(),
                len: range.len,
            })
        };
        let [common, notify, device] = ranges;
        let pci = Self {
            common: mapped(common)?,
            notify: mapped(notify)?,
            device: mapped(device)?,
            multiplier,
            notify_at: 0,
            shared,
        };
        // Only one that is as it should be gets at the bus. Its status bits are left alone.
        let command = config.read(COMMAND) & COMMAND_BITS;
        let allowed = MEMORY_SPACE | BUS_MASTER | INTERRUPT_DISABLE;
        config.write(COMMAND, command | allowed);
        Ok(pci)
    }

    fn select(&mut self, queue: u16) {
        self.common.write_u16(QUEUE_SELECT, queue);
    }

    fn write_pair(&mut self, low: usize, value: u64) {
        self.common.write_halves(low, low + 4, value);
    }
}

impl<R: Registers> Transport for Pci<R> {
    fn status(&self) -> u8 {
        self.common.read_u8(DEVICE_STATUS)
    }

    fn set_status(&mut self, status: u8) {
        self.common.write_u8(DEVICE_STATUS, status);
    }

    fn device_features(&mut self) -> u64 {
        let mut half = |select| {
            self.common.write_u32(DEVICE_FEATURE_SELECT, select);
            u64::from(self.common.read_u32(DEVICE_FEATURE))
        };
        half(0) | half(1) << 32
    }

    fn set_driver_features(&mut self, features: u64) {
        for (select, half) in [(0, features as u32), (1, (features >> 32) as u32)] {
            self.common.write_u32(DRIVER_FEATURE_SELECT, select);
            self.common.write_u32(DRIVER_FEATURE, half);
        }
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.select(queue);
        self.common.read_u16(QUEUE_SIZE).into()
    }

    fn queue_enabled(&mut self, queue: u16) -> bool {
        self.select(queue);
        self.common.read_u16(QUEUE_ENABLE) != 0
    }

    fn enable_queue(&mut self, queue: u16, parts: QueueParts) -> Result<(), Error> {
        self.select(queue);
        let number = self.common.read_u16(QUEUE_NOTIFY_OFF);
        let (offset, len) = (
            u64::from(number) * u64::from(self.multiplier),
            self.notify.size() as u64,
        );
        // Less than 2^48, so it does not wrap.
        if offset + 2 > len || offset % 2 != 0 {
            return Err(Error::Notification { offset, len });
        }
        self.notify_at = offset as usize;
        self.common.write_u16(QUEUE_SIZE, parts.size);
        self.write_pair(QUEUE_DESC, parts.descriptors);
        self.write_pair(QUEUE_DRIVER, parts.driver);
        self.write_pair(QUEUE_DEVICE, parts.device);
        self.common.write_u16(QUEUE_ENABLE, 1);
        Ok(())
    }

    fn notify(&mut self, queue: u16) {
        self.notify.write_u16(self.notify_at, queue);
    }

    fn config_generation(&self) -> u32 {
        self.common.read_u8(CONFIG_GENERATION).into()
    }

    fn config(&self, offset: usize) -> u32 {
        self.device.read_u32(offset)
    }

    fn shared_memory(&mut self) -> Option<Region> {
        self.shared
    }
}
