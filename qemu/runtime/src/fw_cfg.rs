//! QEMU's firmware configuration device: named files (QEMU, "Firmware Configuration (fw_cfg)
//! Device").

use crate::{arch::fw_cfg as device, memory};
use core::sync::atomic::{AtomicU16, Ordering};

const SIGNATURE: u16 = 0;
const CPU_COUNT: u16 = 5;
const DIRECTORY: u16 = 0x19;

/// The content of a file, in memory of its own.
pub fn file(name: &str, align: usize) -> Option<&'static mut [u8]> {
    let content = memory::allocate(select(name)?, align);
    content.fill_with(device::read);
    Some(content)
}

/// Selects a file, and gives its length.
fn select(name: &str) -> Option<usize> {
    device::select(SIGNATURE);
    if read() != *b"QEMU" {
        return None;
    }
    device::select(DIRECTORY);
    let count = u32::from_be_bytes(read());
    for _ in 0..count {
        let len = u32::from_be_bytes(read()) as usize;
        let key = u16::from_be_bytes(read());
        let _reserved: [u8; 2] = read();
        let padded: [u8; 56] = read();
        if padded.split(|byte| *byte == 0).next() == Some(name.as_bytes()) {
            device::select(key);
            return Some(len);
        }
    }
    None
}

/// How many CPUs the kernel may use.
pub fn cpus() -> u16 {
    /// What was read; 0 before.
    static CPUS: AtomicU16 = AtomicU16::new(0);
    let known = CPUS.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    let cpus = match select("opt/org.kpmem/cpus") {
        Some(len) => (0..len).fold(0, |number: u16, _| {
            let digit = device::read();
            assert!(digit.is_ascii_digit(), "opt/org.kpmem/cpus is no number");
            number * 10 + u16::from(digit - b'0')
        }),
        None => {
            device::select(CPU_COUNT);
            u16::from_le_bytes(read())
        }
    };
    CPUS.store(cpus, Ordering::Relaxed);
    cpus
}

/// The next bytes of the selected item.
fn read<const N: usize>() -> [u8; N] {
    core::array::from_fn(|_| device::read())
}
