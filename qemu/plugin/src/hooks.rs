//! QEMU's callbacks: what is reported when code runs.
//!
//! Where one vCPU runs at a time, on QEMU's only thread (`-accel tcg,thread=single`), the order of
//! the reports is the order of execution, and the values of atomic operations are right. There
//! QEMU 10 gives the number of the vCPU that was the first to execute an instruction for all that
//! do; RISC-V harts have a register that says who they are, and the harness gives the others one
//! vCPU or a thread for each (`thread=multi`). What those synchronise is in order even so; the
//! values of their atomics are taken from memory.

use std::{
    ffi::{c_uint, c_void},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use kpmem_model::{Isa, StoreOrder, decode::Action};
use qemu_plugin_sys as qemu;

use crate::{
    group::Groups,
    guest,
    observed::Touch,
    operands,
    pages::PAGE,
    said,
    schedule::{self, Access},
    session::{Session, Stored},
    site::Site,
    translate::on_translate,
    waiting,
    watch::{self, Level},
};

static SESSION: OnceLock<Mutex<Session>> = OnceLock::new();
static MACHINE: OnceLock<Machine> = OnceLock::new();
static GROUPS: Mutex<Groups> = Mutex::new(Groups::new());

/// What the callbacks must know without taking the lock.
#[derive(Debug)]
pub struct Machine {
    base: u64,
    len: u64,
    pub isa: Isa,
    /// How many CPUs the kernel may run.
    cpus: u32,
    /// One runs at a time.
    alone: bool,
    /// Each has a thread, and they take turns by a schedule.
    pub scheduled: bool,
}

impl Machine {
    /// Whether an address is one of the persistent memory.
    pub fn holds(&self, addr: u64) -> bool {
        addr.wrapping_sub(self.base) < self.len
    }
}

/// Registers the callbacks.
///
/// # Safety
/// Once, from `qemu_plugin_install`, with the plugin's own id.
pub unsafe fn register(id: qemu::qemu_plugin_id_t, session: Session) {
    let level = match (session.options.late, session.options.alone()) {
        (true, true) => Level::Marks,
        // What CPUs see of each other they see by loads.
        _ if session.options.cpus > 1 => Level::Loads,
        _ => Level::Stores,
    };
    watch::start(id, level);
    let machine = Machine {
        base: session.options.base,
        len: session.len() as u64,
        isa: session.options.isa,
        cpus: session.options.cpus,
        alone: session.options.alone(),
        scheduled: session.options.schedules.is_some(),
    };
    MACHINE.set(machine).expect("installed once");
    SESSION.set(Mutex::new(session)).expect("installed once");
    // SAFETY: the caller vouches for the id.
    unsafe { listen(id) };
}

/// Says to QEMU what it is to call.
unsafe extern "C" fn listen(id: qemu::qemu_plugin_id_t) {
    // SAFETY: the id is our own; the functions have the types that QEMU wants.
    unsafe {
        qemu::qemu_plugin_register_vcpu_init_cb(id, Some(on_vcpu));
        qemu::qemu_plugin_register_vcpu_tb_trans_cb(id, Some(on_translate));
        if machine().scheduled {
            qemu::qemu_plugin_register_vcpu_idle_cb(id, Some(on_idle));
        }
        qemu::qemu_plugin_register_atexit_cb(id, Some(on_exit), std::ptr::null_mut());
    }
}

pub fn machine() -> &'static Machine {
    MACHINE.get().expect("installed before any callback")
}

pub fn session() -> MutexGuard<'static, Session> {
    let session = SESSION.get().expect("installed before any callback");
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "C" fn on_vcpu(_: qemu::qemu_plugin_id_t, _: c_uint) {
    // SAFETY: this is the callback that it wants.
    unsafe { guest::learn() };
}

unsafe extern "C" fn on_idle(_: qemu::qemu_plugin_id_t, cpu: c_uint) {
    schedule::halts(cpu as u8);
}

pub unsafe extern "C" fn on_block(cpu: c_uint, _: *mut c_void) {
    schedule::block(cpu as u8);
}

unsafe extern "C" fn on_exit(_: qemu::qemu_plugin_id_t, _: *mut c_void) {
    session().exit();
}

/// Who runs.
///
/// # Safety
/// Only from a vCPU's callback.
unsafe fn who(cpu: c_uint) -> u8 {
    let Machine { isa, alone, .. } = machine();
    if *isa == Isa::Riscv64 && *alone {
        // SAFETY: as the caller vouches.
        return unsafe { operands::hart() as u8 };
    }
    cpu as u8
}

