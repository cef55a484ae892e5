//! Runs a call one instruction at a time (the CPU's trap flag), and tells what each did.

use std::{cell::UnsafeCell, mem::zeroed, ptr::null_mut, sync::Mutex};

/// What a call executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub instructions: usize,
    pub fences: usize,
    pub flushes: usize,
    /// Words that were seen with some bytes old and some new.
    pub torn: usize,
}

/// The destination while a call runs: each word is to go from old to new in one instruction.
struct Watch {
    first: *const u64,
    old: Vec<u64>,
    new: Vec<u64>,
    trace: Trace,
}

struct Slot(UnsafeCell<Option<Watch>>);
// SAFETY: only touched by who holds `TURN`, and by the handler on the same thread.
unsafe impl Sync for Slot {}

static SLOT: Slot = Slot(UnsafeCell::new(None));
static TURN: Mutex<()> = Mutex::new(());
const TRAP_FLAG: u64 = 1 << 8;

/// Runs `call`, which brings the words at `first` from what they are to `new`.
pub fn trace(first: *const u64, new: Vec<u64>, call: impl FnOnce()) -> Trace {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    // SAFETY: `first` is as long as `new`, which callers vouch for; the handler fits SA_SIGINFO;
    // the trap flag is cleared again.
    unsafe {
        let old = std::slice::from_raw_parts(first, new.len()).to_vec();
        *SLOT.0.get() = Some(Watch {
            first,
            old,
            new,
            trace: Trace::default(),
        });
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(
            libc::sigaction(libc::SIGTRAP, &raw const action, null_mut()),
            0
        );
        flip_trap_flag();
        call();
        flip_trap_flag();
        (*SLOT.0.get())
            .take()
            .map(|watch| watch.trace)
            .unwrap_or_default()
    }
}

#[inline(always)]
unsafe fn flip_trap_flag() {
    // SAFETY: flags go by way of the stack, which is as before afterwards.
    unsafe {
        std::arch::asm!("pushfq", "xor qword ptr [rsp], {}", "popfq", const TRAP_FLAG);
    }
}

extern "C" fn handler(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: on the thread that called `trace`, between two of its instructions; RIP points at the
    // next one.
    unsafe {
        let Some(watch) = (*SLOT.0.get()).as_mut() else {
            return;
        };
        let registers = &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let rip =
            std::ptr::with_exposed_provenance::<u8>(registers[libc::REG_RIP as usize] as usize);
        let trace = &mut watch.trace;
        trace.instructions += 1;
        // SDM Volume 2: 0F AE /7 with a register is SFENCE, /6 MFENCE; with memory, and 66 before,
        // CLFLUSHOPT and CLWB; 66 may be followed by a REX prefix.
        let (prefix, rip) = (rip.read() == 0x66, rip.add(usize::from(rip.read() == 0x66)));
        let rip = rip.add(usize::from(rip.read() & 0xf0 == 0x40));
        if rip.read() == 0x0f && rip.add(1).read() == 0xae {
            let modrm = rip.add(2).read();
            trace.fences += usize::from(modrm == 0xf8 || modrm == 0xf0);
            trace.flushes += usize::from(prefix && modrm < 0xc0 && modrm >> 3 & 7 >= 6);
        }
        for (i, (old, new)) in watch.old.iter().zip(&watch.new).enumerate() {
            let now = watch.first.add(i).read_volatile();
            trace.torn += usize::from(now != *old && now != *new);
        }
    }
}
