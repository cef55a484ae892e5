//! QEMU's callbacks: what is instrumented when code is translated, and what is reported when it
//! runs.
//!
//! One vCPU runs the workload, on QEMU's only thread (`-accel tcg,thread=single`): the order of the
//! reports is the order of execution, and the values of atomic operations are right. Where several
//! run it, each needs a thread (`thread=multi`): on one thread QEMU 10 reports the vCPU that was
//! the first to execute an instruction, for all of them. What the vCPUs synchronise is in order
//! even so; the values of fetch-and-op atomics are not always right, which the audit finds.

use std::{
    ffi::{c_uint, c_void},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use kpmem_marks::Op;
use kpmem_model::{
    Event, Isa, Mark, Store, StoreOrder,
    decode::{Action, Address, Segment, decode},
};
use qemu_plugin_sys as qemu;

use crate::{registers, registers::Register, session::Session};

static SESSION: OnceLock<Mutex<Session>> = OnceLock::new();
static RANGE: OnceLock<Range> = OnceLock::new();

/// What the store callback must know without taking the lock.
#[derive(Debug)]
struct Range {
    base: u64,
    len: u64,
    isa: Isa,
}

/// An instruction that needs more than its stores reported.
#[derive(Debug)]
struct Site {
    pc: u64,
    next_ip: u64,
    action: Action,
}

/// Registers the callbacks.
///
/// # Safety
/// Once, from `qemu_plugin_install`, with the plugin's own id.
pub unsafe fn register(id: qemu::qemu_plugin_id_t, session: Session, len: u64) {
    let range = Range {
        base: session.options.base,
        len,
        isa: session.options.isa,
    };
    RANGE.set(range).expect("installed once");
    SESSION.set(Mutex::new(session)).expect("installed once");
    // SAFETY: the caller vouches for the id; the functions have the types that QEMU wants.
    unsafe {
        qemu::qemu_plugin_register_vcpu_init_cb(id, Some(on_vcpu));
        qemu::qemu_plugin_register_vcpu_tb_trans_cb(id, Some(on_translate));
    }
}

fn session() -> MutexGuard<'static, Session> {
    let session = SESSION.get().expect("installed before any callback");
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "C" fn on_vcpu(_: qemu::qemu_plugin_id_t, _: c_uint) {
    // SAFETY: this is the callback that it wants.
    unsafe { registers::learn() };
}

unsafe extern "C" fn on_translate(_: qemu::qemu_plugin_id_t, tb: *mut qemu::qemu_plugin_tb) {
    let isa = RANGE.get().expect("installed").isa;
    // SAFETY: QEMU's handles, valid during this callback.
    unsafe {
        for i in 0..qemu::qemu_plugin_tb_n_insns(tb) {
            let insn = qemu::qemu_plugin_tb_get_insn(tb, i);
            let mut bytes = [0_u8; 16];
            let size = qemu::qemu_plugin_insn_data(insn, bytes.as_mut_ptr().cast(), bytes.len());
            let pc = qemu::qemu_plugin_insn_vaddr(insn);
            instrument(insn, pc, decode(isa, &bytes[..size]), size as u64);
        }
    }
}

/// # Safety
/// `insn` must be an instruction that QEMU is translating.
unsafe fn instrument(insn: *mut qemu::qemu_plugin_insn, pc: u64, action: Action, size: u64) {
    let order = match action {
        Action::Stores(order) | Action::Atomic(_, order) => order,
        _ => StoreOrder::PLAIN,
    };
    let store = match order {
        StoreOrder::NON_TEMPORAL => on_store::<1>,
        StoreOrder::RELEASE => on_store::<2>,
        StoreOrder::ACQUIRE => on_store::<4>,
        _ => on_store::<0>,
    };
    // SAFETY: the caller vouches for the instruction; the callbacks get what they want: a pc, or a
    // site that is never freed.
    unsafe {
        qemu::qemu_plugin_register_vcpu_mem_cb(
            insn,
            Some(store),
            qemu::qemu_plugin_cb_flags::QEMU_PLUGIN_CB_NO_REGS,
            qemu::qemu_plugin_mem_rw::QEMU_PLUGIN_MEM_W,
            pc as *mut c_void,
        );
        if matches!(action, Action::Nothing | Action::Stores(_)) {
            return;
        }
        // Few instructions are special, and a translation may run as long as QEMU does.
        let site = Box::leak(Box::new(Site {
            pc,
            next_ip: pc.wrapping_add(size),
            action,
        }));
        qemu::qemu_plugin_register_vcpu_insn_exec_cb(
            insn,
            Some(on_special),
            qemu::qemu_plugin_cb_flags::QEMU_PLUGIN_CB_R_REGS,
            (&raw mut *site).cast(),
        );
    }
}

unsafe extern "C" fn on_store<const ORDER: u8>(
    cpu: c_uint,
    info: qemu::qemu_plugin_meminfo_t,
    vaddr: u64,
    pc: *mut c_void,
) {
    let range = RANGE.get().expect("installed");
    // SAFETY: QEMU's own handle, valid during this callback.
    let addr = unsafe {
        let at = qemu::qemu_plugin_get_hwaddr(info, vaddr);
        if at.is_null() || qemu::qemu_plugin_hwaddr_is_io(at) {
            return;
        }
        qemu::qemu_plugin_hwaddr_phys_addr(at)
    };
    if addr.wrapping_sub(range.base) >= range.len {
        return;
    }
    // SAFETY: as above.
    let (bytes, len) = unsafe {
        let value = qemu::qemu_plugin_mem_get_value(info);
        // The first eight bytes hold any value but the widest.
        let wide = value.type_ == qemu::qemu_plugin_mem_value_type::QEMU_PLUGIN_MEM_VALUE_U128;
        let low = value.data.u64_;
        let high = if wide { value.data.u128_.high } else { 0 };
        let value = u128::from(high) << 64 | u128::from(low);
        let len = 1_usize << qemu::qemu_plugin_mem_size_shift(info);
        (value.to_le_bytes(), len)
    };
    let order = match ORDER {
        1 => StoreOrder::NON_TEMPORAL,
        2 => StoreOrder::RELEASE,
        4 => StoreOrder::ACQUIRE,
        _ => StoreOrder::PLAIN,
    };
    let mut session = session();
    session.pages.learn(vaddr, addr);
    let store = Store::new(cpu as u8, addr, &bytes[..len]).with(order);
    session.store(store, pc.addr() as u64);
}

unsafe extern "C" fn on_special(cpu: c_uint, site: *mut c_void) {
    // SAFETY: `instrument` made it and never frees it.
    let site = unsafe { &*site.cast::<Site>() };
    let cpu = cpu as u8;
    match site.action {
        Action::Flush(kind, address) => {
            let mut session = session();
            let addr = session.pages.translate(resolve(site, address));
            session.event(Event::Flush { cpu, addr, kind }, site.pc);
        }
        Action::Barrier(barrier) | Action::Atomic(barrier, _) => {
            session().event(Event::Barrier { cpu, barrier }, site.pc);
        }
        Action::Zero(address, order) => zero(cpu, site, address, order),
        Action::Mark(op) => mark(cpu, op, site.pc),
        Action::Nothing | Action::Stores(_) => {}
    }
}

/// QEMU reports the stores of `cbo.zero`, and not those of `dc zva`.
fn zero(cpu: u8, site: &Site, address: Address, order: StoreOrder) {
    if RANGE.get().expect("installed").isa != Isa::Aarch64 {
        return;
    }
    let mut session = session();
    let block = session.options.zva;
    let start = resolve(site, address) / block as u64 * block as u64;
    let start = session.pages.translate(start);
    for store in Store::pieces(cpu, start, &vec![0; block]) {
        session.store(store.with(order), site.pc);
    }
}

fn mark(cpu: u8, op: Op, pc: u64) {
    let [a, b, c] = arguments();
    let mut session = session();
    let mark = match op {
        Op::Begin => Mark::Begin { id: a },
        Op::End => Mark::End,
        Op::CrashPoint => Mark::CrashPoint,
        Op::Claim => Mark::Claim {
            addr: session.pages.translate(a),
            len: b,
            id: c,
        },
        Op::NextCrash => return session.next_crash(),
        Op::Verdict => return session.verdict(a),
    };
    session.mark(cpu, mark, pc);
}

const X86: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];

