//! From the boot assembly to the kernel.

use crate::{Machine, arch, exit, machine, paging, println};
use kpmem::firmware::{Error, Region};

/// Declares the kernel: a `fn(&Machine)`, run when the machine is up.
///
/// ```
/// use kpmem_runtime::{Machine, println};
///
/// kpmem_runtime::entry!(kernel);
///
/// fn kernel(machine: &Machine) {
///     println!("{} bytes of persistent memory", machine.size());
/// }
/// ```
///
/// Or one in C (see [`c`](crate::c)): `kpmem_runtime::entry!(extern "C" my_kernel);` calls
/// `void my_kernel(const struct kpmem_machine *)`. Who writes that vouches for the signature.
///
/// Built for the host, where there is nothing to boot, the program only says so.
#[macro_export]
macro_rules! entry {
    (extern "C" $kernel:ident) => {
        unsafe extern "C" {
            fn $kernel(machine: *const $crate::c::Machine);
        }

        fn kpmem_runtime_c_kernel(machine: &$crate::Machine) {
            // SAFETY: whoever declared the entry vouches for the function.
            unsafe { $kernel(&$crate::c::Machine::from(machine)) }
        }

        $crate::entry!(kpmem_runtime_c_kernel);
    };
    ($kernel:path) => {
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        fn kpmem_runtime_kernel(machine: &$crate::Machine) {
            $kernel(machine)
        }

        #[cfg(not(target_os = "none"))]
        const _: fn(&$crate::Machine) = $kernel;

        #[cfg(not(target_os = "none"))]
        fn main() {
            ::std::println!(
                "This is a kernel: build it for a bare-metal target and boot it in QEMU."
            );
        }
    };
}

#[cfg(target_os = "none")]
unsafe extern "Rust" {
    safe fn kpmem_runtime_kernel(machine: &Machine);
}

#[cfg(not(target_os = "none"))]
fn kpmem_runtime_kernel(_: &Machine) {}

/// Where the boot assembly goes, with what the machine handed over about its firmware.
///
/// # Safety
/// Once, from boot assembly like that of `arch/`, with the argument that it passes.
pub unsafe extern "C" fn start(firmware: usize) -> ! {
    arch::trap::init(0);
    let found = arch::discover::discover(firmware);
    let mut machine = Machine::new(found);
    machine.nvdimm = machine.nvdimm.and_then(mappable);
    // SAFETY: first and only time, before anything depends on the address space.
    unsafe { paging::init(machine.nvdimm.ok().as_slice()) };
    machine::announce(&machine);
    kpmem_runtime_kernel(&machine);
    exit(0)
}

/// A region, if it can be mapped; else it is told, and a kernel goes on without it.
fn mappable(region: Region) -> Result<Region, Error> {
    if paging::can_map(region) {
        return Ok(region);
    }
    let Region { base, len } = region;
    println!(
        "kpmem-runtime: the NVDIMM's {len:#x} bytes at {base:#x} are more than page tables reach"
    );
    Err(Error::Unreadable {
        address: base,
        len: len as usize,
    })
}

#[cfg(all(target_os = "none", feature = "panic-handler"))]
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
