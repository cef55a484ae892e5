//! What libc promises: the bytes, overlap in both directions, the returned pointer, and nothing
//! stored around the range.

use kpmem::{Flags, MemmoveFn, Table};

use super::{
    cases::{Case, Op, random, small},
    memory::Arena,
    strategies::{FLAGS, all},
};

/// Does `case` in `arena` by functions of a table.
pub fn call(table: &Table, arena: Arena, case: Case, flags: u32) -> *mut u8 {
    let dest = arena.at(case.dest);
    // SAFETY: cases lie inside their arena.
    unsafe {
        match case.op {
            Op::Move { src } => table.memmove_fn()(dest, arena.at(src), case.len, flags),
            Op::Set { byte } => {
                // Only the lowest eight bits count.
                table.memset_fn()(dest, i32::from(byte) | 0x5a00, case.len, flags)
            }
        }
    }
}

fn check(table: &Table, arena: Arena, cases: impl Iterator<Item = Case>) -> Result<(), String> {
    let mut before = arena.read();
    for (i, case) in cases.enumerate() {
        let flags = FLAGS[i % FLAGS.len()];
        let expected = case.expected(&before);
        let returned = call(table, arena, case, flags.bits());
        // SAFETY: a fence needs no range.
        unsafe { table.drain_fn()() };
        before = arena.read();
        if returned != arena.at(case.dest) {
            return Err(format!("{case:?} {flags:?}: returned {returned:p}"));
        }
        if before != expected {
            let at = (0..before.len()).find(|i| before[*i] != expected[*i]);
            return Err(format!("{case:?} {flags:?}: wrong byte at {at:?}"));
        }
    }
    Ok(())
}

#[test]
fn every_strategy_agrees_with_the_oracle() {
    let (large, little) = (Arena::new(6), Arena::new(1));
    for (name, table) in all() {
        large.scribble(1);
        check(table, large, random(large, 3000, 7)).unwrap_or_else(|e| panic!("{name}: {e}"));
        little.scribble(2);
        check(table, little, small()).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

/// Flags of a plain function that mean nothing must not be obeyed in part.
#[test]
fn nonsense_flags_still_copy() {
    let arena = Arena::new(1);
    let case = Case {
        dest: 64,
        len: 100,
        op: Op::Move { src: 80 },
    };
    for (name, table) in all() {
        for bits in (0..64).chain([1 << 6, 1 << 31, u32::MAX]) {
            arena.scribble(bits as usize);
            let expected = case.expected(&arena.read());
            assert_eq!(call(table, arena, case, bits), arena.at(case.dest));
            assert!(arena.read() == expected, "{name} with flags {bits:#x}");
        }
    }
}

#[test]
fn no_bytes_touch_nothing_whatever_the_pointers() {
    let nowhere = std::ptr::without_provenance_mut::<u8>;
    for (_, table) in all() {
        for flags in FLAGS.map(|flags| flags.bits()) {
            for address in [0, 1, 63, usize::MAX] {
                let ptr = nowhere(address);
                // SAFETY: no bytes are valid at any address.
                unsafe {
                    assert_eq!(table.memmove_fn()(ptr, nowhere(7), 0, flags), ptr);
                    assert_eq!(table.memset_fn()(ptr, 1, 0, flags), ptr);
                }
            }
        }
    }
}

/// The negative control: copies that are wrong as PMDK's and others' have been must not pass.
#[test]
fn the_suite_fails_wrong_copies() {
    let arena = Arena::new(1);
    let wrong: [(&str, MemmoveFn); 3] = [
        ("always ascending", ascending),
        ("a byte too many", too_long),
        ("returns the source", returns_source),
    ];
    for (name, memmove) in wrong {
        arena.scribble(3);
        let verdict = small()
            .filter(|case| case.len % 7 == 3)
            .try_for_each(|case| {
                let Op::Move { src } = case.op else {
                    return Ok(());
                };
                let expected = case.expected(&arena.read());
                // SAFETY: cases lie inside their arena, with room behind them.
                let returned = unsafe {
                    memmove(
                        arena.at(case.dest),
                        arena.at(src),
                        case.len,
                        Flags::empty().bits(),
                    )
                };
                if arena.read() == expected && returned == arena.at(case.dest) {
                    Ok(())
                } else {
                    Err(())
                }
            });
        assert!(verdict.is_err(), "the suite passed: {name}");
    }
}

unsafe extern "C" fn ascending(dest: *mut u8, src: *const u8, len: usize, _: u32) -> *mut u8 {
    for i in 0..len {
        // SAFETY: the caller's.
        unsafe { dest.add(i).write_volatile(src.add(i).read_volatile()) };
    }
    dest
}

unsafe extern "C" fn too_long(dest: *mut u8, src: *const u8, len: usize, _: u32) -> *mut u8 {
    // SAFETY: the caller's, with a byte of room.
    unsafe { src.copy_to(dest, len + 1) };
    dest
}

unsafe extern "C" fn returns_source(dest: *mut u8, src: *const u8, len: usize, _: u32) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe { src.copy_to(dest, len) };
    src.cast_mut()
}
