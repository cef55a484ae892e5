//! A suite that misbehaves, to see whether the harness notices.
//!
//! Parameter `mode`: `hang`, `trap` (an undefined instruction), `fault` (a load where nothing is
//! mapped), `overflow` (of the stack), `panic`, `silent` (ends well without the closing line),
//! `miscount` (claims more than it did), `garble` (half a line). With `cpu=1` the trap, fault,
//! overflow or panic is on the second CPU.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::{black_box, spin_loop};
use kpmem_runtime::{Machine, println, smp};

kpmem_runtime::entry!(kernel);

fn kernel(machine: &Machine) {
    println!("test the_first_case ... ok");
    let mode = machine.args.get("mode").unwrap_or_default();
    if let Some(crash) = crash(mode) {
        match machine.args.get("cpu") {
            Some("1") => smp::start(crash, 0).expect("two CPUs").wait(),
            _ => crash(0),
        }
    }
    let claimed = match mode {
        "hang" => loop {
            spin_loop();
        },
        "silent" => return,
        "miscount" => 2,
        "garble" => {
            println!("test the_second_case ... o");
            1
        }
        _ => panic!(
            "mode={mode}: not one of hang, trap, fault, overflow, panic, silent, miscount, garble"
        ),
    };
    println!("{claimed} passed, 0 failed, 0 skipped");
}

/// The misdeeds that the runtime reports.
fn crash(mode: &str) -> Option<fn(usize)> {
    Some(match mode {
        "trap" => |_| undefined_instruction(),
        "fault" => |_| {
            load_from_nowhere();
        },
        "overflow" => |_| {
            overflow_the_stack(0);
        },
        "panic" => |_| panic!("on purpose"),
        _ => return None,
    })
}

fn load_from_nowhere() -> u32 {
    let nowhere = 0x10_0000_0000 as *const u32;
    // SAFETY: none: the runtime maps nothing there, and the load is a trap.
    unsafe { nowhere.read_volatile() }
}

#[allow(unconditional_recursion)]
fn overflow_the_stack(depth: u32) -> u32 {
    let frame = black_box([depth; 100]);
    overflow_the_stack(frame[0] + 1) + frame[1]
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
