//! From the boot assembly to the kernel.

use crate::{Machine, arch, exit, machine, paging};

/// Declares the kernel: a `fn(&Machine)`, run when the machine is up.
///
/// Built for the host, where there is nothing to boot, the program only says so.
#[macro_export]
macro_rules! entry {
    ($kernel:path) => {
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        fn kpmem_guest_kernel(machine: &$crate::Machine) {
            $kernel(machine)
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            let _: fn(&$crate::Machine) = $kernel;
            println!("This is a kernel: build it for a bare-metal target and boot it in QEMU.");
        }
    };
}

#[cfg(target_os = "none")]
unsafe extern "Rust" {
    safe fn kpmem_guest_kernel(machine: &Machine);
}

#[cfg(not(target_os = "none"))]
fn kpmem_guest_kernel(_: &Machine) {}

/// Where the boot assembly goes, with what the machine handed over about its firmware.
pub extern "C" fn start(firmware: usize) -> ! {
    arch::trap::init(0);
    let found = arch::discover::discover(firmware);
    let machine = Machine::new(found);
    // SAFETY: first and only time, before anything depends on the address space.
    unsafe { paging::init(&[machine.nvdimm]) };
    machine::announce(&machine);
    kpmem_guest_kernel(&machine);
    exit(0)
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    crate::fatal::end(2, || {
        crate::print!("PANIC: {}", info.message());
        if let Some(place) = info.location() {
            crate::print!(" at {}:{}", place.file(), place.line());
        }
        crate::println!();
    })
}
