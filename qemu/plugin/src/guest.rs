//! Reading the guest: registers by name, memory by virtual address.

use std::{
    collections::HashMap,
    ffi::{CStr, c_void},
    sync::OnceLock,
};

use qemu_plugin_sys::{
    GArray, GByteArray, qemu_plugin_get_registers, qemu_plugin_read_memory_vaddr,
    qemu_plugin_read_register, qemu_plugin_reg_descriptor, qemu_plugin_register,
};

// GLib is part of every QEMU, which resolves these when it loads the plugin.
unsafe extern "C" {
    fn g_byte_array_new() -> *mut GByteArray;
    fn g_byte_array_set_size(array: *mut GByteArray, length: u32) -> *mut GByteArray;
    fn g_array_free(array: *mut GArray, free_segment: i32) -> *mut c_void;
}

static HANDLES: OnceLock<HashMap<String, usize>> = OnceLock::new();

/// Learns the names. All CPUs of a machine have the same.
///
/// # Safety
/// Only from a vCPU initialisation callback.
pub unsafe fn learn() {
    HANDLES.get_or_init(|| {
        // SAFETY: as the caller vouches; QEMU hands over an array of descriptors, which is freed
        // once and whose strings live on.
        unsafe {
            let array = qemu_plugin_get_registers();
            let first = (*array).data.cast::<qemu_plugin_reg_descriptor>();
            let all = std::slice::from_raw_parts(first, (*array).len as usize);
            let name = |d: &qemu_plugin_reg_descriptor| CStr::from_ptr(d.name).to_string_lossy();
            let handles = all
                .iter()
                .map(|d| (name(d).into_owned(), d.handle as usize));
            let handles = handles.collect();
            g_array_free(array, 1);
            handles
        }
    });
}

/// A register of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register(usize);

impl Register {
    /// The register of this name, as QEMU's gdb stub calls it.
    pub fn named(name: &str) -> Option<Self> {
        HANDLES.get()?.get(name).copied().map(Self)
    }

    /// Its value.
    ///
    /// # Safety
    /// Only from a callback that was registered to read registers.
    pub unsafe fn read(self) -> u64 {
        read(|buffer| {
            // SAFETY: the handle is QEMU's own; the caller vouches for the callback.
            unsafe { qemu_plugin_read_register(self.0 as *mut qemu_plugin_register, buffer) };
        })
        .map_or(0, u64::from_le_bytes)
    }
}

/// The byte at a virtual address as the vCPU of this callback sees it; `None` if nothing is mapped
/// there.
///
/// # Safety
/// Only from a vCPU's callback.
pub unsafe fn byte(address: u64) -> Option<u8> {
    let mut mapped = false;
    let value = read(|buffer| {
        // SAFETY: the buffer is GLib's; the caller vouches for the callback.
        mapped = unsafe { qemu_plugin_read_memory_vaddr(address, buffer, 1) };
    });
    value.filter(|_| mapped).map(|bytes| bytes[0])
}

/// What QEMU puts in a buffer, cut or filled up to eight bytes; `None` if it put nothing there.
fn read(fill: impl FnOnce(*mut GByteArray)) -> Option<[u8; 8]> {
    thread_local! {
        // SAFETY: GLib is there, and the array is never freed.
        static BUFFER: *mut GByteArray = unsafe { g_byte_array_new() };
    }
    BUFFER.with(|&buffer| {
        // SAFETY: the buffer is this thread's alone.
        let bytes = unsafe {
            g_byte_array_set_size(buffer, 0);
            fill(buffer);
            if (*buffer).len == 0 {
                return None;
            }
            std::slice::from_raw_parts((*buffer).data, (*buffer).len as usize)
        };
        let mut value = [0; 8];
        let len = bytes.len().min(8);
        value[..len].copy_from_slice(&bytes[..len]);
        Some(value)
    })
}
