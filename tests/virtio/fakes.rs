//! The same device behind registers: of MMIO, and of PCI with its configuration space.

use kpmem::virtio::{BarRange, ConfigSpace, Error, Mmio, Pci, QueueParts, Registers};

use super::driver::Shared;

/// What the driver has written and the device has not looked at yet, and writes of which a
/// device has no notion.
#[derive(Clone, Copy, Debug, Default)]
struct Latches {
    features_of: u32,
    accepted: u64,
    queue: u32,
    size: u32,
    /// Descriptors, driver and device area.
    parts: [u64; 3],
}

impl Latches {
    fn offered(&self, features: u64) -> u32 {
        match self.features_of {
            0 => features as u32,
            1 => (features >> 32) as u32,
            _ => 0,
        }
    }

    fn accept(&mut self, select: u32, half: u32) {
        let shift = 32 * (select & 1);
        self.accepted &= !(0xffff_ffff << shift);
        self.accepted |= u64::from(half) << shift;
    }

    fn part(&mut self, number: usize, high: bool, value: u32) {
        let part = &mut self.parts[number];
        *part = match high {
            true => *part & 0xffff_ffff | u64::from(value) << 32,
            false => *part & !0xffff_ffff | u64::from(value),
        };
    }

    fn queue(&self) -> QueueParts {
        let [descriptors, driver, device] = self.parts;
        QueueParts {
            size: self.size as u16,
            descriptors,
            driver,
            device,
        }
    }
}

/// The register file of MMIO.
#[derive(Debug)]
pub struct MmioFile {
    pub device: Shared,
    pub magic: u32,
    pub version: u32,
    pub id: u32,
    pub size: usize,
    latches: Latches,
    driver_features_of: u32,
    shm_of: u32,
}

impl MmioFile {
    pub fn new(device: &Shared) -> Self {
        Self {
            device: device.clone(),
            magic: u32::from_le_bytes(*b"virt"),
            version: 2,
            id: 27,
            size: 0x200,
            latches: Latches::default(),
            driver_features_of: 0,
            shm_of: 0,
        }
    }
}

impl Registers for MmioFile {
    fn size(&self) -> usize {
        self.size
    }

    fn read_u8(&self, offset: usize) -> u8 {
        panic!("one byte at {offset:#x}")
    }

    fn read_u16(&self, offset: usize) -> u16 {
        panic!("two bytes at {offset:#x}")
    }

    fn read_u32(&self, offset: usize) -> u32 {
        let mut device = self.device.lock();
        let shared = device.shared.filter(|_| self.shm_of == 0);
        let (base, len) = shared.map_or((u64::MAX, u64::MAX), |r| (r.base, r.len));
        match offset {
            0x00 => self.magic,
            0x04 => self.version,
            0x08 => self.id,
            0x10 => self.latches.offered(device.features),
            0x34 if self.latches.queue == 0 => device.max_size,
            0x34 => 0,
            0x44 => device.enabled().into(),
            0x70 => device.read_status().into(),
            0xb0 => len as u32,
            0xb4 => (len >> 32) as u32,
            0xb8 => base as u32,
            0xbc => (base >> 32) as u32,
            0xfc => device.generation(),
            0x100.. => device.config(offset - 0x100),
            _ => panic!("a read of {offset:#x}"),
        }
    }

    fn write_u8(&mut self, offset: usize, _: u8) {
        panic!("one byte at {offset:#x}")
    }

    fn write_u16(&mut self, offset: usize, _: u16) {
        panic!("two bytes at {offset:#x}")
    }

    fn write_u32(&mut self, offset: usize, value: u32) {
        let mut device = self.device.lock();
        match offset {
            0x14 => self.latches.features_of = value,
            0x20 => {
                self.latches.accept(self.driver_features_of, value);
                device.accept(self.latches.accepted);
            }
            0x24 => self.driver_features_of = value,
            0x30 => self.latches.queue = value,
            0x38 => self.latches.size = value,
            0x44 => device.enable(self.latches.queue()),
            0x50 => device.notify(value as u16),
            0x70 => device.write_status(value as u8),
            0x80 | 0x84 => self.latches.part(0, offset & 4 != 0, value),
            0x90 | 0x94 => self.latches.part(1, offset & 4 != 0, value),
            0xa0 | 0xa4 => self.latches.part(2, offset & 4 != 0, value),
            0xac => self.shm_of = value,
            _ => panic!("a write of {offset:#x}"),
        }
    }
}

/// A driver over the MMIO registers.
pub fn mmio(device: &Shared) -> Result<Mmio<MmioFile>, Error> {
    Mmio::new(MmioFile::new(device))
}

/// Where the fake's BARs are: 4 with its 64 bits for registers, 2 for the memory.
pub const REGISTERS: u64 = 0x38_0000_0000;
pub const MEMORY: u32 = 0xe000_0000;
/// Offsets of the structures in BAR 4.
const COMMON: u32 = 0x0000;
const DEVICE: u32 = 0x2000;
const NOTIFY: u32 = 0x3000;
/// The queue's notification register is number 3, at 4 bytes each.
const NOTIFY_OFF: u16 = 3;
const MULTIPLIER: u32 = 4;

/// A configuration space.
#[derive(Clone, Debug)]
pub struct Space(pub [u8; 256]);