pub unsafe extern "C" fn on_access(
    cpu: c_uint,
    info: qemu::qemu_plugin_meminfo_t,
    vaddr: u64,
    site: *mut c_void,
) {
    let machine = machine();
    // SAFETY: QEMU's own handles, valid during this callback, and the site that `kept` keeps.
    let (addr, len, site) = unsafe {
        let at = qemu::qemu_plugin_get_hwaddr(info, vaddr);
        if at.is_null() || qemu::qemu_plugin_hwaddr_is_io(at) {
            return;
        }
        let len = 1_usize << qemu::qemu_plugin_mem_size_shift(info);
        (
            qemu::qemu_plugin_hwaddr_phys_addr(at),
            len,
            &*site.cast::<Site>(),
        )
    };
    let here = machine.holds(addr);
    let crosses = vaddr % PAGE + len as u64 > PAGE;
    if !here && !crosses && machine.cpus == 1 {
        return;
    }
    // SAFETY: QEMU's own handle; this is a vCPU's callback.
    let is_store = unsafe { qemu::qemu_plugin_mem_is_store(info) };
    if !is_store && machine.cpus == 1 {
        // SAFETY: as above.
        return unsafe { session().recovery_loads(vaddr, addr, len) };
    }
    // SAFETY: as above.
    let value = unsafe {
        let value = qemu::qemu_plugin_mem_get_value(info);
        // The first eight bytes hold any value but the widest.
        let wide = value.type_ == qemu::qemu_plugin_mem_value_type::QEMU_PLUGIN_MEM_VALUE_U128;
        let low = value.data.u64_;
        let high = if wide { value.data.u128_.high } else { 0 };
        let value = u128::from(high) << 64 | u128::from(low);
        value.to_le_bytes()
    };
    // SAFETY: this is a vCPU's callback.
    let cpu = unsafe { who(cpu) };
    let mut touch = Touch {
        cpu,
        addr,
        bytes: &value[..len],
        ordered: site.acquires,
    };
    let mut access = Access {
        pc: site.pc,
        addr,
        bytes: touch.bytes,
        is_store,
        atomic: site.atomic,
        persistent: here,
    };
    if !is_store {
        if machine.scheduled {
            // Of some atomic operations QEMU gives the new value for what they load.
            let known = site
                .atomic
                .then(|| schedule::words(|words| words.value(addr, len)));
            let known = known.flatten();
            if let Some(known) = &known {
                touch.bytes = known;
                access.bytes = known;
            }
            if session().load(touch, site.pc) {
                session().forget(touch);
            }
            return schedule::access(cpu, &access);
        }
        let report = |touch: Touch<'_>| session().load(touch, site.pc);
        let forget = |touch: Touch<'_>| session().forget(touch);
        return waiting::load(touch, machine.cpus, report, forget);
    }
    let order = match site.action {
        Action::Stores(order) | Action::Atomic(_, order) => order,
        _ => StoreOrder::PLAIN,
    };
    // QEMU's value of an atomic operation is not always right where vCPUs have threads.
    let actual;
    let mut touch = Touch {
        ordered: order.has(StoreOrder::RELEASE),
        ..touch
    };
    if !machine.alone && site.atomic && !crosses && (here || machine.scheduled) {
        actual = if here {
            session().file(addr, len).to_vec()
        } else {
            // SAFETY: this is a vCPU's callback.
            let bytes = (0..len as u64).map(|i| unsafe { guest::byte(vaddr + i) });
            bytes.map(Option::unwrap_or_default).collect()
        };
        touch.bytes = &actual;
        access.bytes = &actual;
    }
    let stored = Stored {
        touch,
        virtual_: vaddr,
        pc: site.pc,
        order,
        group: groups().of(cpu, site.pc),
    };
    // SAFETY: this is a vCPU's callback.
    waiting::store(cpu, || unsafe { session().store(stored) });
    if machine.scheduled {
        return schedule::access(cpu, &access);
    }
    waiting::stored(addr);
}

pub fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub unsafe extern "C" fn on_special(cpu: c_uint, site: *mut c_void) {
    let isa = machine().isa;
    // SAFETY: `kept` keeps it; this is a vCPU's callback, registered to read registers.
    unsafe {
        let site = &*site.cast::<Site>();
        let cpu = who(cpu);
        match site.action {
            Action::Flush(kind, address) => {
                let at = operands::address(isa, address, site.next_ip);
                session().flush(cpu, at, kind, site.pc);
                schedule::says(cpu, site.pc);
            }
            Action::Barrier(barrier) | Action::Atomic(barrier, _) => {
                session().barrier(cpu, barrier, site.pc);
                // No other CPU comes between an atomic's barrier and the rest of it.
                if !site.atomic {
                    schedule::barrier(cpu);
                }
            }
            // QEMU reports the stores of `cbo.zero`, and not those of `dc zva`.
            Action::Zero(address, _) if isa == Isa::Aarch64 => {
                let at = operands::address(isa, address, site.next_ip);
                session().zero(cpu, at, site.pc);
            }
            Action::Several => groups().start(cpu, site.pc),
            Action::String(size) => {
                let (count, to) = (
                    operands::register(isa, operands::RCX),
                    operands::register(isa, operands::RDI),
                );
                groups().go_on(cpu, site.pc, count, to, size);
            }
            Action::Mark(op) => {
                said::mark(cpu, op, operands::arguments(isa), site.pc);
                let watches = || session().watches_recovery();
                watch::behind(op, machine().cpus, watches, listen);
            }
            Action::Zero(..) | Action::Nothing | Action::Stores(_) => {}
        }
    }
}
