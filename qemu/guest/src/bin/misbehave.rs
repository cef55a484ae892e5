//! Everything that a harness must notice: each of these is a failure, and none may look like success.
//!
//! Parameter: `how`, one of `panic`, `load`, `jump`, `undefined`, `overflow`, `hang`, `exit`.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::black_box;
use kpmem_guest::{Machine, exit, print};

kpmem_guest::entry!(kernel);

const UNMAPPED: usize = 0x10_0000_0000;

fn kernel(machine: &Machine) {
    print!("in the middle of a line ");
    match machine.args.get("how") {
        Some("panic") => panic!("on purpose"),
        // SAFETY: none; a trap is what is wanted, here and below.
        Some("load") => unsafe {
            (UNMAPPED as *const u8).read_volatile();
        },
        // SAFETY: none.
        Some("jump") => unsafe { core::mem::transmute::<usize, fn()>(UNMAPPED)() },
        Some("undefined") => undefined(),
        Some("overflow") => drop(black_box(overflow(&[0; 100]))),
        Some("hang") => loop {
            core::hint::spin_loop();
        },
        Some("exit") => exit(1),
        how => panic!("how={how:?}"),
    }
}

fn undefined() {
    // SAFETY: none.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!("ud2");
    }
    // SAFETY: none.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("udf #0");
    }
    // SAFETY: none.
    #[cfg(target_arch = "riscv64")]
    unsafe {
        core::arch::asm!("unimp");
    }
}

#[allow(unconditional_recursion)]
fn overflow(frame: &[usize; 100]) -> usize {
    let next = [frame[0] + 1; 100];
    overflow(black_box(&next)) + next[1]
}
