//! QEMU's loader script, over made-up files.

use kpmem_firmware::{Error, table_loader};

/// An entry of the loader script.
fn entry(command: u32, operands: &[&[u8]]) -> Vec<u8> {
    let mut entry = command.to_le_bytes().to_vec();
    operands.iter().for_each(|operand| entry.extend(*operand));
    entry.resize(128, 0);
    entry
}

fn name(text: &str) -> Vec<u8> {
    let mut name = text.as_bytes().to_vec();
    name.resize(56, 0);
    name
}

fn number(value: u32) -> [u8; 4] {
    value.to_le_bytes()
}

/// "etc/rsdp" is at 0x1000 and "etc/tables" at 0x2000.
fn load(script: &[u8]) -> (Result<u64, Error>, Vec<u8>) {
    let mut tables = vec![7; 64];
    tables[8..16].copy_from_slice(&16u64.to_le_bytes());
    let mut rsdp = [0; 36];
    let mut files = vec![
        ("etc/tables", 0x2000, &mut tables[..]),
        ("etc/rsdp", 0x1000, &mut rsdp[..]),
    ];
    let found = table_loader::run(script, "etc/rsdp", |name, align| {
        assert!(align.is_power_of_two());
        let at = files.iter().position(|file| file.0 == name)?;
        let (_, address, bytes) = files.swap_remove(at);
        Some((address, bytes))
    });
    (found, tables)
}

#[test]
fn the_loader_patches_pointers_and_sums() {
    let (rsdp, tables) = (name("etc/rsdp"), name("etc/tables"));
    let script = [
        entry(1, &[&tables, &number(64), &[1]]),
        entry(1, &[&rsdp, &number(16), &[2]]),
        entry(2, &[&tables, &tables, &number(8), &[8]]),
        entry(3, &[&tables, &number(20), &number(8), &number(24)]),
        entry(4, &[&rsdp, &tables, &number(0), &number(0), &[8]]),
    ]
    .concat();
    let (found, patched) = load(&script);
    assert_eq!(found, Ok(0x1000));
    assert_eq!(patched[8..16], 0x2010u64.to_le_bytes());
    assert_eq!(
        patched[8..32]
            .iter()
            .fold(0u8, |sum, byte| sum.wrapping_add(*byte)),
        0
    );
    assert_eq!((patched[7], patched[32]), (7, 7));
}

#[test]
fn a_script_that_does_not_fit_its_files_is_an_error() {
    let (rsdp, tables, none) = (name("etc/rsdp"), name("etc/tables"), name("etc/none"));
    let allocate = [
        entry(1, &[&tables, &number(64)]),
        entry(1, &[&rsdp, &number(16)]),
    ]
    .concat();
    for (bad, error) in [
        (entry(1, &[&none, &number(64)]), Error::Missing("such file")),
        (
            entry(2, &[&none, &tables, &number(8), &[8]]),
            Error::Missing("such file"),
        ),
        (
            entry(2, &[&tables, &none, &number(8), &[8]]),
            Error::Missing("such file"),
        ),
        (
            entry(2, &[&tables, &tables, &number(57), &[8]]),
            Error::Truncated,
        ),
        (
            entry(2, &[&tables, &tables, &number(u32::MAX), &[8]]),
            Error::Truncated,
        ),
        (
            entry(2, &[&tables, &tables, &number(0), &[9]]),
            Error::Truncated,
        ),
        (
            entry(3, &[&tables, &number(64), &number(0), &number(64)]),
            Error::Truncated,
        ),
        (
            entry(3, &[&tables, &number(0), &number(1), &number(64)]),
            Error::Truncated,
        ),
        (
            entry(
                3,
                &[&tables, &number(0), &number(u32::MAX), &number(u32::MAX)],
            ),
            Error::Truncated,
        ),
    ] {
        assert_eq!(load(&[allocate.clone(), bad].concat()).0, Err(error));
    }
    assert_eq!(load(&[]).0, Err(Error::Missing("such file")));
    assert_eq!(load(&allocate[..200]).0, Err(Error::Missing("such file")));
}
