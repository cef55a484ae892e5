//! Several chains at once, queues that are none, and what else a guest sees of the device.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use kpmem_vmm::{Device, DeviceError, Done};
use virtio_queue::{Error as QueueError, QueueT};
use vm_memory::{Bytes, GuestAddress};

use super::{
    liar::{ANSWER, ASK, BLANK, Guest, HOLE, NEXT, REQUEST, RINGS, STRANGE, TELL, WRITE},
    model::Rings,
    trial::{content, queue},
};

#[test]
fn those_that_wait_together_share_a_sync_and_each_is_answered() {
    let mut guest = Guest::new();
    for number in 0..5_u64 {
        let kind = if number == 3 { STRANGE } else { REQUEST };
        let first = 2 * number as u16;
        guest.table(
            32 * number,
            &[
                (kind, 4, NEXT, first + 1),
                (ANSWER + 4 * number, 4, WRITE, 0),
            ],
        );
    }
    guest.offers(&[0, 2, 4, 6, 8]);
    let (done, syncs) = guest.process();
    let done = done.unwrap();
    assert_eq!(
        (done.used, done.flushed, done.rejected, syncs),
        (5, 4, 1, 1)
    );
    let answers: Vec<_> = (0..5)
        .map(|number| guest.answer_at(ANSWER + 4 * number))
        .collect();
    assert_eq!(answers, [0, 0, 0, 1, 0]);
    let heads: Vec<_> = (0..5).map(|slot| guest.used(slot)).collect();
    assert_eq!(heads, [(0, 4), (2, 4), (4, 4), (6, 4), (8, 4)]);
    // With nothing in the queue, nothing is done.
    let (done, syncs) = guest.process();
    assert_eq!((done.unwrap(), syncs), (Done::default(), 0));
}

/// What a panic left undone nobody knows: it is a failure until the guest resets.
#[test]
fn a_backing_that_panics_has_failed() {
    let guest = Guest::new();
    guest.table(0, &[ASK, TELL]);
    let mut queue = queue(&RINGS);
    let mut calls = 0;
    let mut device = Device::new(GuestAddress(1 << 32), 4096, || {
        calls += 1;
        assert!(calls > 1, "the host panics");
        Ok(())
    })
    .unwrap();
    let mut flush = |offered: usize, reset: bool| {
        if reset {
            device.reset();
        }
        guest.offers(&[0; 3][..offered]);
        let done = catch_unwind(AssertUnwindSafe(|| device.process(&mut queue, &guest.ram)));
        (
            done.map(|done| done.unwrap()),
            device.failure().map(ToString::to_string),
        )
    };
    let (done, failure) = flush(1, false);
    assert!(done.is_err());
    assert_eq!(failure.unwrap(), "the backing panicked");
    let done = flush(2, false).0.unwrap();
    assert_eq!((done.failed, done.synced), (1, false));
    let (done, failure) = flush(3, true);
    assert_eq!((done.unwrap().flushed, failure), (1, None));
}

/// A FLUSH that comes while the host syncs waits for a sync of its own.
#[test]
fn one_that_comes_meanwhile_is_not_covered() {
    let mut guest = Guest::new();
    guest.table(0, &[ASK, TELL]);
    guest.offers(&[0]);
    let ram = &guest.ram;
    let syncs = Cell::new(0);
    let mut device = Device::new(GuestAddress(1 << 32), 4096, || {
        syncs.set(syncs.get() + 1);
        ram.write_obj(2_u16, GuestAddress(RINGS.available + 2))
            .unwrap();
        Ok(())
    })
    .unwrap();
    let done = device.process(&mut guest.queue, ram).unwrap();
    assert_eq!((done.flushed, syncs.get()), (1, 1));
    assert!(
        guest.queue.enable_notification(ram).unwrap(),
        "there is more"
    );
    let done = device.process(&mut guest.queue, ram).unwrap();
    assert_eq!((done.flushed, syncs.get()), (1, 2));
}

#[test]
fn a_head_that_is_none_is_not_given_back() {
    let mut guest = Guest::new();
    guest.table(0, &[ASK, TELL]);
    guest.offers(&[16, 0, 0xffff]);
    let (done, syncs) = guest.process();
    let done = done.unwrap();
    assert_eq!(
        (done.used, done.flushed, done.unanswered, syncs),
        (1, 1, 2, 1)
    );
}

#[test]
fn an_index_that_jumps_is_told_and_nothing_is_done() {
    for index in [17, 0x8000, 0xffff] {
        let mut guest = Guest::new();
        guest.table(0, &[ASK, TELL]);
        guest.put::<u16>(index, RINGS.available + 2);
        let before = content(&guest.ram);
        let (done, syncs) = guest.process();
        let jumped: Result<Done, _> = Err(DeviceError::Queue(QueueError::InvalidAvailRingIndex));
        assert_eq!((format!("{done:?}"), syncs), (format!("{jumped:?}"), 0));
        assert!(content(&guest.ram) == before);
    }
}

#[test]
fn a_queue_that_is_not_in_memory_or_not_ready_is_told() {
    let places = |descriptors, available, used| Rings {
        descriptors,
        available,
        used,
        ..RINGS
    };
    for rings in [
        places(HOLE, 0x200, 0x300),
        places(HOLE - 16, 0x200, 0x300),
        places(0, HOLE - 4, 0x300),
        places(0, 0x200, HOLE - 8),
        places(u64::MAX - 15, 0x200, 0x300),
    ] {
        let mut guest = Guest::new();
        guest.queue = queue(&rings);
        let (done, syncs) = guest.process();
        assert!(matches!(done, Err(DeviceError::QueueNotValid)) && syncs == 0);
    }
    let mut guest = Guest::new();
    guest.queue.reset();
    assert!(matches!(guest.process().0, Err(DeviceError::QueueNotValid)));
}

#[test]
fn the_configuration_is_read_in_any_way_and_past_its_end_as_zeroes() {
    let device = Device::new(GuestAddress(0x1_2345_6000), 0x20_0000, || Ok(())).unwrap();
    let read = |offset, len| {
        let mut bytes = vec![BLANK; len];
        device.read_config(offset, &mut bytes);
        bytes
    };
    let mut all = 0x1_2345_6000_u64.to_le_bytes().to_vec();
    all.extend(0x20_0000_u64.to_le_bytes());
    all.extend([0; 16]);
    for offset in 0..20 {
        for len in 0..10 {
            assert_eq!(read(offset as u64, len), all[offset..offset + len]);
        }
    }
    assert_eq!(read(u64::MAX, 3), [0; 3]);
    assert_eq!(read(u64::MAX - 8, 16), [0; 16]);
}

#[test]
fn a_range_that_no_driver_would_take_is_refused() {
    let refused = |start, size| {
        let device = Device::new(GuestAddress(start), size, || Ok(()));
        device.map(drop).unwrap_err().to_string()
    };
    assert!(refused(4096, 0).contains("there are none"));
    assert!(refused(1, 4096).contains("page"));
    assert!(refused(4096, 4097).contains("page"));
    assert!(refused(u64::MAX - 4095, 8192).contains("top of the address space"));
    assert!(Device::new(GuestAddress(u64::MAX - 4095), 4096, || Ok(())).is_ok());
}
