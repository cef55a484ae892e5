#![no_main]
#![allow(dead_code, reason = "the tests use the rest")]

#[path = "../../../../tests/virtio/driver.rs"]
mod driver;
#[path = "../../../../tests/virtio/fakes.rs"]
mod fakes;
#[path = "../../../../tests/virtio/model.rs"]
mod model;
#[path = "../../../../tests/virtio/trial.rs"]
mod trial;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    trial::fuzz(bytes);
});
