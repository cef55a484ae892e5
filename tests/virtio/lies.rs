//! What a device may do that the specification forbids.

use kpmem::virtio::{Error, Region, feature, status};

use super::model::{Device, REGION};

/// Its name, what is changed of a good device, and what must be said of it.
pub type Lie = (&'static str, fn(&mut Device), Error);

const fn region(base: u64, len: u64) -> Region {
    Region { base, len }
}

/// What a device may do wrong before it is ready.
pub const AT_START: [Lie; 23] = [
    (
        "a reset that does not end",
        |d| d.reset_after = None,
        Error::ResetTimedOut { status: 1 },
    ),
    (
        "a reset that ends too late",
        |d| d.reset_after = Some(100),
        Error::ResetTimedOut { status: 1 },
    ),
    (
        "it is gone",
        |d| (d.reset_after, d.status_with) = (None, 0xff),
        Error::Gone,
    ),
    (
        "gone after its reset",
        |d| d.status_with = 0xff,
        Error::Gone,
    ),
    (
        "no ACKNOWLEDGE",
        |d| d.status_without = status::ACKNOWLEDGE,
        Error::Status {
            expected: 1,
            found: 0,
        },
    ),
    (
        "no DRIVER",
        |d| d.status_without = status::DRIVER,
        Error::Status {
            expected: 3,
            found: 1,
        },
    ),
    (
        "no DRIVER_OK",
        |d| d.status_without = status::DRIVER_OK,
        Error::Status {
            expected: 15,
            found: 11,
        },
    ),
    (
        "bits that nobody wrote",
        |d| d.status_with = status::DRIVER_OK,
        Error::Status {
            expected: 1,
            found: 5,
        },
    ),
    (
        "a reserved bit",
        |d| d.status_with = 16,
        Error::Status {
            expected: 1,
            found: 17,
        },
    ),
    (
        "in need of a reset after its reset",
        |d| d.status_with = status::NEEDS_RESET,
        Error::NeedsReset,
    ),
    (
        "a legacy device",
        |d| d.features = 0x3000_0000,
        Error::Legacy {
            features: 0x3000_0000,
        },
    ),
    (
        "translated addresses",
        |d| d.features |= feature::ACCESS_PLATFORM,
        Error::AddressesTranslated,
    ),
    (
        "no FEATURES_OK",
        |d| d.agrees = false,
        Error::FeaturesRefused {
            features: feature::VERSION_1,
        },
    ),
    (
        "a restless configuration",
        |d| d.restless = true,
        Error::ConfigUnstable,
    ),
    (
        "no memory",
        |d| d.region.len = 0,
        Error::NoRegion {
            region: region(REGION.base, 0),
        },
    ),
    (
        "no address",
        |d| d.region.base = 0,
        Error::NoRegion {
            region: region(0, REGION.len),
        },
    ),
    (
        "memory past the top",
        |d| d.region = region(u64::MAX - 4095, 8192),
        Error::RegionWraps {
            region: region(u64::MAX - 4095, 8192),
        },
    ),
    (
        "an unaligned start",
        |d| d.region.base += 512,
        Error::RegionUnaligned {
            region: region(REGION.base + 512, REGION.len),
        },
    ),
    (
        "an unaligned length",
        |d| d.region.len += 1,
        Error::RegionUnaligned {
            region: region(REGION.base, REGION.len + 1),
        },
    ),
    ("no queue", |d| d.max_size = 0, Error::QueueSize { size: 0 }),
    (
        "a queue of one descriptor",
        |d| d.max_size = 1,
        Error::QueueSize { size: 1 },
    ),
    (
        "a queue in use after the reset",
        |d| d.always_enabled = true,
        Error::QueueInUse,
    ),
    (
        "a queue that cannot be used",
        |d| d.never_enabled = true,
        Error::QueueNotEnabled,
    ),
];

/// What it may do wrong when it answers the third FLUSH.
pub const AT_FLUSH: [Lie; 17] = [
    ("no answer", |d| d.answer.after = None, Error::TimedOut),
    ("too late", |d| d.answer.after = Some(100), Error::TimedOut),
    (
        "an error",
        |d| d.answer.ret = Some(1),
        Error::Refused { ret: 1 },
    ),
    (
        "a negative error",
        |d| d.answer.ret = Some(u32::MAX - 4),
        Error::Refused { ret: u32::MAX - 4 },
    ),
    (
        "garbage",
        |d| d.answer.ret = Some(0xdead_0000),
        Error::Refused { ret: 0xdead_0000 },
    ),
    ("no result", |d| d.answer.ret = None, Error::Unanswered),
    (
        "an index that jumps",
        |d| d.answer.step = 2,
        Error::UsedIndex {
            expected: 3,
            found: 4,
        },
    ),
    (
        "an index that jumps far",
        |d| d.answer.step = 0x8000,
        Error::UsedIndex {
            expected: 3,
            found: 0x8002,
        },
    ),
    (
        "an index that goes back",
        |d| d.answer.step = u16::MAX,
        Error::UsedIndex {
            expected: 3,
            found: 1,
        },
    ),
    (
        "an index that stays",
        |d| d.answer.step = 0,
        Error::TimedOut,
    ),
    (
        "the other descriptor",
        |d| d.answer.id = 1,
        Error::UsedDescriptor { id: 1 },
    ),
    (
        "a descriptor that is none",
        |d| d.answer.id = u32::MAX,
        Error::UsedDescriptor { id: u32::MAX },
    ),
    (
        "no length",
        |d| d.answer.len = 0,
        Error::UsedLength { len: 0 },
    ),
    (
        "half a result",
        |d| d.answer.len = 2,
        Error::UsedLength { len: 2 },
    ),
    (
        "more than there is room for",
        |d| d.answer.len = u32::MAX,
        Error::UsedLength { len: u32::MAX },
    ),
    (
        "a call for a reset instead of an answer",
        |d| (d.answer.after, d.status) = (None, d.status | status::NEEDS_RESET),
        Error::NeedsReset,
    ),
    (
        "a status that forgets the driver",
        |d| d.status = status::ACKNOWLEDGE,
        Error::Status {
            expected: 15,
            found: 1,
        },
    ),
];
