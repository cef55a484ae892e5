//! Devices that lie, each in its own way: the driver says which.

use std::{collections::HashSet, error};

use kpmem::virtio::{Error, Mmio, Region, feature, status};

use super::{
    fakes::{MmioFile, Space, mmio, pci},
    model::{Answer, Device, REGION, Shared},
};

type Lie = (&'static str, fn(&mut Device), Error);

const fn region(start: u64, len: u64) -> Region {
    Region { start, len }
}

/// What a device may do wrong before it is ready.
const AT_START: [Lie; 23] = [
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
            region: region(REGION.start, 0),
        },
    ),
    (
        "no address",
        |d| d.region.start = 0,
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
        |d| d.region.start += 512,
        Error::RegionUnaligned {
            region: region(REGION.start + 512, REGION.len),
        },
    ),
    (
        "an unaligned length",
        |d| d.region.len += 1,
        Error::RegionUnaligned {
            region: region(REGION.start, REGION.len + 1),
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
const AT_FLUSH: [Lie; 17] = [
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

#[test]
fn lies_at_the_start_are_told() {
    for (name, lie, expected) in AT_START {
        for over in ["nothing", "mmio", "pci"] {
            let device = Shared::new(lie);
            let started = match over {
                "nothing" => device.pmem(device.clone(), 10).start(),
                "mmio" => device.pmem(mmio(&device).unwrap(), 10).start(),
                _ => {
                    let pci = pci(&device, &mut Space::good()).unwrap();
                    device.pmem(pci, 10).start()
                }
            };
            assert_eq!(started, Err(expected), "{name} over {over}");
            assert_eq!(device.lock().synced, 0);
            device.content();
        }
    }
}

#[test]
fn a_device_that_fails_to_start_starts_once_it_is_mended() {
    for (name, lie, expected) in AT_START {
        let device = Shared::new(lie);
        let pmem = device.pmem(device.clone(), 10);
        assert_eq!(pmem.start(), Err(expected), "{name}");
        assert_eq!(pmem.flush(), Err(expected), "{name}: it stays down");
        let given_up = device.lock().status & status::FAILED != 0;
        let at_reset = matches!(expected, Error::ResetTimedOut { .. } | Error::Gone);
        assert!(given_up || at_reset, "{name}: FAILED is not set");
        mend(&device);
        assert_eq!(pmem.start(), Ok(REGION), "{name}");
        assert_eq!(pmem.flush(), Ok(()), "{name}");
    }
}

/// The same device without a lie.
fn mend(device: &Shared) {
    let mut device = device.lock();
    let good = Device::default();
    (device.features, device.agrees) = (good.features, true);
    (device.region, device.max_size) = (good.region, good.max_size);
    (device.reset_after, device.restless) = (good.reset_after, false);
    (device.always_enabled, device.never_enabled) = (false, false);
    (device.status_with, device.status_without) = (0, 0);
    device.answer = Answer::GOOD;
}

#[test]
fn lies_about_a_flush_are_told_and_the_device_stays_down_until_it_is_reset() {
    for (name, lie, expected) in AT_FLUSH {
        let device = Shared::default();
        let pmem = device.pmem(device.clone(), 20);
        assert_eq!(pmem.start(), Ok(REGION));
        assert_eq!((pmem.flush(), pmem.flush()), (Ok(()), Ok(())));
        lie(&mut device.lock());
        assert_eq!(pmem.flush(), Err(expected), "{name}");
        // Whatever it does now: it is not asked again.
        let (status, synced) = device.lock().so_far();
        mend(&device);
        device.lock().status = status;
        assert_eq!(pmem.flush(), Err(expected), "{name}");
        assert_eq!(device.lock().synced, synced, "{name}: it was asked again");
        assert_eq!(pmem.start(), Ok(REGION), "{name}");
        assert_eq!(pmem.flush(), Ok(()), "{name}");
        device.content();
    }
}

#[test]
fn a_device_that_breaks_is_not_waited_for_to_the_end() {
    for (looks, expected) in [(10, 10), (1_000_000, 256)] {
        let device = Shared::new(|d| d.breaks = true);
        let pmem = device.pmem(device.clone(), looks);
        pmem.start().unwrap();
        assert_eq!(pmem.flush(), Err(Error::NeedsReset));
        assert_eq!(device.lock().ticks, expected);
    }
}

#[test]
fn each_entry_of_the_ring_is_read() {
    for good in 0..4 {
        let device = Shared::default();
        let pmem = device.pmem(device.clone(), 10);
        pmem.start().unwrap();
        (0..good).for_each(|_| pmem.flush().unwrap());
        device.lock().answer.id = 1;
        assert_eq!(pmem.flush(), Err(Error::UsedDescriptor { id: 1 }));
    }
}

#[test]
fn an_answer_to_no_request_is_told() {
    let device = Shared::new(|d| d.hasty = true);
    let pmem = device.pmem(device.clone(), 10);
    pmem.start().unwrap();
    let (expected, found) = (0, 1);
    assert_eq!(pmem.flush(), Err(Error::UsedIndex { expected, found }));
}

#[test]
fn memory_stays_the_devices_until_a_reset_is_done() {
    let device = Shared::default();
    let pmem = device.pmem(device.clone(), 10);
    pmem.start().unwrap();
    device.lock().answer.after = Some(30);
    assert_eq!(pmem.flush(), Err(Error::TimedOut));
    device.lock().reset_after = None;
    let still = Error::ResetTimedOut { status: 1 };
    assert_eq!((pmem.stop(), pmem.flush()), (Err(still), Err(still)));
    // The answer comes after all, and nobody takes it for that of another request.
    (0..50).for_each(|_| device.lock().tick());
    assert_eq!(pmem.start(), Err(still));
    mend(&device);
    assert_eq!((pmem.start(), pmem.flush()), (Ok(REGION), Ok(())));
    device.content();
}

#[test]
fn memory_that_moves_is_told() {
    let device = Shared::default();
    let pmem = device.pmem(device.clone(), 10);
    pmem.start().unwrap();
    device.lock().region.start += 4096;
    let moved = region(REGION.start + 4096, REGION.len);
    let (before, region) = (REGION, moved);
    assert_eq!(pmem.start(), Err(Error::RegionMoved { before, region }));
}

#[test]
fn what_is_no_virtio_pmem_over_mmio_is_told() {
    let device = Shared::default();
    let with = |change: fn(&mut MmioFile)| {
        let mut file = MmioFile::new(&device);
        change(&mut file);
        Mmio::new(file).err()
    };
    assert_eq!(with(|_| {}), None);
    let magic = u32::MAX;
    assert_eq!(with(|f| f.magic = u32::MAX), Some(Error::NotMmio { magic }));
    let version = 1;
    assert_eq!(
        with(|f| f.version = 1),
        Some(Error::MmioVersion { version })
    );
    assert_eq!(with(|f| f.id = 0), Some(Error::WrongDevice { id: 0 }));
    assert_eq!(with(|f| f.id = 2), Some(Error::WrongDevice { id: 2 }));
    let (size, needed) = (0x10f, 0x110);
    let small = Some(Error::WindowTooSmall { size, needed });
    assert_eq!(with(|f| f.size = 0x10f), small);
}

#[test]
fn every_error_has_a_sentence_of_its_own() {
    let lies = AT_START.iter().chain(&AT_FLUSH);
    let mut sentences = HashSet::new();
    for error in lies.map(|(_, _, error)| *error) {
        let boxed: Box<dyn error::Error> = Box::new(error);
        let sentence = boxed.to_string();
        assert!(sentence.len() > 20, "{sentence:?}");
        assert!(!sentence.contains("Error") && !sentence.ends_with('.'));
        sentences.insert(sentence);
        assert!([-5, -19, -71, -110].contains(&error.code()));
    }
    assert!(sentences.len() > 30, "{}", sentences.len());
    assert_eq!(
        Error::UsedDescriptor { id: 7 }.to_string(),
        "the device answered a request at descriptor 7, and the one made was at 0"
    );
}
