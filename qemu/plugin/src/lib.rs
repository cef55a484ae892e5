//! The crash simulator: a TCG plugin that keeps the cache which QEMU lacks.
//!
//! QEMU writes every store through to the memory's file, so a missing flush changes nothing there.
//! This plugin watches the stores, flushes and barriers of a kernel, keeps in a model
//! (`kpmem-model`) what a power cut could lose, checks what the kernel claims to be durable, and
//! puts each possible crash image in memory for the kernel's own recovery to judge. The kernel says
//! where it stands by marks (`kpmem-marks`).
//!
//! It is a thin shell: `hooks` turns QEMU's callbacks into events, `session` decides what they
//! mean, the rest are its parts.

mod describe;
mod exploration;
mod failed;
mod group;
mod guest;
mod hooks;
mod kept;
mod memory;
mod nested;
mod observed;
mod operands;
mod options;
mod pages;
mod points;
mod report;
mod said;
mod schedule;
mod session;
mod site;
mod status;
mod timeline;
mod trace;
mod tracing;
mod translate;
mod waiting;
mod watch;

use std::ffi::{CStr, c_char, c_int};

use options::Options;
use qemu_plugin_sys as qemu;
use session::Session;

/// The interface version that QEMU checks: 4 is QEMU 9.2.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = 4;

/// QEMU calls this when it loads the plugin; anything but 0 ends QEMU.
///
/// # Safety
/// Only QEMU may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: qemu::qemu_plugin_id_t,
    info: *const qemu::qemu_info_t,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: QEMU passes a valid description of itself, and `argc` strings.
    let (target, words) = unsafe {
        let target = CStr::from_ptr((*info).target_name).to_string_lossy();
        let words = (0..argc as usize).map(|i| CStr::from_ptr(*argv.add(i)));
        let words: Vec<_> = words.map(|w| w.to_string_lossy().into_owned()).collect();
        (target.into_owned(), words)
    };
    match Options::parse(&target, &words).and_then(Session::new) {
        Ok(session) => {
            // SAFETY: this is the one installation, and `id` is QEMU's.
            unsafe { hooks::register(id, session) };
            0
        }
        Err(error) => {
            eprintln!("crash simulator: {error}");
            1
        }
    }
}
