//! A device that does as it should, over each transport.

use kpmem::{
    Error as MapError, Map,
    virtio::{Address, Error, Region, Transport, feature},
};

use super::{
    driver::Shared,
    fakes::{MEMORY, Space, mmio, pci},
    model::{Answer, Device, QUEUE_AT, REGION},
};

/// So many that the indices come round.
const FLUSHES: u32 = if cfg!(miri) { 5 } else { 70_000 };

/// Starts, flushes so often that every index comes round, stops, and starts again.
fn a_whole_life<T: Transport>(device: &Shared, transport: T, region: Region) {
    let pmem = device.pmem(transport, 10);
    assert_eq!(
        (pmem.region(), pmem.flush()),
        (None, Err(Error::NotStarted))
    );
    for _ in 0..2 {
        assert_eq!(pmem.start(), Ok(region));
        for flush in 1..=FLUSHES {
            let before = device.lock().synced;
            assert_eq!(pmem.flush(), Ok(()), "FLUSH {flush}");
            assert_eq!(device.lock().synced, before + 1);
        }
        assert_eq!((pmem.region(), pmem.failure()), (Some(region), None));
        assert_eq!(pmem.stop(), Ok(()));
        assert_eq!(pmem.flush(), Err(Error::NotStarted));
    }
    device.content();
}

#[test]
fn without_registers() {
    let device = Shared::default();
    a_whole_life(&device, device.clone(), REGION);
    assert_eq!(device.lock().accepted, feature::VERSION_1);
}

#[test]
fn over_mmio() {
    let device = Shared::default();
    a_whole_life(&device, mmio(&device).unwrap(), REGION);
}

#[test]
fn over_pci() {
    let (device, mut space) = (Shared::default(), Space::good());
    let pci = pci(&device, &mut space).unwrap();
    assert_eq!(space.0[4..6], [0b110, 0b100], "memory, mastering, no pin");
    a_whole_life(&device, pci, REGION);
}

#[test]
fn the_region_may_be_shared_memory() {
    let offered = feature::VERSION_1 | feature::SHMEM_REGION;
    let region = Region {
        base: 0x40_0000_0000,
        len: 2 << 20,
    };
    let of_device = |shared| {
        Shared::new(|device| {
            (device.features, device.shared) = (offered, shared);
        })
    };
    let device = of_device(Some(region));
    assert_eq!(device.pmem(mmio(&device).unwrap(), 1).start(), Ok(region));
    assert_eq!(device.lock().accepted, offered);
    // Offered, and not there: not taken.
    let device = of_device(None);
    assert_eq!(device.pmem(mmio(&device).unwrap(), 1).start(), Ok(REGION));
    assert_eq!(device.lock().accepted, feature::VERSION_1);
    // Over PCI it is a part of a BAR.
    let region = Region {
        base: u64::from(MEMORY) + 0x1000,
        len: 0x2_0000,
    };
    let pci = pci(&device, &mut Space::good()).unwrap();
    assert_eq!(device.pmem(pci, 1).start(), Ok(region));
    // Not offered: not looked at.
    let device = Shared::new(|device| device.shared = Some(region));
    assert_eq!(device.pmem(mmio(&device).unwrap(), 1).start(), Ok(REGION));
    device.content();
}

#[test]
fn an_address_is_taken_where_it_means_something() {
    let translated = feature::VERSION_1 | feature::ACCESS_PLATFORM;
    let (physical, of_device) = (Address::Physical(QUEUE_AT), Address::Device(QUEUE_AT));
    let either = Address::Either(QUEUE_AT);
    for (features, address, expected) in [
        (feature::VERSION_1, physical, Ok(REGION)),
        (translated, physical, Err(Error::AddressesTranslated)),
        (
            feature::VERSION_1,
            of_device,
            Err(Error::AddressesNotTranslated),
        ),
        (translated, of_device, Ok(REGION)),
        (feature::VERSION_1, either, Ok(REGION)),
        (translated, either, Ok(REGION)),
    ] {
        let device = Shared::new(|device| device.features = features);
        let pmem = device.pmem_at(device.clone(), 1, address);
        assert_eq!(pmem.start(), expected);
        assert_eq!(pmem.flush(), expected.map(|_| ()));
        device.content();
    }
    for address in [0, 0x1010, u64::MAX] {
        let device = Shared::default();
        let pmem = device.pmem_at(device.clone(), 1, Address::Physical(address));
        assert_eq!(pmem.start(), Err(Error::QueueAddress { address }));
        assert_eq!(device.lock().parts, None);
    }
}

/// Slow, in need of a later look, and one that looks by itself.
#[test]
fn devices_of_all_tempers_are_waited_for() {
    let slow = |device: &mut Device| {
        device.answer.after = Some(5);
        device.reset_after = Some(5);
    };
    let device = Shared::new(slow);
    let pmem = device.pmem(device.clone(), 10);
    pmem.start().unwrap();
    for _ in 0..10 {
        pmem.flush().unwrap();
    }
    let device = Shared::new(|device| device.unasked = true);
    let pmem = device.pmem(device.clone(), 10);
    pmem.start().unwrap();
    for _ in 0..10 {
        pmem.flush().unwrap();
    }
    // It was notified once, before it had said that it looks by itself.
    let notified = device.lock().notified;
    assert_eq!((notified, device.lock().synced), (1, 10));
    device.content();
}

#[test]
fn a_map_is_made_durable_by_it() {
    let device = Shared::default();
    let pmem = device.pmem(mmio(&device).unwrap(), 10);
    pmem.start().unwrap();
    let mut memory = vec![0_u8; 4096];
    let (base, len) = (memory.as_mut_ptr(), memory.len());
    // SAFETY: the model's sync stands for durability.
    let map = unsafe { Map::with_hook(base, len, &pmem) }.unwrap();
    for offset in 0..100 {
        map.flush(base.wrapping_add(offset), 1).unwrap();
    }
    assert_eq!(device.lock().synced, 0, "a FLUSH knows no ranges");
    map.drain().unwrap();
    map.drain().unwrap();
    assert_eq!(device.lock().synced, 1);
    map.persist(base, 8).unwrap();
    assert_eq!(device.lock().synced, 2);

    let start = base.addr();
    let failed = |code| Err(MapError::Sync { start, len, code });
    device.lock().answer.ret = Some(1);
    assert_eq!(map.persist(base, 8), failed(-5));
    device.lock().answer.ret = Some(0);
    assert_eq!(map.drain(), failed(-5), "down until it is started");
    assert_eq!(pmem.failure(), Some(Error::Refused { ret: 1 }));
    pmem.start().unwrap();
    assert_eq!(map.drain(), Ok(()));

    device.lock().answer.after = None;
    assert_eq!(map.persist(base, 8), failed(-110));
    device.lock().answer = Answer::GOOD;
    pmem.start().unwrap();
    device.lock().answer.id = 1;
    assert_eq!(map.drain(), failed(-71));
    pmem.stop().unwrap();
    assert_eq!(map.drain(), failed(-19));
    device.content();
}
