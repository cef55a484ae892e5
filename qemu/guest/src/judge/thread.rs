//! The one thread's own data, and what compiled code finds behind its pointer (ELF Handling For
//! Thread-Local Storage, and the psABI of each instruction set): on x86 also the stack protector's
//! canary.

use core::{ptr, slice};

const SIZE: usize = 64 << 10;

#[repr(align(4096))]
struct Area([u8; SIZE]);

static mut AREA: Area = Area([0; SIZE]);

/// What the link script knows of the data.
#[repr(C)]
#[derive(Clone, Copy)]
struct Data {
    start: *const u8,
    /// Bytes that have a content, and with those that are zero.
    filled: usize,
    size: usize,
    align: usize,
}

unsafe extern "C" {
    static kpmem_tls: Data;
}

/// What the thread's register must hold, from now on with the data beside it.
pub fn pointer() -> u64 {
    // SAFETY: the script puts it there.
    let Data {
        start: content,
        filled,
        size,
        align,
    } = unsafe { (&raw const kpmem_tls).read_volatile() };
    let align = align.max(1);
    assert!(
        size <= SIZE / 4,
        "{size} bytes of thread-local data are too many"
    );
    let pointer = (&raw mut AREA).cast::<u8>().wrapping_add(SIZE / 2);
    // The area is as aligned as a page.
    let start = if cfg!(target_arch = "x86_64") {
        pointer.wrapping_sub(size.next_multiple_of(align))
    } else if cfg!(target_arch = "aarch64") {
        pointer.wrapping_add(16_usize.next_multiple_of(align))
    } else {
        pointer
    };
    // SAFETY: the script says where the content is; the area is this function's alone, which runs
    // once.
    unsafe {
        slice::from_raw_parts_mut(start, filled)
            .copy_from_slice(slice::from_raw_parts(content, filled));
        if cfg!(target_arch = "x86_64") {
            // The pointer points to itself.
            ptr::write(pointer.cast(), pointer);
        }
    }
    pointer.expose_provenance() as u64
}

/// Where a library's variable is, for code that is compiled for one (`-fPIC`): the linker fills the
/// two words in.
#[cfg(target_arch = "riscv64")]
#[unsafe(no_mangle)]
extern "C" fn __tls_get_addr(index: &[usize; 2]) -> *mut u8 {
    // The psABI, "Thread Local Storage": offsets of variables are counted from 0x800 on.
    let pointer = (&raw mut AREA).cast::<u8>().wrapping_add(SIZE / 2);
    pointer.wrapping_add(index[1]).wrapping_add(0x800)
}
