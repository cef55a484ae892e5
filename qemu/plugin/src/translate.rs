//! What is instrumented when QEMU translates code.

use kpmem_model::{
    Isa,
    decode::{Action, acquires, decode, is_atomic},
};
use qemu_plugin_sys as qemu;

use crate::{
    hooks::{Machine, machine, on_access, on_block, on_special, session},
    site::{Site, kept},
    watch::{self, Level},
};

/// QEMU translates a block.
///
/// # Safety
/// QEMU calls it.
pub unsafe extern "C" fn on_translate(_: qemu::qemu_plugin_id_t, tb: *mut qemu::qemu_plugin_tb) {
    let Machine { isa, scheduled, .. } = *machine();
    // SAFETY: QEMU's handles, valid during this callback; the callback is of the type it wants.
    unsafe {
        if scheduled {
            let flags = qemu::qemu_plugin_cb_flags::QEMU_PLUGIN_CB_NO_REGS;
            let none = std::ptr::null_mut();
            qemu::qemu_plugin_register_vcpu_tb_exec_cb(tb, Some(on_block), flags, none);
        }
        let count = qemu::qemu_plugin_tb_n_insns(tb);
        let all = (0..count).map(|i| qemu::qemu_plugin_tb_get_insn(tb, i));
        let level = watch::of_block(all.clone().map(|insn| site(isa, insn).action));
        for insn in all {
            let site = site(isa, insn);
            if level > Level::Marks || matches!(site.action, Action::Mark(_)) {
                instrument(insn, kept(site), level);
            }
        }
    }
}

/// What is to be known of an instruction.
///
/// # Safety
/// It must be one that QEMU is translating.
unsafe fn site(isa: Isa, insn: *mut qemu::qemu_plugin_insn) -> Site {
    let mut bytes = [0_u8; 16];
    // SAFETY: the caller vouches for the instruction; the buffer is as long as is said.
    let (size, pc) = unsafe {
        (
            qemu::qemu_plugin_insn_data(insn, bytes.as_mut_ptr().cast(), bytes.len()),
            qemu::qemu_plugin_insn_vaddr(insn),
        )
    };
    watch_code(pc, &bytes[..size]);
    Site {
        pc,
        next_ip: pc.wrapping_add(size as u64),
        action: decode(isa, &bytes[..size]),
        acquires: acquires(isa, &bytes[..size]),
        atomic: is_atomic(isa, &bytes[..size]),
    }
}

fn watch_code(pc: u64, bytes: &[u8]) {
    if machine().holds(pc) {
        session().executes(pc, bytes);
    }
}

/// # Safety
/// `insn` must be an instruction that QEMU is translating.
unsafe fn instrument(insn: *mut qemu::qemu_plugin_insn, site: &'static Site, level: Level) {
    let data = (&raw const *site).cast_mut().cast();
    let accesses = if level == Level::Loads {
        qemu::qemu_plugin_mem_rw::QEMU_PLUGIN_MEM_RW
    } else {
        qemu::qemu_plugin_mem_rw::QEMU_PLUGIN_MEM_W
    };
    // SAFETY: the caller vouches for the instruction; the callbacks get the site that they want.
    unsafe {
        qemu::qemu_plugin_register_vcpu_mem_cb(
            insn,
            Some(on_access),
            qemu::qemu_plugin_cb_flags::QEMU_PLUGIN_CB_NO_REGS,
            accesses,
            data,
        );
        if matches!(site.action, Action::Nothing | Action::Stores(_)) {
            return;
        }
        qemu::qemu_plugin_register_vcpu_insn_exec_cb(
            insn,
            Some(on_special),
            qemu::qemu_plugin_cb_flags::QEMU_PLUGIN_CB_R_REGS,
            data,
        );
    }
}
