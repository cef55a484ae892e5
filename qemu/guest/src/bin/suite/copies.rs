//! Copies and fills on the NVDIMM, by every strategy: what libc promises, at every alignment, and
//! at the edges of what is mapped.

use crate::{
    outcome::{Case, Outcome, ensure, ensure_eq},
    strategies::{all, strictly},
    window::Window,
};
use core::slice;
use kpmem::{BYTE, Error, Flags, Map, Table};
use kpmem_log::pattern;
use kpmem_runtime::{Machine, memory, memory::PAGE};

pub const CASES: &[Case] = &[
    ("copies_agree_with_an_oracle", oracle),
    ("copies_between_guard_pages_do_not_fault", between_guards),
    ("copies_reach_the_top_of_the_address_space", top),
    ("checked_copies_refuse_what_is_wrong", checked),
    #[cfg(target_arch = "x86_64")]
    ("vectors_are_used_inside_their_guard", vectors),
];

/// A place that no other case uses.
const AREA: usize = 3 << 20;
/// Bytes around the ranges, all of which are compared.
const FRAME: usize = 1024;

const FLAGS: [Flags; 6] = [
    Flags::empty(),
    Flags::TEMPORAL,
    Flags::NONTEMPORAL,
    Flags::NOFLUSH,
    Flags::NODRAIN,
    Flags::WC,
];

/// One call, in a frame.
#[derive(Clone, Copy, Debug)]
enum Call {
    Move { dest: usize, src: usize, len: usize },
    Set { dest: usize, byte: u8, len: usize },
}

impl Call {
    fn run(self, table: &Table, frame: *mut u8, flags: Flags) -> bool {
        // SAFETY: calls lie inside their frame.
        unsafe {
            match self {
                Self::Move { dest, src, len } => {
                    let dest = frame.add(dest);
                    table.memmove_fn()(dest, frame.add(src), len, flags.bits()) == dest
                }
                Self::Set { dest, byte, len } => {
                    let dest = frame.add(dest);
                    table.memset_fn()(dest, byte.into(), len, flags.bits()) == dest
                }
            }
        }
    }

    /// The byte at `at` afterwards.
    fn expected(self, before: &[u8], at: usize) -> u8 {
        match self {
            Self::Move { dest, src, len } if (dest..dest + len).contains(&at) => {
                before[at - dest + src]
            }
            Self::Set { dest, byte, len } if (dest..dest + len).contains(&at) => byte,
            _ => before[at],
        }
    }
}

fn calls() -> impl Iterator<Item = Call> {
    let offsets = (0..9).chain([57, 60, 64]);
    let lens = (0..20).chain([
        24, 31, 32, 33, 40, 56, 63, 64, 65, 72, 128, 130, 136, 200, 264,
    ]);
    let pairs = offsets.flat_map(move |offset| lens.clone().map(move |len| (320 + offset, len)));
    pairs.flat_map(|(dest, len)| {
        let sources = [
            dest,
            dest - 1,
            dest + 1,
            dest - 8,
            dest + 8,
            dest - 64,
            dest + 67,
            640,
            643,
        ];
        let moves = sources.map(|src| Call::Move { dest, src, len });
        moves
            .into_iter()
            .chain([0, 0xa5].map(|byte| Call::Set { dest, byte, len }))
    })
}

fn oracle(machine: &Machine) -> Outcome {
    let before = memory::allocate(FRAME, 8);
    let frame = machine.address().wrapping_add(AREA);
    for (number, table) in all(machine).enumerate() {
        for (count, call) in calls().enumerate() {
            let flags = FLAGS[(count + number) % FLAGS.len()];
            // SAFETY: inside the NVDIMM; the slice is out of use before the call.
            let bytes = unsafe { slice::from_raw_parts_mut(frame, FRAME) };
            if count % 16 == 0 {
                bytes
                    .iter_mut()
                    .zip(pattern(count as u64))
                    .for_each(|(byte, value)| *byte = value);
            }
            before.copy_from_slice(bytes);
            let returned = strictly(|| call.run(table, frame, flags));
            ensure!(returned, "table {number}: {call:?} returns another pointer");
            // SAFETY: as above.
            let bytes = unsafe { slice::from_raw_parts(frame, FRAME) };
            let same = (0..FRAME).all(|at| bytes[at] == call.expected(before, at));
            ensure!(
                same,
                "table {number} ({}): {call:?} {flags:?}",
                table.name()
            );
        }
    }
    Ok(())
}

