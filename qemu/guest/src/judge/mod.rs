//! Calls flush and copy functions that somebody else wrote, on every offset and length that can
//! make a difference and then at random, and claims what they promise.
//!
//! `cargo xtask judge` links them under the names in `functions`, and knows a call again by the
//! number of its claim.
//!
//! Parameters: `what` (persist, flush, memcpy, memmove, memset), `drain` (1: call it after what
//! alone does not wait), `returns` (1: copies return their destination), `line`, `seed`, `step`.

#[cfg(target_os = "none")]
mod compiler;
mod copies;
#[cfg(target_os = "none")]
mod cxx;
mod functions;
#[cfg(target_os = "none")]
mod libc;
mod place;
mod ranges;
mod registers;
mod source;
mod stubs;
#[cfg(target_os = "none")]
mod thread;

use kpmem_runtime::Machine;
use place::Place;

/// Calls what `what` says.
pub fn kernel(machine: &Machine) {
    registers::prepare();
    functions::resolve();
    functions::construct();
    let place = Place::new(machine);
    match machine.args.get("what") {
        Some("persist") => ranges::run(&place, false),
        Some("flush") => ranges::run(&place, true),
        Some("memcpy") => copies::run(&place, copies::Kind::Copy),
        Some("memmove") => copies::run(&place, copies::Kind::Move),
        Some("memset") => copies::run(&place, copies::Kind::Set),
        other => panic!("what={other:?} is not known"),
    }
}
