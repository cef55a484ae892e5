//! What compilers call without being asked, from their own libraries or from a kernel: checked
//! copies, atomic operations, hooks for tracing and against speculation.

use core::ffi::c_void;

unsafe extern "C" {
    fn memcpy(to: *mut c_void, from: *const c_void, len: usize) -> *mut c_void;
    fn memmove(to: *mut c_void, from: *const c_void, len: usize) -> *mut c_void;
    fn memset(to: *mut c_void, value: i32, len: usize) -> *mut c_void;
}

/// Of `-D_FORTIFY_SOURCE`: the same with the room that there is.
macro_rules! checked {
    ($($checked:ident: $plain:ident($second:ty);)*) => {
        $(
            /// # Safety
            /// As in C.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $checked(
                to: *mut c_void, second: $second, len: usize, room: usize,
            ) -> *mut c_void {
                assert!(len <= room, "{} overflows", stringify!($checked));
                // SAFETY: the caller vouches for both.
                unsafe { $plain(to, second, len) }
            }
        )*
    };
}

checked! {
    __memcpy_chk: memcpy(*const c_void);
    __memmove_chk: memmove(*const c_void);
    __memset_chk: memset(i32);
}

// Of `-pg`, and of Linux's `-mfentry` and retpolines: what they do where nothing is traced, and no
// speculation is feared. They change no register.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".globl mcount, _mcount, __fentry__, __x86_return_thunk",
    "mcount: _mcount: __fentry__: __x86_return_thunk: ret",
    ".irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15",
    ".globl __x86_indirect_thunk_\\name, __llvm_retpoline_\\name",
    "__x86_indirect_thunk_\\name: __llvm_retpoline_\\name: jmp \\name",
    ".endr",
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(".globl _mcount", "_mcount: ret");

#[cfg(target_arch = "riscv64")]
core::arch::global_asm!(".globl _mcount", "_mcount: ret");

