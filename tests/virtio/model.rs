//! A virtio-pmem device: one that keeps to the specification, or lies in one of many ways, and that
//! watches whether the driver keeps to it.

use std::ptr::NonNull;

use kpmem::virtio::{QueueMemory, QueueParts, Region, feature, status};

/// Where the device finds the queue's memory.
pub const QUEUE_AT: u64 = 0x8_7654_3000;
pub const REGION: Region = Region {
    base: 0x1_0000_0000,
    len: 64 << 20,
};

const INTERNAL: usize = size_of::<QueueMemory>();
const NEXT: u16 = 1;
const WRITE: u16 = 2;

/// How the device answers a FLUSH.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// How many looks later; `None` is never.
    pub after: Option<u32>,
    /// By how much its count grows.
    pub step: u16,
    pub id: u32,
    pub len: u32,
    /// What it writes as its result, and it syncs if that is 0; `None` writes nothing.
    pub ret: Option<u32>,
    /// What its status is from then on.
    pub status: Option<u8>,
}

impl Answer {
    pub const GOOD: Self = Self {
        after: Some(0),
        step: 1,
        id: 0,
        len: 4,
        ret: Some(0),
        status: None,
    };
}

/// The device, and what is wrong with it.
#[derive(Debug)]
pub struct Device {
    pub features: u64,
    pub agrees: bool,
    pub region: Region,
    pub shared: Option<Region>,
    pub max_size: u32,
    /// After how many reads of the status a reset is done; `None` is never.
    pub reset_after: Option<u32>,
    pub always_enabled: bool,
    pub never_enabled: bool,
    pub restless: bool,
    /// Bits that the status lacks, and has in addition, whatever is written.
    pub status_without: u8,
    pub status_with: u8,
    /// Answers a request that nobody made, when it starts.
    pub hasty: bool,
    /// It looks by itself, and says so.
    pub unasked: bool,
    pub answer: Answer,
    /// It refuses the request of this number, and no other.
    pub refuses: Option<u64>,
    /// It breaks when it is asked.
    pub breaks: bool,

    memory: Option<NonNull<QueueMemory>>,
    pub status: u8,
    resetting: u32,
    pub accepted: u64,
    pub parts: Option<QueueParts>,
    generation: u32,
    /// Requests taken, and answered as the used ring counts them.
    taken: u16,
    used: u16,
    /// What is to be answered after so many looks.
    due: Option<u32>,
    pub notified: u32,
    pub ticks: u64,
    /// How many requests it took, and the number of the last that it completed.
    pub requests: u64,
    pub done: u64,
    /// How often it really made everything durable.
    pub synced: u64,
    /// What the driver did wrong.
    pub complaints: Vec<String>,
}

// SAFETY: the memory is leaked, and used under the lock that the device is in.
unsafe impl Send for Device {}

impl Default for Device {
    fn default() -> Self {
        Self {
            features: feature::VERSION_1,
            agrees: true,
            region: REGION,
            shared: None,
            max_size: 64,
            reset_after: Some(0),
            always_enabled: false,
            never_enabled: false,
            restless: false,
            status_without: 0,
            status_with: 0,
            hasty: false,
            unasked: false,
            answer: Answer::GOOD,
            refuses: None,
            breaks: false,
            memory: None,
            status: 0,
            resetting: 0,
            accepted: 0,
            parts: None,
            generation: 0,
            taken: 0,
            used: 0,
            due: None,
            notified: 0,
            ticks: 0,
            requests: 0,
            done: 0,
            synced: 0,
            complaints: Vec::new(),
        }
    }
}

impl Device {
    pub fn read_status(&mut self) -> u8 {
        if self.resetting > 0 {
            self.resetting = self.resetting.saturating_sub(1);
            return status::ACKNOWLEDGE | self.status_with;
        }
        if self.status == 0 {
            return 0;
        }
        self.status & !self.status_without | self.status_with
    }

    pub fn write_status(&mut self, value: u8) {
        if value == 0 {
            self.resetting = self.reset_after.unwrap_or(u32::MAX);
            if self.reset_after.is_some() {
                self.status = 0;
                (self.parts, self.due, self.taken, self.used) = (None, None, 0, 0);
            }
            return;
        }
        if value & status::FAILED == 0 {
            self.complain(
                value & self.status != self.status,
                "a status bit was cleared",
            );
            self.complain(
                value & status::DRIVER_OK != 0 && self.parts.is_none(),
                "ready without a queue",
            );
        }
        self.status = value;
        if !self.agrees {
            self.status &= !status::FEATURES_OK;
        }
        if self.hasty && value & status::DRIVER_OK != 0 {
            self.complete();
        }
    }

    pub fn accept(&mut self, features: u64) {
        self.complain(
            features & !self.features != 0,
            "a feature that was not offered",
        );
        self.complain(
            self.status & status::FEATURES_OK != 0,
            "features after FEATURES_OK",
        );
        self.accepted = features;
    }

    pub fn enabled(&self) -> bool {
        (self.parts.is_some() || self.always_enabled) && !self.never_enabled
    }

    pub fn enable(&mut self, parts: QueueParts) {
        let needed = status::FEATURES_OK;
        self.complain(self.status & needed == 0, "a queue before FEATURES_OK");
        self.complain(
            !parts.size.is_power_of_two() || u32::from(parts.size) > self.max_size,
            "the queue's size",
        );
        let aligned = parts.descriptors % 16 == 0 && parts.driver % 2 == 0 && parts.device % 4 == 0;
        self.complain(!aligned, "the queue's alignment");
        self.parts = Some(parts);
    }

