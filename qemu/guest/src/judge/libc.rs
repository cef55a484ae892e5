//! The few functions of a C library that flush and copy code is likely to call while it sets itself
//! up, for one thread without files and environment. Anything else is a stub.

use core::{
    ffi::{c_char, c_int, c_long, c_void},
    ptr::null_mut,
    sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering},
};

use kpmem_runtime::memory;

#[unsafe(no_mangle)]
extern "C" fn malloc(len: usize) -> *mut c_void {
    memory::allocate(len.max(1), 16).as_mut_ptr().cast()
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let len = count.checked_mul(size);
    len.map_or(null_mut(), |len| malloc(len))
}

/// What is freed is not used again.
#[unsafe(no_mangle)]
extern "C" fn free(_: *mut c_void) {}

#[unsafe(no_mangle)]
extern "C" fn posix_memalign(to: &mut *mut c_void, align: usize, len: usize) -> c_int {
    *to = memory::allocate(len.max(1), align).as_mut_ptr().cast();
    0
}

#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    panic!("abort was called")
}

#[unsafe(no_mangle)]
extern "C" fn __stack_chk_fail() -> ! {
    panic!("the stack was smashed")
}

#[unsafe(no_mangle)]
static __stack_chk_guard: usize = 0x5ca1_ab1e;

#[unsafe(no_mangle)]
extern "C" fn __errno_location() -> *mut c_int {
    static ERRNO: AtomicI32 = AtomicI32::new(0);
    ERRNO.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn getenv(_: *const c_char) -> *mut c_char {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn secure_getenv(_: *const c_char) -> *mut c_char {
    null_mut()
}

/// A page has 4,096 bytes, and there is one of all else.
#[unsafe(no_mangle)]
extern "C" fn sysconf(name: c_int) -> c_long {
    const PAGE_SIZE: c_int = 30;
    if name == PAGE_SIZE { 4096 } else { 1 }
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_once(control: &mut c_int, f: extern "C" fn()) -> c_int {
    if core::mem::replace(control, 1) == 0 {
        f();
    }
    0
}

const KEYS: usize = 64;
static VALUES: [AtomicPtr<c_void>; KEYS] = [const { AtomicPtr::new(null_mut()) }; KEYS];

#[unsafe(no_mangle)]
extern "C" fn pthread_key_create(key: &mut u32, _: *const c_void) -> c_int {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.load(Ordering::Relaxed);
    NEXT.store(next + 1, Ordering::Relaxed);
    assert!(next < KEYS, "too many keys");
    *key = next as u32;
    0
}

#[unsafe(no_mangle)]
extern "C" fn pthread_getspecific(key: u32) -> *mut c_void {
    VALUES[key as usize].load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
extern "C" fn pthread_setspecific(key: u32, value: *mut c_void) -> c_int {
    VALUES[key as usize].store(value, Ordering::Relaxed);
    0
}

/// Functions of one thread that have nothing to do: they succeed.
macro_rules! succeed {
    ($($name:ident)*) => {
        $(#[unsafe(no_mangle)] extern "C" fn $name() -> c_int { 0 })*
    };
}

succeed! {
    pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_trylock
    pthread_mutex_unlock pthread_rwlock_init pthread_rwlock_destroy pthread_rwlock_rdlock
    pthread_rwlock_wrlock pthread_rwlock_unlock pthread_mutexattr_init pthread_mutexattr_settype
    pthread_mutexattr_destroy pthread_key_delete pthread_atfork atexit __cxa_atexit
    __cxa_thread_atexit __gcov_init __gcov_exit __gcov_merge_add
    __cyg_profile_func_enter __cyg_profile_func_exit
}
