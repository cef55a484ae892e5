//! Host harness.
fn main() {}
