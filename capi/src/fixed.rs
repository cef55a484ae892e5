//! Functions whose instruction is settled when this is compiled: they call nothing through a
//! pointer, and take no function's address.

use core::ffi::{c_int, c_void};

use kpmem::{Byte, Dispatch, Fixed, Flags, Lines, Primitives, arch};

use crate::functions::{
    kpmem_drain_fn, kpmem_flush_fn, kpmem_memmove_fn, kpmem_memset_fn, kpmem_persist_fn,
};

/// The functions of some primitives under names of C's. A header that declares another type for
/// one is found out by the types of its table, which it must have.
macro_rules! fixed {
    (
        $primitives:ty: $persist:ident, $flush:ident, $drain:ident, $memmove:ident, $memset:ident
        $(, $invalidate:ident)?
    ) => {
        #[doc = concat!("Persist of `", stringify!($primitives), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $persist(ptr: *const c_void, len: usize) {
            // SAFETY: the caller vouches for the range and the instruction.
            unsafe { <$primitives>::persist(ptr.cast(), len) }
        }

        #[doc = concat!("Flush of `", stringify!($primitives), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $flush(ptr: *const c_void, len: usize) {
            // SAFETY: the caller vouches for the range and the instruction.
            unsafe { <$primitives>::flush(ptr.cast(), len) }
        }

        #[doc = concat!("Drain of `", stringify!($primitives), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $drain() {
            <$primitives>::drain();
        }

        #[doc = concat!("Copy of `", stringify!($primitives), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $memmove(
            dest: *mut c_void,
            src: *const c_void,
            len: usize,
            flags: u32,
        ) -> *mut c_void {
            let (fixed, flags) = (Fixed::<$primitives>::new(), Flags::from_bits_retain(flags));
            // SAFETY: the caller vouches for both ranges and the instruction. No error is possible.
            let _ = unsafe { fixed.memmove(dest.cast(), src.cast(), len, flags) };
            dest
        }

        #[doc = concat!("Fill of `", stringify!($primitives), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $memset(
            dest: *mut c_void,
            c: c_int,
            len: usize,
            flags: u32,
        ) -> *mut c_void {
            let (fixed, flags) = (Fixed::<$primitives>::new(), Flags::from_bits_retain(flags));
            let [byte, ..] = c.to_le_bytes();
            // SAFETY: as above.
            let _ = unsafe { fixed.memset(dest.cast(), byte, len, flags) };
            dest
        }

        $(
            #[doc = concat!("Write back and invalidate of `", stringify!($primitives), "`.")]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $invalidate(ptr: *const c_void, len: usize) {
                // SAFETY: the caller vouches for the range and the instruction.
                unsafe { <$primitives>::writeback_invalidate(ptr.cast(), len) }
            }

            const _: kpmem_persist_fn = Some($invalidate);
        )?
        const _: (kpmem_persist_fn, kpmem_flush_fn) = (Some($persist), Some($flush));
        const _: kpmem_drain_fn = Some($drain);
        const _: (kpmem_memmove_fn, kpmem_memset_fn) = (Some($memmove), Some($memset));
    };
}

fixed!(
    Byte<arch::ByteCopies>: kpmem_byte_persist, kpmem_byte_flush, kpmem_byte_drain, kpmem_byte_memmove,
    kpmem_byte_memset
);
#[cfg(target_arch = "x86_64")]
fixed!(
    Lines<arch::Clwb, 64>: kpmem_clwb_persist, kpmem_clwb_flush, kpmem_clwb_drain,
    kpmem_clwb_memmove, kpmem_clwb_memset, kpmem_clwb_writeback_invalidate
);
#[cfg(target_arch = "x86_64")]
fixed!(
    Lines<arch::Clflushopt, 64>: kpmem_clflushopt_persist, kpmem_clflushopt_flush,
    kpmem_clflushopt_drain, kpmem_clflushopt_memmove, kpmem_clflushopt_memset,
    kpmem_clflushopt_writeback_invalidate
);
#[cfg(target_arch = "x86_64")]
fixed!(
    Lines<arch::Clflush, 64>: kpmem_clflush_persist, kpmem_clflush_flush, kpmem_clflush_drain,
    kpmem_clflush_memmove, kpmem_clflush_memset, kpmem_clflush_writeback_invalidate
);
#[cfg(target_arch = "aarch64")]
fixed!(
    Lines<arch::Cvap, 64>: kpmem_cvap64_persist, kpmem_cvap64_flush, kpmem_cvap64_drain,
    kpmem_cvap64_memmove, kpmem_cvap64_memset, kpmem_cvap64_writeback_invalidate
);
#[cfg(target_arch = "aarch64")]
fixed!(
    Lines<arch::Cvac, 64>: kpmem_cvac64_persist, kpmem_cvac64_flush, kpmem_cvac64_drain,
    kpmem_cvac64_memmove, kpmem_cvac64_memset, kpmem_cvac64_writeback_invalidate
);
#[cfg(target_arch = "riscv64")]
fixed!(
    Lines<arch::CboClean, 64>: kpmem_zicbom64_persist, kpmem_zicbom64_flush, kpmem_zicbom64_drain,
    kpmem_zicbom64_memmove, kpmem_zicbom64_memset, kpmem_zicbom64_writeback_invalidate
);
