//! A kernel in C, which is linked in: the runtime boots it, and calls `c_kernel`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
kpmem_runtime::entry!(extern "C" c_kernel);

#[cfg(not(target_os = "none"))]
fn main() {
    println!("This is a kernel: build it for a bare-metal target and boot it in QEMU.");
}
