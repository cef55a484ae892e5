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

    // Where relocations are that only the program itself can do, and how many bytes of them.
    static kpmem_relocations: Left;
}

/// Relocations that are left.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Left {
    start: *const Rela,
    len: usize,
}

/// A relocation (System V ABI, "Relocation"). All that are left are of the kind `IRELATIVE`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Rela {
    at: *mut usize,
    _info: u64,
    resolver: extern "C" fn() -> usize,
}

/// Asks indirect functions (`ifunc`) which they are, as a C library does at the start.
pub fn resolve() {
    // SAFETY: the link script puts both there.
    let Left { start, len } = unsafe { (&raw const kpmem_relocations).read_volatile() };
    if len == 0 {
        return;
    }
    // SAFETY: the linker puts such relocations there, and nothing else.
    let all = unsafe { core::slice::from_raw_parts(start, len / size_of::<Rela>()) };
    for rela in all {
        // SAFETY: the linker made it an entry of the GOT.
        unsafe { rela.at.write((rela.resolver)()) };
    }
}

/// Runs the constructors of what was linked.
pub fn construct() {
    let start: *const extern "C" fn() = (&raw const kpmem_init_array_start).cast();
    let end: *const extern "C" fn() = (&raw const kpmem_init_array_end).cast();
    // SAFETY: the link script puts the constructors between the two.
    let all = unsafe { core::slice::from_raw_parts(start, end.offset_from_unsigned(start)) };
    all.iter().for_each(|constructor| constructor());
}
