//! QEMU's firmware configuration device: named files (QEMU, "Firmware Configuration (fw_cfg)
//! Device").

use crate::{arch::fw_cfg as device, memory};

const SIGNATURE: u16 = 0;
const CPU_COUNT: u16 = 5;
const DIRECTORY: u16 = 0x19;

/// The content of a file, in memory of its own.
pub fn file(name: &str, align: usize) -> Option<&'static mut [u8]> {
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
            let content = memory::allocate(len, align);
            device::select(key);
            content.fill_with(device::read);
            return Some(content);
        }
    }
    None
}

/// How many CPUs the machine has.
pub fn cpus() -> u16 {
    device::select(CPU_COUNT);
    u16::from_le_bytes(read())
}

/// The next bytes of the selected item.
fn read<const N: usize>() -> [u8; N] {
    core::array::from_fn(|_| device::read())
}
