//! The negative control of [`durable`](super::durable): copies with a defect must not pass.

use kpmem::{Flags, Functions, Granularity, Lines, Table, arch::Mov};

use super::{
    cases::{Op, small},
    durable::{Both, check},
    memory::Arena,
    model::Modelled,
};

#[derive(Clone, Copy)]
#[repr(u8)]
enum Defect {
    TailNotFlushed,
    HeadNotFlushed,
    SourceFlushed,
    FlushedFirst,
    FlushedTwice,
    NoDrain,
    TwoDrains,
    DrainFirst,
    Bytes,
}

type Right = Lines<Modelled<64>, 64, Both<Mov, Mov>>;

/// The right functions, but for the copy.
const fn table<const DEFECT: u8>() -> Table {
    let right = Table::of::<Right>();
    let functions = Functions {
        memmove: broken::<DEFECT>,
        ..right.functions()
    };
    // SAFETY: nothing here must survive a power cut.
    unsafe { Table::from_functions("broken", Granularity::CacheLine, 64, functions) }
}

/// A copy with a defect, as found in the wild.
unsafe extern "C" fn broken<const DEFECT: u8>(
    dest: *mut u8,
    src: *const u8,
    len: usize,
    flags: u32,
) -> *mut u8 {
    let (right, flags) = (
        const { &Table::of::<Right>() },
        Flags::from_bits_retain(flags),
    );
    let (flush, drain) = (right.flush_fn(), right.drain_fn());
    let is = |defect: Defect| DEFECT == defect as u8;
    // SAFETY: the caller's.
    unsafe {
        if is(Defect::FlushedFirst) {
            flush(dest, len);
        }
        if is(Defect::DrainFirst) {
            drain();
        }
        if is(Defect::Bytes) {
            (0..len).for_each(|i| dest.add(i).write(src.add(i).read()));
        } else {
            // Stores alone.
            right.memmove_fn()(dest, src, len, Flags::NOFLUSH.bits());
        }
        if flags.contains(Flags::NOFLUSH) {
            return dest;
        }
        match () {
            () if is(Defect::FlushedFirst) => {}
            () if is(Defect::TailNotFlushed) => flush(dest, len & !63),
            () if is(Defect::HeadNotFlushed) => {
                let head = (dest.addr().wrapping_neg() % 64).min(len);
                flush(dest.add(head), len - head);
            }
            () if is(Defect::SourceFlushed) => flush(src, len),
            () => flush(dest, len),
        }
        if is(Defect::FlushedTwice) {
            flush(dest, len);
        }
        if !flags.contains(Flags::NODRAIN) && !is(Defect::NoDrain) && !is(Defect::DrainFirst) {
            drain();
        }
        if is(Defect::TwoDrains) {
            drain();
        }
    }
    dest
}

fn must_fail<const DEFECT: u8>() {
    let arena = Arena::new(1);
    arena.scribble(6);
    let moves = small().filter(|case| matches!(case.op, Op::Move { .. }) && case.len > 64);
    let verdict = moves.step_by(7).try_for_each(|case| {
        check(
            const { &table::<DEFECT>() },
            arena,
            case,
            Flags::empty(),
            false,
        )
    });
    assert!(verdict.is_err(), "the suite passed defect {DEFECT}");
}

#[test]
fn the_suite_fails_every_broken_copy() {
    must_fail::<{ Defect::TailNotFlushed as u8 }>();
    must_fail::<{ Defect::HeadNotFlushed as u8 }>();
    must_fail::<{ Defect::SourceFlushed as u8 }>();
    must_fail::<{ Defect::FlushedFirst as u8 }>();
    must_fail::<{ Defect::FlushedTwice as u8 }>();
    must_fail::<{ Defect::NoDrain as u8 }>();
    must_fail::<{ Defect::TwoDrains as u8 }>();
    must_fail::<{ Defect::DrainFirst as u8 }>();
    must_fail::<{ Defect::Bytes as u8 }>();
    // And what is left without a defect passes.
    let arena = Arena::new(1);
    for case in small()
        .filter(|case| matches!(case.op, Op::Move { .. }))
        .step_by(5)
    {
        check(
            const { &table::<{ u8::MAX }>() },
            arena,
            case,
            Flags::empty(),
            false,
        )
        .unwrap();
    }
}
