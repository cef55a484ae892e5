//! The list of capabilities, by which a device says in which BARs its registers are (VIRTIO 1.2,
//! section 4.1.4 "Virtio Structure PCI Capabilities").

use super::{BarRange, ConfigSpace};
use crate::virtio::{Error, Region};

/// The status bits in the upper half of the command's word, and the one that says that there is a
/// list (PCI Local Bus 3.0, section 6.7 "Capabilities List").
const STATUS: u8 = 0x04;
const HAS_LIST: u32 = 1 << (16 + 4);
const BARS: u8 = 0x10;
const FIRST: u8 = 0x34;
/// Capabilities lie behind the header; the low two bits of a pointer mean nothing.
const HEADER: u8 = 0x40;
const POINTER: u8 = !3;
/// How many fit: a longer list is a circle.
const MOST: usize = (256 - HEADER as usize) / 4;

const VENDOR_SPECIFIC: u8 = 0x09;
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const DEVICE: u8 = 4;
const SHARED_MEMORY: u8 = 8;
/// Bytes of a virtio capability, of one for notifications, and of one with 64-bit numbers.
const LEAST: u8 = 16;
const NOTIFY_LEAST: u8 = 20;
const WIDE: u8 = 24;

/// Where registers are, and the capability that said so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) range: BarRange,
    at: u8,
}

impl Place {
    /// The first `size` bytes, aligned.
    pub(super) fn first(self, size: u64, align: u64) -> Result<BarRange, Error> {
        let problem = if self.range.len < size {
            "it describes fewer bytes than its registers are"
        } else if self.range.address() % align != 0 {
            "its registers are not aligned"
        } else {
            return Ok(BarRange {
                len: size,
                ..self.range
            });
        };
        Err(Error::Capability {
            offset: self.at,
            problem,
        })
    }
}

/// The first capability of each kind that can be used.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) common: Option<Place>,
    /// And the multiplier.
    pub(super) notify: Option<(Place, u32)>,
    pub(super) device: Option<Place>,
    /// Region 0.
    pub(super) shared: Option<Region>,
}

impl Found {
    pub(super) fn read<C: ConfigSpace + ?Sized>(config: &C) -> Result<Self, Error> {
        let mut found = Self::default();
        if config.read(STATUS) & HAS_LIST == 0 {
            return Ok(found);
        }
        let mut at = config.read(FIRST) as u8 & POINTER;
        for _ in 0..MOST {
            if at == 0 {
                return Ok(found);
            }
            if at < HEADER {
                return malformed(at, "it lies in the header");
            }
            let capability = config.read(at);
            let [id, next, len, kind] = capability.to_le_bytes();
            if id == VENDOR_SPECIFIC {
                found.add(config, at, len, kind)?;
            }
            at = next & POINTER;
        }
        malformed(at, "the list does not end")
    }

    /// Reads one capability of virtio's.
    fn add<C: ConfigSpace + ?Sized>(
        &mut self,
        config: &C,
        at: u8,
        len: u8,
        kind: u8,
    ) -> Result<(), Error> {
        let least = match kind {
            COMMON | DEVICE => LEAST,
            NOTIFY => NOTIFY_LEAST,
            SHARED_MEMORY => WIDE,
            // Of a kind that is not needed, or not known yet.
            _ => return Ok(()),
        };
        if len < least {
            return malformed(at, "it is shorter than its kind");
        }
        if u16::from(at) + u16::from(len) > 256 {
            return malformed(at, "it runs past the configuration space");
        }
        // A word of the capability, which is inside the space as was just seen.
        let word = |number: u8| config.read(at + 4 * number);
        let [bar, id, ..] = word(1).to_le_bytes();
        // Other numbers are reserved, and must be ignored (section 4.1.4.1).
        if bar > 5 {
            return Ok(());
        }
        let high = |number| match kind {
            SHARED_MEMORY => u64::from(word(number)) << 32,
            _ => 0,
        };
        let offset = u64::from(word(2)) | high(4);
        let len = u64::from(word(3)) | high(5);
        // An I/O port: there will be another capability for memory.
        let Some(base) = memory_bar(config, bar)? else {
            return Ok(());
        };
        let last = base
            .checked_add(offset)
            .and_then(|start| start.checked_add(len.saturating_sub(1)));
        if last.is_none() {
            return malformed(at, "its range wraps");
        }
        let range = BarRange {
            bar,
            base,
            offset,
            len,
        };
        let place = Place { range, at };
        match kind {
            COMMON => self.common = self.common.or(Some(place)),
            NOTIFY => self.notify = self.notify.or(Some((place, word(4)))),
            DEVICE => self.device = self.device.or(Some(place)),
            _ if id == 0 => {
                let base = range.address();
                self.shared = self.shared.or(Some(Region { base, len }));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Where a BAR begins; `None` for one of I/O ports (PCI Local Bus 3.0, section 6.2.5 "Base
/// Addresses").
fn memory_bar<C: ConfigSpace + ?Sized>(config: &C, bar: u8) -> Result<Option<u64>, Error> {
    const IO: u32 = 1;
    const TYPE: u32 = 0b110;
    const OF_32_BITS: u32 = 0b000;
    const OF_64_BITS: u32 = 0b100;
    const ADDRESS: u32 = !0xf;

    let wrong = |problem| Error::Bar { bar, problem };
    let low = config.read(BARS + 4 * bar);
    if low & IO != 0 {
        return Ok(None);
    }
    let high = match low & TYPE {
        OF_32_BITS => 0,
        OF_64_BITS if bar < 5 => config.read(BARS + 4 * (bar + 1)),
        OF_64_BITS => return Err(wrong("it has 64 bits and is the last")),
        _ => return Err(wrong("it is of a reserved type")),
    };
    match u64::from(high) << 32 | u64::from(low & ADDRESS) {
        0 => Err(wrong("it has no address")),
        base => Ok(Some(base)),
    }
}

fn malformed<T>(offset: u8, problem: &'static str) -> Result<T, Error> {
    Err(Error::Capability { offset, problem })
}
