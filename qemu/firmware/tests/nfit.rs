//! The NFIT that QEMU makes (`q35,nvdimm=on,nvdimm-persistence=cpu`, 64 MiB), whole and damaged.

use kpmem_firmware::{
    Error,
    nfit::{Capabilities, Nfit, Range, Structure},
};

const QEMU: &[u8] = include_bytes!("data/nfit-q35-cpu.bin");

/// Offset of the first structure, the range.
const RANGE: usize = 40;

#[test]
fn qemu() {
    let nfit = Nfit::parse(QEMU).unwrap();
    let range = Range {
        base: 0x1_0000_0000,
        len: 64 << 20,
        persistent: true,
    };
    assert_eq!(nfit.first_persistent_range(), Ok(range));
    let structures: Vec<_> = nfit.structures().map(Result::unwrap).collect();
    let capabilities = Capabilities {
        cpu_cache_flush: true,
        memory_controller_flush: true,
    };
    let expected = [
        Structure::Range(range),
        Structure::Other(1),
        Structure::Other(4),
        Structure::Capabilities(capabilities),
    ];
    assert_eq!(structures, expected);
}

#[test]
fn a_volatile_range_is_not_taken() {
    let mut table = QEMU.to_vec();
    table[RANGE + 16] ^= 1; // another GUID
    let nfit = Nfit::parse(&table).unwrap();
    let missing = Error::Missing("persistent range in the NFIT");
    assert_eq!(nfit.first_persistent_range(), Err(missing));
}

#[test]
fn another_table_is_refused() {
    assert_eq!(Nfit::parse(b"APIC").unwrap_err(), Error::Signature);
    assert_eq!(Nfit::parse(b"").unwrap_err(), Error::Signature);
}

#[test]
fn a_structure_of_no_length_ends_the_table() {
    for len in 0..4 {
        let mut table = QEMU.to_vec();
        table[RANGE + 2] = len;
        let all: Vec<_> = Nfit::parse(&table).unwrap().structures().collect();
        assert_eq!(all, [Err(Error::Length)]);
    }
}

#[test]
fn a_structure_too_short_for_its_fields_is_an_error() {
    let mut table = QEMU.to_vec();
    table[RANGE + 2] = 40;
    let found = Nfit::parse(&table).unwrap().first_persistent_range();
    assert_eq!(found, Err(Error::Truncated));
}

#[test]
fn any_truncation_is_an_error() {
    for len in 0..QEMU.len() {
        assert!(Nfit::parse(&QEMU[..len]).is_err(), "{len} bytes");
        let mut table = QEMU[..len].to_vec();
        if len >= 8 {
            table[4..8].copy_from_slice(&(len as u32).to_le_bytes());
        }
        // A table that says how short it is may end between structures, not inside one.
        if let Ok(nfit) = Nfit::parse(&table) {
            let sound = nfit.structures().all(|structure| structure.is_ok());
            assert_eq!(sound, [40, 96, 144, 224].contains(&len), "{len} bytes");
        }
    }
}

#[test]
fn any_changed_byte_is_survived() {
    for at in 0..QEMU.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut table = QEMU.to_vec();
            table[at] = value;
            if let Ok(nfit) = Nfit::parse(&table) {
                assert!(nfit.structures().count() <= QEMU.len() / 4);
                let _ = nfit.first_persistent_range();
            }
        }
    }
}