/// Of `-moutline-atomics`, which Linux compilers take by default. All are in order, which is more
/// than most ask for.
#[cfg(target_arch = "aarch64")]
mod outline {
    use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};

    macro_rules! operations {
        ($($atomic:ident $int:ident: $($name:ident $method:ident)*;)*) => {
            $($(
                #[unsafe(no_mangle)]
                extern "C" fn $name(value: $int, at: &$atomic) -> $int {
                    at.$method(value, SeqCst)
                }
            )*)*
        };
    }

    macro_rules! exchanges {
        ($($atomic:ident $int:ident: $($name:ident)*;)*) => {
            $($(
                #[unsafe(no_mangle)]
                extern "C" fn $name(expected: $int, new: $int, at: &$atomic) -> $int {
                    at.compare_exchange(expected, new, SeqCst, SeqCst).unwrap_or_else(|is| is)
                }
            )*)*
        };
    }

    /// Bits that are set are cleared.
    macro_rules! clears {
        ($($atomic:ident $int:ident: $($name:ident)*;)*) => {
            $($(
                #[unsafe(no_mangle)]
                extern "C" fn $name(bits: $int, at: &$atomic) -> $int {
                    at.fetch_and(!bits, SeqCst)
                }
            )*)*
        };
    }

    operations! {
        AtomicU8 u8:
            __aarch64_swp1_relax swap __aarch64_swp1_acq swap __aarch64_swp1_rel swap __aarch64_swp1_acq_rel swap
            __aarch64_ldadd1_relax fetch_add __aarch64_ldadd1_acq fetch_add __aarch64_ldadd1_rel fetch_add __aarch64_ldadd1_acq_rel fetch_add
            __aarch64_ldeor1_relax fetch_xor __aarch64_ldeor1_acq fetch_xor __aarch64_ldeor1_rel fetch_xor __aarch64_ldeor1_acq_rel fetch_xor
            __aarch64_ldset1_relax fetch_or __aarch64_ldset1_acq fetch_or __aarch64_ldset1_rel fetch_or __aarch64_ldset1_acq_rel fetch_or;
        AtomicU16 u16:
            __aarch64_swp2_relax swap __aarch64_swp2_acq swap __aarch64_swp2_rel swap __aarch64_swp2_acq_rel swap
            __aarch64_ldadd2_relax fetch_add __aarch64_ldadd2_acq fetch_add __aarch64_ldadd2_rel fetch_add __aarch64_ldadd2_acq_rel fetch_add
            __aarch64_ldeor2_relax fetch_xor __aarch64_ldeor2_acq fetch_xor __aarch64_ldeor2_rel fetch_xor __aarch64_ldeor2_acq_rel fetch_xor
            __aarch64_ldset2_relax fetch_or __aarch64_ldset2_acq fetch_or __aarch64_ldset2_rel fetch_or __aarch64_ldset2_acq_rel fetch_or;
        AtomicU32 u32:
            __aarch64_swp4_relax swap __aarch64_swp4_acq swap __aarch64_swp4_rel swap __aarch64_swp4_acq_rel swap
            __aarch64_ldadd4_relax fetch_add __aarch64_ldadd4_acq fetch_add __aarch64_ldadd4_rel fetch_add __aarch64_ldadd4_acq_rel fetch_add
            __aarch64_ldeor4_relax fetch_xor __aarch64_ldeor4_acq fetch_xor __aarch64_ldeor4_rel fetch_xor __aarch64_ldeor4_acq_rel fetch_xor
            __aarch64_ldset4_relax fetch_or __aarch64_ldset4_acq fetch_or __aarch64_ldset4_rel fetch_or __aarch64_ldset4_acq_rel fetch_or;
        AtomicU64 u64:
            __aarch64_swp8_relax swap __aarch64_swp8_acq swap __aarch64_swp8_rel swap __aarch64_swp8_acq_rel swap
            __aarch64_ldadd8_relax fetch_add __aarch64_ldadd8_acq fetch_add __aarch64_ldadd8_rel fetch_add __aarch64_ldadd8_acq_rel fetch_add
            __aarch64_ldeor8_relax fetch_xor __aarch64_ldeor8_acq fetch_xor __aarch64_ldeor8_rel fetch_xor __aarch64_ldeor8_acq_rel fetch_xor
            __aarch64_ldset8_relax fetch_or __aarch64_ldset8_acq fetch_or __aarch64_ldset8_rel fetch_or __aarch64_ldset8_acq_rel fetch_or;
    }

    exchanges! {
        AtomicU8 u8: __aarch64_cas1_relax __aarch64_cas1_acq __aarch64_cas1_rel __aarch64_cas1_acq_rel;
        AtomicU16 u16: __aarch64_cas2_relax __aarch64_cas2_acq __aarch64_cas2_rel __aarch64_cas2_acq_rel;
        AtomicU32 u32: __aarch64_cas4_relax __aarch64_cas4_acq __aarch64_cas4_rel __aarch64_cas4_acq_rel;
        AtomicU64 u64: __aarch64_cas8_relax __aarch64_cas8_acq __aarch64_cas8_rel __aarch64_cas8_acq_rel;
    }

    clears! {
        AtomicU8 u8: __aarch64_ldclr1_relax __aarch64_ldclr1_acq __aarch64_ldclr1_rel __aarch64_ldclr1_acq_rel;
        AtomicU16 u16: __aarch64_ldclr2_relax __aarch64_ldclr2_acq __aarch64_ldclr2_rel __aarch64_ldclr2_acq_rel;
        AtomicU32 u32: __aarch64_ldclr4_relax __aarch64_ldclr4_acq __aarch64_ldclr4_rel __aarch64_ldclr4_acq_rel;
        AtomicU64 u64: __aarch64_ldclr8_relax __aarch64_ldclr8_acq __aarch64_ldclr8_rel __aarch64_ldclr8_acq_rel;
    }
}
