//! What is and isn't ordered, and what is and isn't lost.

use core::sync::atomic::{AtomicU64, Ordering};

use kpmem_marks::{begin, end};

use crate::Case;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::memory::Memory;

const ONES: u64 = u64::MAX;

pub const CASES: &[Case] = &[
    // Right.
    ("same-bytes-again", |memory| {
        begin(1);
        memory.store(0, ONES);
        memory.persist(memory.at(0), 8);
        memory.store(0, ONES);
        memory.claim(0, 8);
        end();
    }),
    ("failed-compare-and-swap", |memory| {
        memory.store(0, 5);
        begin(1);
        // SAFETY: an aligned word of the NVDIMM, which nobody else uses.
        let word = unsafe { AtomicU64::from_ptr(memory.at(0).cast()) };
        let swapped = word.compare_exchange(6, 7, Ordering::SeqCst, Ordering::SeqCst);
        assert_eq!(swapped, Err(5));
        memory.claim(0, 8);
        end();
    }),
    // Wrong: what was there between the two may come back.
    ("there-and-back", |memory| {
        begin(1);
        memory.store(0, ONES);
        memory.store(0, 0);
        memory.claim(0, 8);
        end();
    }),
    // A word and the word behind it that commits it, in one line.
    #[cfg(target_arch = "x86_64")]
    ("commit-by-string", |memory| committed(memory, by_string)),
    #[cfg(target_arch = "x86_64")]
    ("commit-by-words", |memory| committed(memory, by_words)),
    #[cfg(target_arch = "aarch64")]
    ("commit-after-swpal", |memory| committed(memory, by_swpal)),
    #[cfg(target_arch = "aarch64")]
    ("commit-after-swp", |memory| committed(memory, by_swp)),
];

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn committed(memory: &Memory, store: fn(*mut u64)) {
    if !memory.rebooted {
        begin(1);
        store(memory.at(0).cast());
        memory.persist(memory.at(0), 64);
        memory.claim(0, 16);
        end();
    }
    memory.recover(|memory| u64::from(memory.load(8) == 1 && memory.load(0) != 1));
}

#[cfg(target_arch = "x86_64")]
fn by_string(to: *mut u64) {
    let from = [1_u64, 1];
    // SAFETY: two words of the NVDIMM, and two of the stack.
    unsafe {
        core::arch::asm!(
            "rep movsq",
            inout("rcx") 2_u64 => _,
            inout("rsi") from.as_ptr() => _,
            inout("rdi") to => _,
            options(nostack),
        );
    }
}

#[cfg(target_arch = "x86_64")]
fn by_words(to: *mut u64) {
    // SAFETY: two words of the NVDIMM.
    unsafe {
        to.write_volatile(1);
        to.wrapping_add(1).write_volatile(1);
    }
}

#[cfg(target_arch = "aarch64")]
fn by_swpal(to: *mut u64) {
    // SAFETY: two words of the NVDIMM.
    unsafe {
        core::arch::asm!(
            ".arch_extension lse",
            "swpal {one}, {old}, [{to}]",
            "str {one}, [{to}, #8]",
            one = in(reg) 1_u64,
            old = out(reg) _,
            to = in(reg) to,
            options(nostack),
        );
    }
}

#[cfg(target_arch = "aarch64")]
fn by_swp(to: *mut u64) {
    // SAFETY: two words of the NVDIMM.
    unsafe {
        core::arch::asm!(
            ".arch_extension lse",
            "swpa {one}, {old}, [{to}]",
            "str {one}, [{to}, #8]",
            one = in(reg) 1_u64,
            old = out(reg) _,
            to = in(reg) to,
            options(nostack),
        );
    }
}
