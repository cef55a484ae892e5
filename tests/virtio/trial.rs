//! One device that answers at random, or as a fuzzer's bytes say: no panic, no endless wait, no
//! access outside of the queue's page, and success only where the device really made everything
//! durable.

use std::{cell::RefCell, rc::Rc};

use kpmem::virtio::{Error, Pci, Pmem, QueueParts, Region, Registers, Transport, feature, status};

use super::{
    driver::{Patience, Shared},
    fakes::Space,
    model::{Answer, Device, REGION},
};

/// Where decisions come from: a byte of the input for each, and when there are no more, Marsaglia's
/// xorshift with 64 bits.
#[derive(Clone, Debug)]
pub struct Random<'a> {
    input: &'a [u8],
    state: u64,
}

impl<'a> Random<'a> {
    pub fn new(state: u64) -> Self {
        Self { input: &[], state }
    }

    pub fn of_input(input: &'a [u8]) -> Self {
        Self {
            input,
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub fn next(&mut self) -> u64 {
        if let [first, rest @ ..] = self.input {
            self.input = rest;
            return u64::from_ne_bytes([*first; 8]);
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next() % n == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.next() % choices.len() as u64) as usize]
    }

    /// Mostly `good`; else one that is often wrong on purpose, or anything.
    fn mostly(&mut self, good: u64, wrong: &[u64]) -> u64 {
        match self.next() % 16 {
            0 => self.next(),
            1 | 2 => self.of(wrong),
            _ => good,
        }
    }

    fn answer(&mut self) -> Answer {
        Answer {
            after: match self.next() % 8 {
                0 => None,
                1 => Some((self.next() % 12) as u32),
                _ => Some(0),
            },
            step: self.mostly(1, &[0, 2, 0xffff, 0x8000]) as u16,
            id: self.mostly(0, &[1, 2, 0xffff_ffff]) as u32,
            len: self.mostly(4, &[0, 1, 3, 5, 8, 0xffff_ffff]) as u32,
            ret: match self.next() % 4 {
                0 => None,
                1 => Some(self.mostly(1, &[0xffff_fffb, 0x0100_0000, 0x5555_5555]) as u32),
                _ => Some(0),
            },
            status: self.one_in(16).then(|| self.next() as u8),
        }
    }
}

/// Looks at the queue before a driver gives up.
pub const LOOKS: u32 = 6;

/// A FLUSH as some driver does it.
pub type Flush<T> = fn(&Pmem<T, Patience>) -> Result<(), Error>;

/// A device, and some FLUSHes. How many succeeded, and how many of those made nothing durable.
pub fn flushes(random: &mut Random<'_>, flush: Flush<Shared>) -> (u64, u64) {
    let (mut succeeded, mut lied) = (0, 0);
    let device = Shared::default();
    let pmem = device.pmem(device.clone(), LOOKS);
    pmem.start().unwrap();
    for _ in 0..random.next() % 6 {
        {
            let mut device = device.lock();
            device.answer = random.answer();
            device.unasked = random.one_in(4);
            if random.one_in(64) {
                device.scribble(|| random.next() as u8);
            }
        }
        let before = device.lock().synced;
        let flushed = flush(&pmem);
        let synced = device.lock().synced > before;
        succeeded += u64::from(flushed.is_ok());
        lied += u64::from(flushed.is_ok() && !synced);
        if flushed.is_err() && random.one_in(2) {
            pmem.start().unwrap_or_else(|error| panic!("{error}"));
        }
    }
    drop(pmem);
    device.free();
    (succeeded, lied)
}

/// A device that starts only as it should. Whether it did.
pub fn starts(random: &mut Random<'_>) -> bool {
    let device = Shared::new(|device| random_device(device, random));
    let pmem = device.pmem(device.clone(), LOOKS);
    let result = pmem.start();
    if let Ok(Region { base, len }) = result {
        let device = device.lock();
        assert_eq!(device.status & 0x4f, 15);
        assert!(device.accepted & feature::VERSION_1 != 0 && device.parts.is_some());
        assert!(len > 0 && (base | len) % 4096 == 0);
        assert!(base.checked_add(len - 1).is_some());
    }
    assert_eq!(pmem.failure(), result.err());
    let _ = pmem.flush();
    drop(pmem);
    device.content();
    device.free();
    result.is_ok()
}

fn random_device(device: &mut Device, random: &mut Random<'_>) {
    let version = feature::VERSION_1;
    device.features = random.mostly(version, &[0, u64::MAX, version | 1, version << 1]);
    device.agrees = !random.one_in(8);
    device.region.base = random.mostly(REGION.base, &[0, 1, !0xfff, u64::MAX]);
    device.region.len = random.mostly(REGION.len, &[0, 1, 4096, 8192, u64::MAX]);
    if random.one_in(4) {
        device.shared = Some(device.region);
    }
    device.max_size = random.mostly(64, &[0, 1, 2, 3, 0xffff]) as u32;
    device.reset_after = match random.next() % 16 {
        0 => None,
        1 => Some((random.next() % 12) as u32),
        _ => Some(0),
    };
    device.always_enabled = random.one_in(16);
    device.never_enabled = random.one_in(16);
    device.restless = random.one_in(16);
    device.hasty = random.one_in(16);
    device.status_without = random.mostly(0, &[1, 2, 4, 8]) as u8;
    device.status_with = random.mostly(0, &[16, 64, 128, 255]) as u8;
    device.answer = random.answer();
}

/// Registers of which each read is at random, mostly what a driver likes to read, and that change
/// the queue's page under its hands.
#[derive(Clone, Debug)]
struct Noise {
    random: Rc<RefCell<Random<'static>>>,
    device: Shared,
    status: u8,
    size: usize,
}

impl Noise {
    fn new(seed: u64, device: &Shared, size: usize) -> Self {
        Self {
            random: Rc::new(RefCell::new(Random::new(seed | 1))),
            device: device.clone(),
            status: 0,
            size,
        }
    }

