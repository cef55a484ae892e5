#![no_main]
#![allow(dead_code, reason = "the tests use the rest")]

#[path = "../../../../vmm/tests/vmm/choices.rs"]
mod choices;
#[path = "../../../../vmm/tests/vmm/model.rs"]
mod model;
#[path = "../../../../vmm/tests/vmm/trial.rs"]
mod trial;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    trial::run(bytes, false);
});