fn between_guards(machine: &Machine) -> Outcome {
    for table in all(machine) {
        let window = Window::new(machine, 1);
        let middle = window.ptr(2000);
        for len in (1..=80).chain([200, 513]) {
            for edge in [window.ptr(0), window.ptr((PAGE - len) as isize)] {
                for flags in FLAGS.map(|flags| flags.bits()) {
                    // SAFETY: the ranges are mapped, and an access beside them is a trap.
                    unsafe {
                        table.memmove_fn()(edge, middle, len, flags);
                        table.memmove_fn()(middle.add(3), edge, len, flags);
                        table.memset_fn()(edge, 0, len, flags);
                    }
                }
            }
        }
    }
    Ok(())
}

fn top(machine: &Machine) -> Outcome {
    for table in all(machine) {
        let window = Window::top(machine);
        for len in [1, 7, 8, 9, 64, 65, 200, PAGE / 2] {
            let start = window.ptr((PAGE - len) as isize);
            ensure_eq!(start.addr().wrapping_add(len), 0);
            for flags in FLAGS.map(|flags| flags.bits()) {
                // SAFETY: mapped, and only this case uses it.
                unsafe {
                    table.memset_fn()(start, 0x5a, len, flags);
                    ensure_eq!(start.add(len - 1).read_volatile(), 0x5a);
                    table.memmove_fn()(start, window.ptr(0), len, flags);
                    table.memmove_fn()(window.ptr(0), start, len, flags);
                }
            }
        }
    }
    Ok(())
}

fn checked(machine: &Machine) -> Outcome {
    // SAFETY: the NVDIMM is mapped; durability is not what this case is about.
    let map = unsafe { Map::with_table(machine.address(), machine.size(), &BYTE) }?;
    let place = map.address().wrapping_add(AREA);
    // SAFETY: inside the NVDIMM, which only this case uses now; or refused.
    unsafe {
        map.write(place.cast(), 0x0102_0304_0506_0708_u64)?;
        map.copy_from_slice(place.add(8), b"kpmem")?;
        map.memset(place.add(13), b'!', 3, Flags::empty())?;
        ensure_eq!(place.cast::<u64>().read_volatile(), 0x0102_0304_0506_0708);
        ensure_eq!(place.add(8).cast::<[u8; 8]>().read_volatile(), *b"kpmem!!!");
        let outside = map.write(map.address().wrapping_add(map.size()).cast(), 1_u64);
        ensure!(
            matches!(outside, Err(Error::OutsideMap { .. })),
            "stores outside the map"
        );
        let flags = map.memset(place, 0, 8, Flags::TEMPORAL | Flags::NONTEMPORAL);
        ensure!(
            matches!(flags, Err(Error::Flags { .. })),
            "contradictory flags are accepted"
        );
        let misaligned = map.write(place.add(1).cast(), 1_u64);
        ensure!(
            matches!(misaligned, Err(Error::Misaligned { .. })),
            "stores a value misaligned"
        );
    }
    Ok(())
}

/// Outside the guard they are a trap, which every other case would run into.
#[cfg(target_arch = "x86_64")]
fn vectors(machine: &Machine) -> Outcome {
    use kpmem_runtime::vectors::Lent;
    let frame = machine.address().wrapping_add(AREA);
    for table in crate::strategies::vectors() {
        for flags in [Flags::NONTEMPORAL, Flags::TEMPORAL] {
            let before = Lent::entered();
            // SAFETY: inside the NVDIMM, at a place that only these cases use.
            unsafe {
                table.memset_fn()(frame, 0x6b, FRAME, flags.bits());
                table.memmove_fn()(frame, frame.add(FRAME), FRAME, flags.bits());
            }
            // Through the cache, lines are stored chunk by chunk.
            let entered = Lent::entered() - before;
            ensure!((2..=4).contains(&entered), "entered {entered} times");
            ensure!(Lent::is_out(), "vectors are still usable");
        }
    }
    Ok(())
}
