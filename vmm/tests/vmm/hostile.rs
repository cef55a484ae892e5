//! Guests that lie, one by one: each gets an error where there is a place for one, nothing is
//! synced for it, and nothing else in its memory changes.

use std::cell::Cell;

use kpmem_vmm::{Device, DeviceError, Done};
use virtio_queue::{Error as QueueError, Queue, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::{
    model::Rings,
    trial::{content, fill, queue, ram},
};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

const RINGS: Rings = Rings {
    size: 16,
    descriptors: 0,
    available: 0x200,
    used: 0x300,
    next_available: 0,
    next_used: 0,
};
/// Where requests and answers are, and a type that there is not.
const REQUEST: u64 = 0x400;
const ANSWER: u64 = 0x500;
const STRANGE: u64 = 0x408;
const TABLE: u64 = 0x1000;
/// Between the second region and the third.
const HOLE: u64 = 0x2000;
/// What an answer holds before there is one.
const BLANK: u8 = 0x55;

type Descriptor = (u64, u32, u16, u16);

const ASK: Descriptor = (REQUEST, 4, NEXT, 1);
const TELL: Descriptor = (ANSWER, 4, WRITE, 0);

/// A guest and its device, which counts syncs.
struct Guest {
    ram: GuestMemoryMmap,
    queue: Queue,
}

impl Guest {
    fn new() -> Self {
        let guest = Self {
            ram: ram(),
            queue: queue(&RINGS),
        };
        let mut bytes = content(&guest.ram);
        bytes[ANSWER as usize..][..0x40].fill(BLANK);
        bytes[STRANGE as usize] = 1;
        fill(&guest.ram, &bytes);
        guest
    }

    fn put<T: vm_memory::ByteValued>(&self, value: T, at: u64) {
        self.ram.write_obj(value, GuestAddress(at)).unwrap();
    }

    fn table(&self, at: u64, descriptors: &[Descriptor]) {
        for (index, (address, len, flags, next)) in (0..).zip(descriptors) {
            let at = at + 16 * index;
            self.put(*address, at);
            self.put(*len, at + 8);
            self.put(*flags, at + 12);
            self.put(*next, at + 14);
        }
    }

    /// Chains that begin with these descriptors are there to be taken.
    fn offers(&self, heads: &[u16]) {
        for (slot, head) in (0..).zip(heads) {
            self.put(*head, RINGS.available + 4 + 2 * slot);
        }
        self.put(heads.len() as u16, RINGS.available + 2);
    }

    /// What the device does, and how often it synced.
    fn process(&mut self) -> (Result<Done, DeviceError>, u32) {
        let syncs = Cell::new(0);
        let backing = || {
            syncs.set(syncs.get() + 1);
            Ok(())
        };
        let mut device = Device::new(GuestAddress(1 << 32), 4096, backing).unwrap();
        let done = device.process(&mut self.queue, &self.ram);
        (done, syncs.get())
    }

    fn answer_at(&self, at: u64) -> u32 {
        self.ram.read_obj(GuestAddress(at)).unwrap()
    }

    /// The entry of the used ring: which descriptor, and how many bytes were written.
    fn used(&self, slot: u64) -> (u32, u32) {
        let at = RINGS.used + 4 + 8 * slot;
        (self.answer_at(at), self.answer_at(at + 4))
    }
}

/// What becomes of one chain, from descriptor 0 on: its answer, if there is one, and syncs. Nothing
/// but the used ring and the answer has changed.
fn one(descriptors: &[Descriptor], indirect: &[Descriptor]) -> (Option<u32>, u32) {
    let mut guest = Guest::new();
    guest.table(RINGS.descriptors, descriptors);
    guest.table(TABLE, indirect);
    guest.offers(&[0]);
    let mut before = content(&guest.ram);
    let (done, syncs) = guest.process();
    let done = done.unwrap();
    assert_eq!((done.used, done.synced), (1, syncs > 0));
    let (head, len) = guest.used(0);
    assert_eq!(head, 0);
    let mut after = content(&guest.ram);
    let answer = (len == 4).then(|| guest.answer_at(ANSWER));
    for memory in [&mut before, &mut after] {
        memory[RINGS.used as usize..][..0x90].fill(0);
        if answer.is_some() {
            memory[ANSWER as usize..][..4].fill(0);
        }
    }
    assert!(before == after, "something else was written");
    assert!(len == 4 || len == 0);
    (answer, syncs)
}

const GOOD: (Option<u32>, u32) = (Some(0), 1);
const ERROR: (Option<u32>, u32) = (Some(1), 0);
const NO_PLACE: (Option<u32>, u32) = (None, 0);

#[test]
fn a_flush_is_answered_however_it_is_framed() {
    assert_eq!(one(&[ASK, TELL], &[]), GOOD);
    // A longer place for the answer, of which the rest is left alone.
    assert_eq!(one(&[ASK, (ANSWER, 64, WRITE, 0)], &[]), GOOD);
    let bytes: Vec<_> = (0..8_u16)
        .map(|index| match index {
            0..4 => (REQUEST + u64::from(index), 1, NEXT, index + 1),
            4..7 => (ANSWER + u64::from(index) - 4, 1, NEXT | WRITE, index + 1),
            _ => (ANSWER + 3, 1, WRITE, 0),
        })
        .collect();
    assert_eq!(one(&bytes, &[]), GOOD);
    assert_eq!(one(&[(TABLE, 32, INDIRECT, 0)], &[ASK, TELL]), GOOD);
    // Descriptors without a byte are none.
    let empty = (HOLE, 0, NEXT, 1);
    assert_eq!(one(&[empty, (REQUEST, 4, NEXT, 2), TELL], &[]), GOOD);
}

#[test]
fn what_is_no_flush_is_answered_by_an_error() {
    for (what, first) in [
        ("another type", (STRANGE, 4, NEXT, 1)),
        ("too short", (REQUEST, 3, NEXT, 1)),
        ("too long", (REQUEST, 5, NEXT, 1)),
        ("of no bytes", (REQUEST, 0, NEXT, 1)),
        ("of all bytes that a chain may have", (REQUEST, u32::MAX - 4, NEXT, 1)),
        ("not in memory", (HOLE, 4, NEXT, 1)),
        ("half in memory", (HOLE - 2, 4, NEXT, 1)),
        ("past the top", (u64::MAX - 1, 4, NEXT, 1)),
    ] {
        assert_eq!(one(&[first, TELL], &[]), ERROR, "{what}");
    }
}

#[test]
fn wrong_directions_are_errors() {
    assert_eq!(one(&[(ANSWER, 4, WRITE | NEXT, 1), (REQUEST, 4, 0, 0)], &[]), ERROR);
    let behind = [ASK, (ANSWER, 4, WRITE | NEXT, 2), (REQUEST, 4, 0, 0)];
    assert_eq!(one(&behind, &[]), ERROR);
    assert_eq!(one(&[TELL], &[]), ERROR, "nothing is asked");
    assert_eq!(one(&[ASK, (ANSWER, 4, 0, 0)], &[]), NO_PLACE);
}

#[test]
fn where_there_is_no_place_nothing_is_answered_and_nothing_synced() {
    for (what, last) in [
        ("too short", (ANSWER, 3, WRITE, 0)),
        ("of no bytes", (ANSWER, 0, WRITE, 0)),
        ("not in memory", (HOLE, 4, WRITE, 0)),
        ("half in memory", (HOLE - 2, 4, WRITE, 0)),
        ("past the top", (u64::MAX - 1, 4, WRITE, 0)),
        ("more bytes than a chain may have", (ANSWER, u32::MAX, WRITE, 0)),
    ] {
        assert_eq!(one(&[ASK, last], &[]), NO_PLACE, "{what}");
    }
    assert_eq!(one(&[(REQUEST, 4, 0, 0)], &[]), NO_PLACE, "no second descriptor");
    assert_eq!(one(&[(REQUEST, 4, NEXT, 99), TELL], &[]), NO_PLACE, "an index that is none");
}

#[test]
fn loops_and_huge_chains_end() {
    assert_eq!(one(&[(REQUEST, 4, NEXT, 0)], &[]), NO_PLACE, "a loop of requests");
    assert_eq!(one(&[ASK, (ANSWER, 4, WRITE | NEXT, 1)], &[]), ERROR, "a loop of answers");
    assert_eq!(one(&[ASK, (ANSWER, 4, WRITE | NEXT, 0)], &[]), ERROR, "a loop of both");
    assert_eq!(one(&[ASK, (ANSWER, 4, WRITE | NEXT, 99)], &[]), ERROR, "an index that is none");
    // As many as the table has, and the answer first or last.
    let huge = |answer: usize| -> Vec<Descriptor> {
        let each = (0..200_u16).map(|index| match usize::from(index) {
            at if at == answer => (ANSWER, 4, WRITE | NEXT, index + 1),
            _ => (REQUEST, 4, NEXT, index + 1),
        });
        each.collect()
    };
    let all = (TABLE, 200 * 16, INDIRECT, 0);
    assert_eq!(one(&[all], &huge(1)), ERROR);
    assert_eq!(one(&[all], &huge(199)), NO_PLACE, "nobody looks so far");
}

#[test]
fn indirect_tables_that_are_none() {
    for (what, table) in [
        ("not in memory", (HOLE, 32, INDIRECT, 0)),
        ("past the top", (u64::MAX - 7, 32, INDIRECT, 0)),
        ("empty", (TABLE, 0, INDIRECT, 0)),
        ("no whole number of descriptors", (TABLE, 33, INDIRECT, 0)),
        ("longer than an index reaches", (TABLE, u32::MAX & !15, INDIRECT, 0)),
    ] {
        assert_eq!(one(&[table], &[ASK, TELL]), NO_PLACE, "{what}");
    }
    let nested = [ASK, (TABLE, 32, INDIRECT, 0)];
    assert_eq!(one(&[(TABLE, 32, INDIRECT, 0)], &nested), NO_PLACE, "one in another");
    // An answer before it is a place.
    let late = [(ANSWER, 4, WRITE | NEXT, 1), (HOLE, 32, INDIRECT, 0)];
    assert_eq!(one(&late, &[]), ERROR);
}

#[test]
fn those_that_wait_together_share_a_sync_and_each_is_answered() {
    let mut guest = Guest::new();
    for number in 0..5_u64 {
        let kind = if number == 3 { STRANGE } else { REQUEST };
        let first = 2 * number as u16;
        guest.table(32 * number, &[(kind, 4, NEXT, first + 1), (ANSWER + 4 * number, 4, WRITE, 0)]);
    }
    guest.offers(&[0, 2, 4, 6, 8]);
    let (done, syncs) = guest.process();
    let done = done.unwrap();
    assert_eq!((done.used, done.flushed, done.rejected, syncs), (5, 4, 1, 1));
    let answers: Vec<_> = (0..5).map(|number| guest.answer_at(ANSWER + 4 * number)).collect();
    assert_eq!(answers, [0, 0, 0, 1, 0]);
    let heads: Vec<_> = (0..5).map(|slot| guest.used(slot)).collect();
    assert_eq!(heads, [(0, 4), (2, 4), (4, 4), (6, 4), (8, 4)]);
    // With nothing in the queue, nothing is done.
    let (done, syncs) = guest.process();
    assert_eq!((done.unwrap(), syncs), (Done::default(), 0));
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
        ram.write_obj(2_u16, GuestAddress(RINGS.available + 2)).unwrap();
        Ok(())
    })
    .unwrap();
    let done = device.process(&mut guest.queue, ram).unwrap();
    assert_eq!((done.flushed, syncs.get()), (1, 1));
    assert!(guest.queue.enable_notification(ram).unwrap(), "there is more");
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
    assert_eq!((done.used, done.flushed, done.unanswered, syncs), (1, 1, 2, 1));
}

#[test]
fn an_index_that_jumps_is_told_and_nothing_is_done() {
    for index in [17, 0x8000, 0xffff] {
        let mut guest = Guest::new();
        guest.table(0, &[ASK, TELL]);
        guest.put::<u16>(index, RINGS.available + 2);
        let before = content(&guest.ram);
        let (done, syncs) = guest.process();
        let jumped = Err(DeviceError::Queue(QueueError::InvalidAvailRingIndex));
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
        places(u64::MAX & !15, 0x200, 0x300),
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
