//! Devices that lie, each in its own way: the driver says which.

use std::{collections::HashSet, error};

use kpmem::virtio::{Error, Mmio, Region, status};

use super::{
    driver::Shared,
    fakes::{MmioFile, Space, mmio, pci},
    lies::{AT_FLUSH, AT_START},
    model::{Answer, Device, REGION},
};

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
    device.lock().region.base += 4096;
    let before = REGION;
    let region = Region {
        base: REGION.base + 4096,
        ..REGION
    };
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
