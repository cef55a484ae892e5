//! What the runtime promises a kernel, seen by one without any of its features.
//!
//! `cargo test -p kpmem-runtime --target x86_64-unknown-none` boots it with no parameters.
//! Parameter `cpus`: how many there are to be. With `mode` it does what must be a trap, a panic or
//! an exit code: `hole` (loads the byte behind the NVDIMM), `x87`, `mmx` (x86_64), `virtual` (maps
//! a page at an address that is none), `unmap` (unmaps one), `physical` (maps to what is no page),
//! `exit` (with `code`), `number` (reads the parameter `n`); `none` says that there is no NVDIMM.
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem_runtime::{
    Machine, exit,
    memory::{self, PAGE},
    paging::{Memory, map_page, unmap_page},
    print, println, smp,
    trap::fault,
};

kpmem_runtime::entry!(kernel);

type Case = (&'static str, fn(&Machine) -> Result<(), &'static str>);

const CASES: [Case; 4] = [
    ("the_whole_nvdimm_is_mapped", whole),
    ("what_is_behind_it_is_not", behind),
    ("any_page_of_it_can_be_unmapped", pages),
    ("there_are_as_many_cpus_as_asked_for", cpus),
];

const MIB: usize = 1 << 20;

fn kernel(machine: &Machine) {
    match machine.args.get("mode") {
        None => cases(machine),
        Some("none") => {
            println!("test an_nvdimm_that_cannot_be_mapped_is_told ... ok");
            assert!(machine.nvdimm.is_err(), "there is an NVDIMM");
            println!("1 passed, 0 failed, 0 skipped");
        }
        Some(mode) => {
            println!("test {mode} ... ok");
            wrong(machine, mode);
            println!("1 passed, 0 failed, 0 skipped");
        }
    }
}

fn cases(machine: &Machine) {
    let mut failed = 0;
    for (name, case) in CASES {
        print!("test {name} ... ");
        match case(machine) {
            Ok(()) => println!("ok"),
            Err(why) => {
                failed += 1;
                println!("FAILED: {why}");
            }
        }
    }
    let passed = CASES.len() - failed;
    println!("{passed} passed, {failed} failed, 0 skipped");
    exit((failed > 0).into())
}

/// What must end the kernel.
fn wrong(machine: &Machine, mode: &str) {
    let number = |key| machine.args.number(key).unwrap_or(0);
    let page = memory::page() as u64;
    // Neither half of an address space of 48 bits has it, nor one of 39.
    let nowhere = 0x0040_0000_0000_0000;
    match mode {
        "hole" => {
            // SAFETY: none: it is to be a trap.
            unsafe { machine.address().add(machine.size()).read_volatile() };
        }
        // SAFETY: none: it is to be a panic.
        "virtual" => unsafe { map_page(nowhere, page, Memory::Normal) },
        // SAFETY: as above.
        "unmap" => unsafe { unmap_page(nowhere) },
        // SAFETY: as above.
        "physical" => unsafe { map_page(0x20_0000_0000, page + 5, Memory::Normal) },
        "exit" => exit(number("code") as u8),
        "number" => _ = number("n"),
        _ => floating(mode),
    }
}

/// The instructions that were there before vectors.
fn floating(mode: &str) {
    #[cfg(all(target_os = "none", target_arch = "x86_64"))]
    match mode {
        // SAFETY: none: it is to be a trap.
        "x87" => return unsafe { core::arch::asm!("fld1", "fstp st(0)") },
        // SAFETY: as above.
        "mmx" => return unsafe { core::arch::asm!("movd mm0, {:e}", in(reg) 5) },
        _ => {}
    }
    panic!("mode={mode} is not known here");
}

unsafe extern "C" fn load(ptr: *const u8, _: usize) {
    // SAFETY: the probe stands by where nothing is mapped.
    unsafe { ptr.read_volatile() };
}

/// Whether a load of the NVDIMM's byte at an offset is no fault.
fn is_mapped(machine: &Machine, offset: usize) -> bool {
    // SAFETY: the function touches one byte, holds no lock and needs no destructor.
    unsafe { fault(load, machine.address().wrapping_add(offset), 1) }.is_none()
}

/// Stores to all sorts of pages first, and looks later, so that two of them that are one are seen.
fn whole(machine: &Machine) -> Result<(), &'static str> {
    let steps = (0..machine.size()).step_by(7 * MIB + PAGE);
    let places = || steps.clone().chain([machine.size() - 8]);
    let word = |offset: usize| machine.address().wrapping_add(offset & !7).cast::<usize>();
    for offset in places() {
        // SAFETY: inside the NVDIMM, which only this kernel uses.
        unsafe { word(offset).write_volatile(!offset) };
    }
    for offset in places() {
        // SAFETY: as above.
        if unsafe { word(offset).read_volatile() } != !offset {
            return Err("another word than was stored");
        }
    }
    Ok(())
}

fn behind(machine: &Machine) -> Result<(), &'static str> {
    for offset in [0, PAGE, MIB, 1024 * MIB] {
        if is_mapped(machine, machine.size() + offset) {
            return Err("memory behind the NVDIMM is mapped");
        }
    }
    Ok(())
}

/// One after the other in the same large page; mapped again, each has its content.
fn pages(machine: &Machine) -> Result<(), &'static str> {
    let size = machine.size();
    let places = [0, 3 * PAGE, (size / 2) & !(2 * MIB - 1), size - PAGE];
    for offset in places {
        let place = machine.address().wrapping_add(offset);
        // SAFETY: inside the NVDIMM, to which there are no references.
        unsafe {
            place.write_volatile(offset as u8 | 1);
            unmap_page(place.addr());
        }
        let neighbours = [
            offset.wrapping_sub(1),
            offset.wrapping_sub(2 * MIB),
            offset + PAGE,
            offset + 2 * MIB,
        ];
        let inside = neighbours.into_iter().filter(|at| *at < size);
        let stays = inside.clone().all(|at| is_mapped(machine, at));
        if is_mapped(machine, offset) || is_mapped(machine, offset + PAGE - 1) {
            return Err("a page that was unmapped is there");
        }
        // SAFETY: as above.
        let found = unsafe {
            map_page(place.addr(), place.addr() as u64, Memory::Normal);
            place.read_volatile()
        };
        if found != offset as u8 | 1 {
            return Err("another page is there");
        }
        if !stays {
            return Err("a neighbour has gone");
        }
    }
    Ok(())
}

fn cpus(machine: &Machine) -> Result<(), &'static str> {
    let asked = machine.args.number("cpus").unwrap_or(1) as usize;
    if smp::cpus() != asked {
        return Err("another number of them");
    }
    let second = smp::start(|_| (), 0);
    if second.is_some() != (asked > 1) {
        return Err("the second one starts only where it is there");
    }
    if let Some(running) = second {
        running.wait();
    }
    Ok(())
}
