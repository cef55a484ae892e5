//! Marks: what the kernel says to the session, and what that means to CPUs that take turns.

use kpmem_marks::Op;

use crate::{
    group::Groups,
    hooks::{groups, machine, session},
    schedule,
};

/// A mark was executed.
///
/// # Safety
/// Only from a vCPU's callback.
pub unsafe fn mark(cpu: u8, op: Op, [a, b, c]: [u64; 3], pc: u64) {
    match op {
        Op::Begin => return begin(cpu, a, pc),
        Op::End => {
            let run = schedule::finish();
            session().end(cpu, pc, run);
        }
        Op::CrashPoint => session().crash_point(cpu, pc),
        // SAFETY: as the caller vouches.
        Op::Claim => unsafe { session().claim(cpu, a, b, c, pc) },
        Op::NextCrash => session().next_crash(),
        Op::Verdict => session().verdict(a),
        Op::Mapped => session().mapped(a, b, c),
        Op::Again => {
            if !session().again() {
                schedule::release();
            }
        }
    }
    if matches!(op, Op::Claim | Op::CrashPoint) {
        schedule::says(cpu, pc);
    } else {
        schedule::goes_on(cpu);
    }
}

/// A workload begins: where CPUs take turns, when the others have come to where they wait.
fn begin(cpu: u8, id: u64, pc: u64) {
    if !machine().scheduled {
        return session().begin(cpu, id, pc);
    }
    schedule::gather(cpu);
    *groups() = Groups::new();
    let mut session = session();
    session.begin(cpu, id, pc);
    let schedule = session.schedule();
    drop(session);
    schedule::start(schedule.unwrap_or_default());
}
