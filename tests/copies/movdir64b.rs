//! Stands in for `movdir64b` on a CPU without it: the invalid-opcode trap is caught, the 64 bytes
//! are stored, and the program goes on.

use std::{mem::zeroed, ptr::null_mut, sync::Once};

/// `movdir64b rdi, [rsi]`, the only form that the library uses.
const OPCODE: [u8; 5] = [0x66, 0x0f, 0x38, 0xf8, 0x3e];

/// Installs the stand-in. The CPU does its own `movdir64b` where it can: then there is no trap.
pub fn emulate() {
    static ONCE: Once = Once::new();
    // SAFETY: the handler has the signature that SA_SIGINFO asks for.
    ONCE.call_once(|| unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(
            libc::sigaction(libc::SIGILL, &raw const action, null_mut()),
            0
        );
    });
}

extern "C" fn handler(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes the context of the thread that trapped, and RIP points at what it
    // ran.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let register = |name: i32| registers[name as usize] as usize;
        let code: [u8; 5] =
            std::ptr::with_exposed_provenance::<[u8; 5]>(register(libc::REG_RIP)).read();
        let dest = std::ptr::with_exposed_provenance_mut::<[u64; 8]>(register(libc::REG_RDI));
        if code != OPCODE || dest.addr() % 64 != 0 {
            libc::abort();
        }
        let src = std::ptr::with_exposed_provenance::<[u64; 8]>(register(libc::REG_RSI));
        dest.write_volatile(src.read_unaligned());
        registers[libc::REG_RIP as usize] += OPCODE.len() as i64;
    }
}