const RISCV: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// The numbers that go with a mark.
fn arguments() -> [u64; 3] {
    let numbers: [u8; 3] = match RANGE.get().expect("installed").isa {
        Isa::X86_64 => [7, 6, 2],
        Isa::Aarch64 => [0, 1, 2],
        Isa::Riscv64 => [10, 11, 12],
    };
    numbers.map(register_value)
}

/// A general register, as the instruction set numbers them.
fn register_value(number: u8) -> u64 {
    static GENERAL: OnceLock<[Option<Register>; 32]> = OnceLock::new();
    let isa = RANGE.get().expect("installed").isa;
    let registers = GENERAL.get_or_init(|| {
        std::array::from_fn(|i| match isa {
            Isa::X86_64 => X86.get(i).and_then(|name| Register::named(name)),
            Isa::Aarch64 => Register::named(&format!("x{i}")),
            Isa::Riscv64 => Register::named(RISCV[i]),
        })
    });
    match registers[usize::from(number)] {
        // SAFETY: `on_special` is registered to read registers.
        Some(register) => unsafe { register.read() },
        // Only AArch64's x31, which is the zero register for these instructions, has no name.
        None => 0,
    }
}

fn resolve(site: &Site, address: Address) -> u64 {
    let segment = |segment| {
        let name = match segment {
            Segment::Fs => "fs_base",
            Segment::Gs => "gs_base",
        };
        // SAFETY: `on_special` is registered to read registers.
        Register::named(name).map_or(0, |r| unsafe { r.read() })
    };
    address.resolve(register_value, site.next_ip, segment)
}