    /// Mostly what is good.
    fn read(&self, good: &[u64]) -> u32 {
        let mut random = self.random.borrow_mut();
        if random.one_in(64) {
            let mut device = self.device.lock();
            device.scribble(|| random.of(&[0, 0, 0, 1, 2, 4, 0xff]));
        }
        match random.next() % 32 {
            0 => random.next() as u32,
            1 => random.of(&[0, 1, 2, 4, 0xff, u32::MAX]),
            _ => random.of(good) as u32,
        }
    }
}

impl Registers for Noise {
    fn size(&self) -> usize {
        self.size
    }

    fn read_u8(&self, _: usize) -> u8 {
        self.read(&[self.status.into()]) as u8
    }

    fn read_u16(&self, offset: usize) -> u16 {
        match offset {
            0x18 => self.read(&[64]) as u16,
            _ => self.read(&[0, 1]) as u16,
        }
    }

    /// As features, and as the range of memory.
    fn read_u32(&self, offset: usize) -> u32 {
        match offset {
            0 | 8 => self.read(&[4096]),
            4 => self.read(&[1]),
            _ => self.read(&[0]),
        }
    }

    fn write_u8(&mut self, _: usize, value: u8) {
        self.status = value;
    }

    fn write_u16(&mut self, _: usize, _: u16) {}

    fn write_u32(&mut self, _: usize, _: u32) {}
}

/// Noise in configuration space and registers. Whether a device was found, and how often it
/// started.
pub fn noise(random: &mut Random<'_>) -> Option<u64> {
    let mut space = Space::good();
    // Some bytes of the list at random, now and then all.
    for _ in 0..random.next() % 8 {
        let at = 4 + random.next() % 252;
        let byte = random.next() as u8;
        space.0[at as usize] = random.of(&[byte, byte & 0xfc, 0, 0xff, 0x40, 9]);
    }
    if random.one_in(8) {
        space.0[0x34..]
            .iter_mut()
            .for_each(|byte| *byte = random.next() as u8);
    }
    space.0[5] = 0; // the command's high half: `Space` wants it as it was
    let device = Shared::default();
    let seed = random.next();
    let pci = Pci::new(&mut space, |range| {
        assert!(range.address() >= range.base && range.bar < 6);
        let size = usize::try_from(range.len).ok()?;
        Some(Noise::new(seed, &device, size))
    });
    let pmem = device.pmem(pci.ok()?, LOOKS);
    let mut started = 0;
    for _ in 0..3 {
        started += u64::from(pmem.start().is_ok());
        let _ = (pmem.flush(), pmem.stop());
    }
    drop(pmem);
    device.free();
    Some(started)
}

/// A transport of noise, so that more of them get as far as to a FLUSH.
#[derive(Debug)]
struct Lucky(Noise);

impl Transport for Lucky {
    fn status(&self) -> u8 {
        let status = self.0.status;
        match self.0.random.borrow_mut().next() % 64 {
            0 => status | status::NEEDS_RESET,
            1 => 0xff,
            2 => 0,
            _ => status,
        }
    }

    fn set_status(&mut self, status: u8) {
        self.0.status = status;
    }

    fn device_features(&mut self) -> u64 {
        feature::VERSION_1 | u64::from(self.0.read(&[0, 1]))
    }

    fn set_driver_features(&mut self, _: u64) {}

    fn max_queue_size(&mut self, _: u16) -> u32 {
        self.0.read(&[64]) | 2
    }

    fn queue_enabled(&mut self, _: u16) -> bool {
        // Off, then on, is what the driver wants.
        self.0.random.borrow_mut().one_in(2)
    }

    fn enable_queue(&mut self, _: u16, _: QueueParts) -> Result<(), Error> {
        Ok(())
    }

    fn notify(&mut self, _: u16) {
        let mut random = self.0.random.borrow_mut();
        let mut device = self.0.device.lock();
        device.scribble(|| random.of(&[0, 0, 0, 0, 0, 1, 2, 4]));
    }

    fn config_generation(&self) -> u32 {
        0
    }

    fn config(&self, _: usize) -> u32 {
        self.0.read(&[1 << 12]) & !0xfff
    }
}

/// A page that changes at random. How many FLUSHes were made.
pub fn page(random: &mut Random<'_>) -> u64 {
    let device = Shared::default();
    let noise = Noise::new(random.next(), &device, 0x200);
    let pmem = device.pmem(Lucky(noise), LOOKS);
    let mut answers = 0;
    for _ in 0..4 {
        let _ = pmem.start();
        // Each kind of error is fine; that it comes back is what is tested.
        answers += u64::from(pmem.flush() != Err(Error::NotStarted));
    }
    drop(pmem);
    device.free();
    answers
}

/// What a fuzzer's bytes decide.
pub fn fuzz(input: &[u8]) {
    let mut random = Random::of_input(input);
    match random.next() % 4 {
        0 => assert_eq!(
            flushes(&mut random, Pmem::flush).1,
            0,
            "nothing was durable"
        ),
        1 => drop(starts(&mut random)),
        2 => drop(noise(&mut random)),
        _ => drop(page(&mut random)),
    }
}
