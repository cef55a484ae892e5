//! This test's own program, as it is and with changes.

use super::*;
use std::env;

/// It needs the C library, by this name.
const LIBRARY: &[u8] = b"libc.so.6\0";

fn own() -> Vec<u8> {
    fs::read(env::current_exe().unwrap()).unwrap()
}

fn with(bytes: Vec<u8>, host: bool) -> (Tree, Result<()>) {
    let mut guest = Tree::default();
    guest.add("files/own", Node::Bytes(bytes));
    let arch = Arch::host().unwrap();
    let result = Libraries { arch, host }.bring(&mut guest, "files/own", None);
    (guest, result)
}

#[test]
fn the_libraries_of_this_machine_do_for_a_program_of_it() {
    let (guest, result) = with(own(), true);
    result.unwrap();
    let needs = needs(&own(), "own", Arch::host().unwrap()).unwrap();
    assert!(needs.libraries.contains(&"libc.so.6".to_owned()));
    let loader = needs.loader.unwrap();
    assert!(guest.resolve(&loader).is_some(), "{loader} is not there");
}

#[test]
fn they_are_not_taken_if_they_may_not() {
    let (guest, result) = with(own(), false);
    assert!(
        result
            .unwrap_err()
            .to_string()
            .contains("/files/own needs ")
    );
    assert_eq!(guest.iter().count(), 1);
}

#[test]
fn a_library_that_is_nowhere_is_named() {
    let mut bytes = own();
    let places = bytes.windows(LIBRARY.len()).enumerate();
    let places: Vec<_> = places.filter(|(_, it)| *it == LIBRARY).collect();
    let places: Vec<_> = places.into_iter().map(|(at, _)| at).collect();
    for at in places {
        bytes[at + 3] = b'Q';
    }
    let error = with(bytes, true).1.unwrap_err().to_string();
    assert!(
        error.contains("/files/own needs libQ.so.6, which is in no package"),
        "{error}"
    );
}

#[test]
fn another_instruction_set_is_told() {
    let host = Arch::host().unwrap();
    let other = Arch::ALL.into_iter().find(|it| *it != host).unwrap();
    let error = needs(&own(), "own", other).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("own is for {host}, and the guest is {other}")
    );
}

#[test]
fn half_a_file_is_told() {
    let bytes = own();
    let error = needs(&bytes[..100], "own", Arch::host().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "own is not a whole 64-bit ELF file");
}
