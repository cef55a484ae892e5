//! A suite that misbehaves, to see whether the harness notices.
//!
//! Parameter `mode`: `hang`, `trap`, `silent` (ends well without the closing line), `miscount` (claims more
//! than it did), `garble` (half a line).
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem_guest::{Machine, println};

kpmem_guest::entry!(kernel);

fn kernel(machine: &Machine) {
    println!("test the_first_case ... ok");
    let mode = machine.args.get("mode").unwrap_or_default();
    let claimed = match mode {
        "hang" => loop {
            core::hint::spin_loop();
        },
        "trap" => undefined_instruction(),
        "silent" => return,
        "miscount" => 2,
        "garble" => {
            println!("test the_second_case ... o");
            1
        }
        _ => panic!("mode={mode}: not one of hang, trap, silent, miscount, garble"),
    };
    println!("{claimed} passed, 0 failed, 0 skipped");
}

fn undefined_instruction() -> ! {
    // SAFETY: each architecture reserves this encoding to trap; nothing runs behind it.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!("ud2", options(noreturn))
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("udf #0", options(noreturn))
    }
    // SAFETY: as above.
    #[cfg(target_arch = "riscv64")]
    unsafe {
        core::arch::asm!("unimp", options(noreturn))
    }
}