impl Space {
    /// A good one. Its capabilities are at 0x40 (vendor's), 0x60 (notify, of I/O ports), 0x84
    /// (MSI-X), 0x90, 0xa0, 0xb4 and 0xd0.
    pub fn good() -> Self {
        let mut space = Self([0; 256]);
        space.word(0x00, 0x105b_1af4);
        space.word(0x04, 0x0010_0000); // there is a list
        space.word(0x10, 0x0000_c001); // I/O ports
        space.word(0x18, MEMORY);
        space.word(0x20, REGISTERS as u32 | 0b1100);
        space.word(0x24, (REGISTERS >> 32) as u32);
        space.word(0x34, 0x40);
        space.capability(0x40, 0x60, 20, 9, 4, [0, 0]);
        space.capability(0x60, 0x84, 20, 2, 0, [0, 4]);
        space.word(0x84, 0x0000_9011);
        space.capability(0x90, 0xa0, 16, 1, 4, [COMMON, 0x1000]);
        space.capability(0xa0, 0xb4, 20, 2, 4, [NOTIFY, 0x1000]);
        space.word(0xb0, MULTIPLIER);
        space.capability(0xb4, 0xd0, 16, 4, 4, [DEVICE, 0x1000]);
        space.capability(0xd0, 0x00, 24, 8, 2, [0x1000, 0x2_0000]);
        space
    }

    pub fn word(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    pub fn capability(&mut self, at: usize, next: u8, len: u8, kind: u8, bar: u8, range: [u32; 2]) {
        self.0[at..at + 8].copy_from_slice(&[9, next, len, kind, bar, 0, 0, 0]);
        self.word(at + 8, range[0]);
        self.word(at + 12, range[1]);
    }
}

impl ConfigSpace for Space {
    fn read(&self, offset: u8) -> u32 {
        assert_eq!(offset % 4, 0);
        let at = usize::from(offset);
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn write(&mut self, offset: u8, value: u32) {
        assert_eq!(offset, 4, "only the command register is written");
        // Bits of the status register are cleared by writing 1: nothing may be.
        assert_eq!(value >> 16, 0);
        self.0[4..6].copy_from_slice(&value.to_le_bytes()[..2]);
    }
}

/// The registers in BAR 4.
#[derive(Debug)]
pub struct Bar {
    device: Shared,
    range: BarRange,
    latches: Latches,
    driver_features_of: u32,
}

impl Bar {
    pub fn new(device: &Shared, range: BarRange) -> Self {
        Self {
            device: device.clone(),
            range,
            latches: Latches::default(),
            driver_features_of: 0,
        }
    }

    /// Where in the BAR, and how wide the register there is.
    fn at(&self, offset: usize, width: usize) -> u32 {
        let inside = offset + width <= self.range.len as usize;
        assert!(inside, "{offset:#x} is outside {:?}", self.range);
        self.range.offset as u32 + offset as u32
    }
}

impl Registers for Bar {
    fn size(&self) -> usize {
        self.range.len as usize
    }

    fn read_u8(&self, offset: usize) -> u8 {
        let mut device = self.device.lock();
        match self.at(offset, 1) {
            0x14 => device.read_status(),
            0x15 => device.generation() as u8,
            other => panic!("one byte at {other:#x}"),
        }
    }

    fn read_u16(&self, offset: usize) -> u16 {
        let device = self.device.lock();
        match self.at(offset, 2) {
            0x18 if self.latches.queue == 0 => device.max_size as u16,
            0x18 => 0,
            0x1c => device.enabled().into(),
            0x1e => NOTIFY_OFF,
            other => panic!("two bytes at {other:#x}"),
        }
    }

    fn read_u32(&self, offset: usize) -> u32 {
        let device = self.device.lock();
        match self.at(offset, 4) {
            0x04 => self.latches.offered(device.features),
            at @ DEVICE.. => device.config((at - DEVICE) as usize),
            other => panic!("four bytes at {other:#x}"),
        }
    }

    fn write_u8(&mut self, offset: usize, value: u8) {
        assert_eq!(self.at(offset, 1), 0x14);
        self.device.lock().write_status(value);
    }

    fn write_u16(&mut self, offset: usize, value: u16) {
        let mut device = self.device.lock();
        match self.at(offset, 2) {
            0x16 => self.latches.queue = value.into(),
            0x18 => self.latches.size = value.into(),
            0x1c => device.enable(self.latches.queue()),
            at if at == NOTIFY + MULTIPLIER * u32::from(NOTIFY_OFF) => device.notify(value),
            other => panic!("two bytes to {other:#x}"),
        }
    }

    fn write_u32(&mut self, offset: usize, value: u32) {
        let at = self.at(offset, 4);
        match at {
            0x00 => self.latches.features_of = value,
            0x08 => self.driver_features_of = value,
            0x0c => {
                self.latches.accept(self.driver_features_of, value);
                self.device.lock().accept(self.latches.accepted);
            }
            0x20..0x38 => {
                let number = (at as usize - 0x20) / 8;
                self.latches.part(number, at & 4 != 0, value);
            }
            other => panic!("four bytes to {other:#x}"),
        }
    }
}

/// A driver over PCI.
pub fn pci(device: &Shared, space: &mut Space) -> Result<Pci<Bar>, Error> {
    Pci::new(space, |range| {
        assert_eq!((range.bar, range.base), (4, REGISTERS));
        Some(Bar::new(device, range))
    })
}
