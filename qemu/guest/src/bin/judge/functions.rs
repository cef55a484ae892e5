//! The functions under judgement. All follow the C ABI; an argument more than a function has does
//! no harm, so PMDK's copies get their flags.

unsafe extern "C" {
    pub fn kpmem_judge_persist(ptr: *const u8, len: usize);
    pub fn kpmem_judge_flush(ptr: *const u8, len: usize);
    pub fn kpmem_judge_drain();
    pub fn kpmem_judge_memcpy(to: *mut u8, from: *const u8, len: usize, flags: usize) -> *mut u8;
    pub fn kpmem_judge_memmove(to: *mut u8, from: *const u8, len: usize, flags: usize) -> *mut u8;
    pub fn kpmem_judge_memset(to: *mut u8, value: i32, len: usize, flags: usize) -> *mut u8;

    static kpmem_init_array_start: [extern "C" fn(); 0];
    static kpmem_init_array_end: [extern "C" fn(); 0];
}

/// Runs the constructors of what was linked.
pub fn construct() {
    let start: *const extern "C" fn() = (&raw const kpmem_init_array_start).cast();
    let end: *const extern "C" fn() = (&raw const kpmem_init_array_end).cast();
    // SAFETY: the link script puts the constructors between the two.
    let all = unsafe { core::slice::from_raw_parts(start, end.offset_from_unsigned(start)) };
    all.iter().for_each(|constructor| constructor());
}
