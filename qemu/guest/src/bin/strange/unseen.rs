//! Stores that QEMU reports to nobody, and code.

#[cfg(target_arch = "x86_64")]
pub const CASES: &[crate::Case] = &[("code-in-memory", |memory| {
    const RET: u64 = 0xC3;
    memory.store(0, RET);
    memory.persist(memory.at(0), 8);
    kpmem_marks::begin(1);
    memory.store(8, RET);
    memory.persist(memory.at(8), 8);
    memory.claim(8, 8);
    kpmem_marks::end();
    memory.recover(|memory| {
        // SAFETY: an instruction that returns is there, and the NVDIMM is mapped executable.
        let code = unsafe { core::mem::transmute::<*mut u8, extern "C" fn()>(memory.at(0)) };
        code();
        0
    });
})];

#[cfg(target_arch = "riscv64")]
pub const CASES: &[crate::Case] = &[(
    // Right: reported, whatever the size of a block.
    "zeroes",
    |memory| {
        // SAFETY: bytes of the NVDIMM; the encoding is cbo.zero's, with `a0` as rs1 (RISC-V CMO
        // Extensions, "cbo.zero").
        zeroed(memory, |block| unsafe {
            core::arch::asm!(".word 0x0045200f", in("a0") block, options(nostack));
        });
    },
)];

#[cfg(target_arch = "aarch64")]
pub use arm::CASES;

/// Blocks of at most 256 bytes that are no zeroes and become some, all of it durable.
#[cfg(not(target_arch = "x86_64"))]
fn zeroed(memory: &crate::memory::Memory, zero: impl Fn(*mut u8)) {
    let blocks = memory.at(4096);
    for word in (0..1024).step_by(8) {
        crate::memory::put(blocks.wrapping_add(word), u64::MAX);
    }
    memory.persist(blocks, 1024);
    kpmem_marks::begin(1);
    for at in [0, 512] {
        zero(blocks.wrapping_add(at));
        memory.persist(blocks.wrapping_add(at), 256);
        memory.claim(4096 + at, 256);
    }
    // Lines that nothing flushes are no fault, if nobody claims them.
    zero(blocks.wrapping_add(768));
    kpmem_marks::end();
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use core::arch::asm;

    use kpmem_marks::{begin, end};

    use crate::{Case, memory::put};

    const PAGE: usize = 4096;

    pub const CASES: &[Case] = &[
        // Wrong: what MOPS stored is gone at the end, but it was there at the claim.
        ("mops-between", |memory| {
            begin(1);
            set(memory.at(0), 64);
            memory.persist(memory.at(0), 64);
            memory.claim(0, 64);
            (0..8).for_each(|i| memory.store(i * 8, 0));
            memory.persist(memory.at(0), 64);
            end();
        }),
        // Right.
        ("zva-elsewhere", |memory| {
            static BLOCK: [u64; 64] = [0; 64];
            if !memory.rebooted {
                begin(1);
                zva(BLOCK.as_ptr().wrapping_add(16).cast());
                memory.store(0, 1);
                memory.persist(memory.at(0), 8);
                memory.claim(0, 8);
                end();
            }
            memory.recover(|_| {
                zva(BLOCK.as_ptr().wrapping_add(16).cast());
                0
            });
        }),
        ("zeroes", |memory| super::zeroed(memory, |block| zva(block))),
        ("zva-by-alias", |memory| {
            put(memory.at(PAGE), u64::MAX);
            let alias = memory.window(&[PAGE]);
            begin(1);
            zva(alias);
            memory.persist(memory.at(PAGE), 256);
            memory.claim(PAGE, 256);
            end();
        }),
        // Wrong.
        ("zva-by-alias-unflushed", |memory| {
            put(memory.at(PAGE), u64::MAX);
            let alias = memory.window(&[PAGE]);
            begin(1);
            zva(alias);
            memory.claim(PAGE, 8);
            end();
        }),
    ];

    fn zva(block: *const u8) {
        // SAFETY: the cases pass memory that nobody else uses, and that is zero or may become so.
        unsafe { asm!("dc zva, {}", in(reg) block, options(nostack)) };
    }

    /// Sets bytes to 0x55 by FEAT_MOPS.
    fn set(to: *mut u8, len: usize) {
        // SAFETY: bytes of the NVDIMM.
        unsafe {
            asm!(
                ".arch_extension mops",
                "setp [{to}]!, {len}!, {value}",
                "setm [{to}]!, {len}!, {value}",
                "sete [{to}]!, {len}!, {value}",
                to = inout(reg) to => _,
                len = inout(reg) len => _,
                value = in(reg) 0x55_u64,
                options(nostack),
            );
        }
    }
}
