#![no_main]

#[path = "../../../../tests/firmware/ask.rs"]
#[allow(dead_code, reason = "each target asks for one table")]
mod ask;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ask::find(&kpmem_fuzz::memory(bytes));
});
