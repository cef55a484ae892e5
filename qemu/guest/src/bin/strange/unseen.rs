//! Stores that QEMU reports to nobody.

#[cfg(not(target_arch = "aarch64"))]
pub const CASES: &[crate::Case] = &[];

#[cfg(target_arch = "aarch64")]
pub use arm::CASES;

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
