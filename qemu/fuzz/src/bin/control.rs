//! The negative control: a fuzzer that does not find this follows no branches.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let [b'k', b'p', b'm', b'e', b'm', ..] = bytes {
        panic!("found");
    }
});