    pub fn generation(&mut self) -> u32 {
        self.generation += u32::from(self.restless);
        self.generation
    }

    pub fn config(&self, offset: usize) -> u32 {
        let Region { base, len } = self.region;
        match offset {
            0 => base as u32,
            4 => (base >> 32) as u32,
            8 => len as u32,
            12 => (len >> 32) as u32,
            _ => u32::MAX,
        }
    }

    pub fn notify(&mut self, queue: u16) {
        self.notified += 1;
        self.complain(
            queue != 0 || self.status & status::DRIVER_OK == 0,
            "a notification",
        );
        self.look();
    }

    /// Time passes.
    pub fn tick(&mut self) {
        self.ticks += 1;
        if self.unasked && self.parts.is_some() {
            self.look();
        }
        match self.due {
            Some(0) => self.complete(),
            Some(left) => self.due = Some(left - 1),
            None => {}
        }
    }

    /// Takes a new request, if there is one.
    fn look(&mut self) {
        let Some(parts) = self.parts else { return };
        let available = self.load::<u16>(parts.driver + 2);
        if available == self.taken {
            return;
        }
        let next = self.taken.wrapping_add(1);
        self.complain(available != next, "more than one request");
        let slot = u64::from(self.taken % parts.size);
        let head = self.load::<u16>(parts.driver + 4 + 2 * slot);
        let [request, _] = self.chain(parts, head);
        let kind = self.load::<u32>(request);
        self.complain(kind != 0, "a request that is no FLUSH");
        self.taken = next;
        self.requests += 1;
        if self.breaks {
            self.status |= status::NEEDS_RESET;
            return;
        }
        self.due = self.answer.after;
        if self.due == Some(0) {
            self.complete();
        }
    }

    /// The buffers of a request.
    fn chain(&mut self, parts: QueueParts, head: u16) -> [u64; 2] {
        let mut at = head;
        [NEXT, WRITE].map(|expected| {
            let descriptor = parts.descriptors + 16 * u64::from(at % parts.size);
            let len = self.load::<u32>(descriptor + 8);
            let flags = self.load::<u16>(descriptor + 12);
            self.complain(len != 4 || flags != expected, "a descriptor");
            at = self.load::<u16>(descriptor + 14);
            self.load::<u64>(descriptor)
        })
    }

    /// Answers, as it does.
    fn complete(&mut self) {
        self.due = None;
        let Some(parts) = self.parts else { return };
        let mut answer = self.answer;
        if self.refuses == Some(self.requests) {
            answer.ret = Some(1);
        }
        let head = self.load::<u16>(parts.driver + 4);
        if let Some(ret) = answer.ret {
            let descriptor = parts.descriptors + 16 * u64::from((head + 1) % parts.size);
            let response = self.load::<u64>(descriptor);
            if response != 0 {
                self.store(response, ret);
            }
            self.synced += u64::from(ret == 0);
            self.done = self.requests;
        }
        let element = parts.device + 4 + 8 * u64::from(self.used % parts.size);
        self.store(element, answer.id);
        self.store(element + 4, answer.len);
        self.used = self.used.wrapping_add(answer.step);
        self.store(parts.device + 2, self.used);
        self.store(parts.device, u16::from(self.unasked));
        if let Some(status) = answer.status {
            self.status = status;
        }
    }

    /// Gives it its queue's memory; the answer is that of before.
    pub fn at(&mut self, memory: Option<NonNull<QueueMemory>>) -> Option<NonNull<QueueMemory>> {
        std::mem::replace(&mut self.memory, memory)
    }

    /// Its status, and how often it synced.
    pub fn so_far(&self) -> (u8, u64) {
        (self.status, self.synced)
    }

    /// Fills the whole page with what `byte` gives.
    pub fn scribble(&mut self, mut byte: impl FnMut() -> u8) {
        for offset in 0..128 {
            let value = byte();
            self.store(QUEUE_AT + offset, value);
        }
    }

    pub fn load<T: Number>(&mut self, address: u64) -> T {
        let Some(p) = self.pointer(address, size_of::<T>()) else {
            return T::from(0);
        };
        // SAFETY: inside the memory, says `pointer`, which driver and device use in turns.
        unsafe { p.cast::<T>().read_volatile() }.swapped()
    }

    fn store<T: Number>(&mut self, address: u64, value: T) {
        if let Some(p) = self.pointer(address, size_of::<T>()) {
            // SAFETY: as in `load`.
            unsafe { p.cast().write_volatile(value.swapped()) };
        }
    }

    fn pointer(&mut self, address: u64, len: usize) -> Option<NonNull<u8>> {
        let offset = usize::try_from(address.wrapping_sub(QUEUE_AT)).unwrap_or(usize::MAX);
        let inside = offset < INTERNAL && offset + len <= INTERNAL && offset % len == 0;
        self.complain(!inside, "an address outside the queue's memory");
        let memory = self.memory.filter(|_| inside)?;
        // SAFETY: inside, as was just seen.
        Some(unsafe { memory.cast::<u8>().add(offset) })
    }

    fn complain(&mut self, wrong: bool, what: &str) {
        if wrong {
            self.complaints.push(what.to_owned());
        }
    }
}

/// A number.
pub trait Number: Copy + From<u8> {
    /// From the CPU's order of bytes to that of virtio, and back.
    fn swapped(self) -> Self;
}

macro_rules! numbers {
    ($($number:ident)*) => {$(
        impl Number for $number {
            fn swapped(self) -> Self {
                self.to_le()
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64);
