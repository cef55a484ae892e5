//! Configuration spaces that are malformed: the driver says where.

use kpmem::virtio::{Error, Pci, Registers, Window};

use super::{
    driver::Shared,
    fakes::{Bar, REGISTERS, Space, pci},
};

/// What is made of the driver's best, and what is said of it.
type Malformed = (&'static str, fn(&mut Space), Error);

const fn at(offset: u8, problem: &'static str) -> Error {
    Error::Capability { offset, problem }
}

const fn missing(name: &'static str) -> Error {
    Error::MissingCapability { name }
}

const MALFORMED: [Malformed; 26] = [
    (
        "nobody there",
        |s| s.0 = [0xff; 256],
        Error::WrongPciDevice {
            vendor: 0xffff,
            device: 0xffff,
        },
    ),
    (
        "another virtio device",
        |s| s.word(0, 0x1042_1af4),
        Error::WrongPciDevice {
            vendor: 0x1af4,
            device: 0x1042,
        },
    ),
    (
        "the number of another vendor",
        |s| s.word(0, 0x105b_8086),
        Error::WrongPciDevice {
            vendor: 0x8086,
            device: 0x105b,
        },
    ),
    ("no list", |s| s.word(4, 0), missing("common configuration")),
    (
        "an empty list",
        |s| s.0[0x34] = 0,
        missing("common configuration"),
    ),
    (
        "a list that begins in the header",
        |s| s.0[0x34] = 0x3c,
        at(0x3c, "it lies in the header"),
    ),
    (
        "a list that goes back into the header",
        |s| s.0[0x91] = 4,
        at(4, "it lies in the header"),
    ),
    (
        "a circle of one",
        |s| s.0[0x41] = 0x40,
        at(0x40, "the list does not end"),
    ),
    (
        "a circle of three",
        |s| s.0[0x85] = 0x40,
        at(0x40, "the list does not end"),
    ),
    (
        "no common configuration",
        |s| s.0[0x93] = 5,
        missing("common configuration"),
    ),
    (
        "no notification",
        |s| s.0[0xa3] = 5,
        missing("notification"),
    ),
    (
        "no device configuration",
        |s| s.0[0xb7] = 5,
        missing("device configuration"),
    ),
    (
        "a reserved BAR",
        |s| s.0[0x94] = 6,
        missing("common configuration"),
    ),
    (
        "common configuration in I/O ports",
        |s| s.0[0x94] = 0,
        missing("common configuration"),
    ),
    (
        "a capability of 15 bytes",
        |s| s.0[0x92] = 15,
        at(0x90, "it is shorter than its kind"),
    ),
    (
        "no multiplier",
        |s| s.0[0xa2] = 16,
        at(0xa0, "it is shorter than its kind"),
    ),
    (
        "a narrow region",
        |s| s.0[0xd2] = 16,
        at(0xd0, "it is shorter than its kind"),
    ),
    (
        "a capability past the end",
        |s| {
            s.0[0xd1] = 0xf4;
            s.0[0xf4..0xf8].copy_from_slice(&[9, 0, 16, 1]);
        },
        at(0xf4, "it runs past the configuration space"),
    ),
    (
        "registers past the top",
        |s| {
            s.word(0x20, 0xffff_f00c);
            s.word(0x24, u32::MAX);
        },
        at(0xa0, "its range wraps"),
    ),
    (
        "a region past the top",
        |s| (s.word(0xdc, u32::MAX), s.word(0xe4, u32::MAX)).0,
        at(0xd0, "its range wraps"),
    ),
    (
        "common configuration of 55 bytes",
        |s| s.word(0x9c, 55),
        at(0x90, "it describes fewer bytes than its registers are"),
    ),
    (
        "device configuration of 15 bytes",
        |s| s.word(0xc0, 15),
        at(0xb4, "it describes fewer bytes than its registers are"),
    ),
    (
        "unaligned registers",
        |s| s.word(0x98, 2),
        at(0x90, "its registers are not aligned"),
    ),
    (
        "a BAR without an address",
        |s| (s.word(0x20, 0xc), s.word(0x24, 0)).0,
        Error::Bar {
            bar: 4,
            problem: "it has no address",
        },
    ),
    (
        "a BAR of a reserved type",
        |s| s.word(0x20, 0xe000_0006),
        Error::Bar {
            bar: 4,
            problem: "it is of a reserved type",
        },
    ),
    (
        "the last BAR with 64 bits",
        |s| {
            s.0[0x94] = 5;
            s.word(0x24, 0xe000_0004);
        },
        Error::Bar {
            bar: 5,
            problem: "it has 64 bits and is the last",
        },
    ),
];

#[test]
fn what_is_malformed_is_told_and_where() {
    for (name, change, expected) in MALFORMED {
        let mut space = Space::good();
        change(&mut space);
        let command = space.0[4..6].to_vec();
        let found = Pci::new(&mut space, |_| -> Option<Window> { panic!("mapped") });
        let found = found.map(|_| ());
        assert_eq!(found, Err(expected), "{name}");
        assert_eq!(space.0[4..6], command, "{name}: it was let loose");
    }
}

#[test]
fn registers_that_are_not_mapped_are_told() {
    let device = Shared::default();
    let not_mapped = Error::NotMapped {
        bar: 4,
        address: REGISTERS,
        len: 0x38,
    };
    let refused = Pci::<Bar>::new(&mut Space::good(), |_| None);
    assert_eq!(refused.err(), Some(not_mapped));
    let too_few = Pci::new(&mut Space::good(), |mut range| {
        range.len -= 1;
        Some(Bar::new(&device, range))
    });
    assert_eq!(too_few.err(), Some(not_mapped));
}

#[test]
fn a_notification_register_outside_is_told() {
    for (multiplier, len, offset) in [
        (4, 13, 12),
        (0x8000_0000, 0x1000, 0x1_8000_0000),
        (1, 64, 3),
    ] {
        let (device, mut space) = (Shared::default(), Space::good());
        space.word(0xb0, multiplier);
        space.word(0xac, len);
        let pmem = device.pmem(pci(&device, &mut space).unwrap(), 10);
        let len = len.into();
        assert_eq!(pmem.start(), Err(Error::Notification { offset, len }));
    }
}

#[test]
fn the_first_capability_of_a_kind_counts() {
    let (device, mut space) = (Shared::default(), Space::good());
    space.0[0xd1] = 0xe8;
    space.capability(0xe8, 0, 16, 1, 4, [0x8000, 0x1000]);
    device
        .pmem(pci(&device, &mut space).unwrap(), 10)
        .start()
        .unwrap();
}

#[test]
fn a_window_has_nothing_outside() {
    let mut memory = [0x0403_0201_u32, 0x0807_0605];
    memory = memory.map(u32::to_le);
    let base = std::ptr::NonNull::from(&mut memory).cast();
    // SAFETY: memory of our own stands for registers.
    let mut window = unsafe { Window::new(base, 7) };
    assert_eq!((window.read_u8(6), window.read_u8(7)), (7, u8::MAX));
    assert_eq!((window.read_u16(4), window.read_u16(6)), (0x0605, u16::MAX));
    assert_eq!(
        (window.read_u16(1), window.read_u32(2)),
        (u16::MAX, u32::MAX)
    );
    assert_eq!(
        (window.read_u32(0), window.read_u32(4)),
        (0x0403_0201, u32::MAX)
    );
    assert_eq!(window.read_u32(usize::MAX), u32::MAX);
    window.write_u32(4, 0);
    window.write_u32(usize::MAX - 1, 0);
    window.write_u16(3, 0);
    window.write_u8(7, 0);
    window.write_u16(0, 0x1211);
    window.write_u8(4, 0x15);
    assert_eq!(memory.map(u32::from_le), [0x0403_1211, 0x0807_0615]);
}
