//! Starting the second hart: the boot code has it sleep until a software interrupt (RISC-V ACLINT
//! specification, "MSWI Device").

use crate::mmio;

/// Where the `virt` machine has the devices of its first two sockets. Each NUMA node is a socket,
/// and the memory that stands in for an NVDIMM is a node of its own.
pub const BASES: [usize; 2] = [0x0200_0000, 0x0201_0000];

/// Hart 1 is the first one of the second socket, or where sockets have several, the second one of
/// the first. In the other case each is a hart that the boot code keeps asleep, or none. A register
/// has four bytes.
const REGISTERS: [usize; 2] = [BASES[1], BASES[0] + 4];

/// Starts the second hart at [`crate::smp::enter`].
///
/// # Safety
/// Once, with the address space complete.
pub unsafe fn start() {
    for register in REGISTERS {
        // SAFETY: the device's register; the other hart runs on a stack of its own.
        unsafe { mmio::write(register, 1_u32) };
    }
}
