//! What C++ needs of its library without asking for it (Itanium C++ ABI): memory, static variables
//! that are set at first use, virtual functions that nobody has written. Exceptions are stubs.

use core::ffi::c_void;

use kpmem_runtime::memory;

fn new(len: usize, align: usize) -> *mut c_void {
    memory::allocate(len.max(1), align.max(16))
        .as_mut_ptr()
        .cast()
}

/// `operator new(size_t)` and `new[]`, plain, not throwing, and aligned.
macro_rules! new {
    ($($name:ident($($align:ident)?);)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name(len: usize $(, $align: usize)?) -> *mut c_void {
                new(len, 16 $(.max($align))?)
            }
        )*
    };
}

new! {
    _Znwm();
    _Znam();
    _ZnwmRKSt9nothrow_t();
    _ZnamRKSt9nothrow_t();
    _ZnwmSt11align_val_t(align);
    _ZnamSt11align_val_t(align);
}

/// `operator delete` and `delete[]`: what is deleted is not used again.
macro_rules! delete {
    ($($name:ident)*) => { $(#[unsafe(no_mangle)] extern "C" fn $name(_: *mut c_void) {})* };
}

delete! {
    _ZdlPv _ZdaPv _ZdlPvm _ZdaPvm _ZdlPvSt11align_val_t _ZdaPvSt11align_val_t
    _ZdlPvmSt11align_val_t _ZdaPvmSt11align_val_t
}

/// 1 if the variable has to be set: the first byte of its guard says that it is.
#[unsafe(no_mangle)]
extern "C" fn __cxa_guard_acquire(guard: &u64) -> i32 {
    i32::from(guard.to_le_bytes()[0] == 0)
}

#[unsafe(no_mangle)]
extern "C" fn __cxa_guard_release(guard: &mut u64) {
    *guard |= 1;
}

#[unsafe(no_mangle)]
extern "C" fn __cxa_pure_virtual() -> ! {
    panic!("a pure virtual function was called")
}

/// Whose destructors to run; none are.
#[unsafe(no_mangle)]
static __dso_handle: usize = 0;
