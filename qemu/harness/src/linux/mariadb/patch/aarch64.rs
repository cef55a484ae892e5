//! `pmem_persist` for Arm. It rounds by `and x0, x0, #~128`, which clears one bit of the address;
//! it goes on in steps of 128 bytes, whatever the CPU's lines are; and it ends by `dmb ishst`,
//! which does not wait for a clean.

use super::Server;
use std::ops::Range;

/// `dc cvac, x0` and `dc cvap, x0` (Arm ARM, "DC CVAC" and "DC CVAP"); bits 4:0 are the register.
const CLEANS: [u32; 2] = [0xd50b_7a20, 0xd50b_7c20];
/// Bits 4:0 of most instructions: a register.
const REGISTER: u32 = 0x1f;
/// `dmb ishst`.
const DMB: u32 = 0xd503_3abf;
/// `dsb sy`.
const DSB: u32 = 0xd503_3f9f;
/// The `and` is not further before the clean than this, and the barrier not further behind it, in
/// instructions.
const NEAR: usize = 6;

/// Where the instructions of a flush loop are, and what they are about.
#[derive(Debug, PartialEq, Eq)]
struct Loop {
    and: usize,
    add: usize,
    barrier: usize,
    register: u32,
}

/// Mends what `server` is to have mended, of each loop, for lines of so many bytes; returns how
/// many loops there are.
pub fn mend(program: &mut [u8], server: Server, line: usize) -> usize {
    let loops = loops(program);
    for it in &loops {
        if matches!(server, Server::Mended | Server::Lines) {
            put(program, it.and, rounds_down(line, it.register));
            put(program, it.add, adds(line, it.register));
        }
        if matches!(server, Server::Mended | Server::Barrier) {
            put(program, it.barrier, DSB);
        }
    }
    loops.len()
}

/// `and`, clean and `add` of one register, and the barrier.
fn loops(program: &[u8]) -> Vec<Loop> {
    let words = program.len() / 4;
    let near = |range: Range<usize>, what: &dyn Fn(u32) -> bool| {
        let mut range = range.start..range.end.min(words);
        range.find(|at| what(word(program, *at)))
    };
    let all = (0..words).filter_map(|clean| {
        let register = word(program, clean) & REGISTER;
        if !CLEANS.contains(&(word(program, clean) & !REGISTER)) {
            return None;
        }
        let mut found = (3..=12).filter_map(|bit| {
            Some(Loop {
                and: near(clean.saturating_sub(NEAR)..clean, &|it| {
                    it == clears(bit, register)
                })?,
                add: near(clean..clean + NEAR, &|it| it == adds(1 << bit, register))?,
                barrier: near(clean..clean + NEAR, &|it| it == DMB)?,
                register,
            })
        });
        found.next()
    });
    all.collect()
}

/// `and xR, xR, #~(1 << bit)`: 63 ones, rotated (Arm ARM, "DecodeBitMasks").
fn clears(bit: u32, register: u32) -> u32 {
    and(63 - bit, 62, register)
}

/// `and xR, xR, #-line`.
fn rounds_down(line: usize, register: u32) -> u32 {
    let bit = line.trailing_zeros();
    and(64 - bit, 63 - bit, register)
}

fn and(rotated: u32, ones: u32, register: u32) -> u32 {
    0x9240_0000 | rotated << 16 | ones << 10 | register << 5 | register
}

/// `add xR, xR, #line`, if lines are less than 4096 bytes.
fn adds(line: usize, register: u32) -> u32 {
    0x9100_0000 | (line as u32 & 0xfff) << 10 | register << 5 | register
}

fn word(program: &[u8], at: usize) -> u32 {
    let bytes = program[4 * at..4 * at + 4].try_into();
    u32::from_le_bytes(bytes.expect("four bytes"))
}

fn put(program: &mut [u8], at: usize, word: u32) {
    program[4 * at..4 * at + 4].copy_from_slice(&word.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `add x1, x0, x1; and; cmp x0, x1; b.cs; clean; add; cmp x1, x0; b.hi; barrier; ret`.
    fn code([and, clean, add, barrier]: [u32; 4]) -> Vec<u8> {
        let words = [
            0x8b01_0001,
            and,
            0xeb01_001f,
            0x5400_00a2,
            clean,
            add,
            0xeb00_003f,
            0x54ff_ffa8,
            barrier,
            0xd65f_03c0,
        ];
        words.map(u32::to_le_bytes).concat()
    }

    /// As the server has it: `and x0, x0, #~128`, `add x0, x0, #128`.
    const AND: u32 = 0x9278_f800;
    const ADD: u32 = 0x9102_0000;
    /// `and x0, x0, #-64`, `add x0, x0, #64`.
    const DOWN: u32 = 0x927a_e400;
    const STEP: u32 = 0x9101_0000;

    #[test]
    fn each_kind_of_loop_is_found_and_mended() {
        for clean in CLEANS {
            for (server, right) in [
                (Server::Stock, [AND, clean, ADD, DMB]),
                (Server::Lines, [DOWN, clean, STEP, DMB]),
                (Server::Barrier, [AND, clean, ADD, DSB]),
                (Server::Mended, [DOWN, clean, STEP, DSB]),
            ] {
                let mut program = code([AND, clean, ADD, DMB]);
                assert_eq!(mend(&mut program, server, 64), 1);
                assert_eq!(program, code(right), "{server:?}");
            }
        }
        let mut all = CLEANS.map(|it| code([AND, it, ADD, DMB])).concat();
        assert_eq!(mend(&mut all, Server::Mended, 64), 2);
    }

    #[test]
    fn what_is_no_such_loop_is_left_alone() {
        let [_, cvap] = CLEANS;
        for other in [
            // Rounded down, and in steps of a line.
            [DOWN, cvap, STEP, DMB],
            // `dc cvau`.
            [AND, 0xd50b_7b20, ADD, DMB],
            [AND, cvap, STEP, DMB],
            [AND, cvap, ADD, DSB],
            // Another register's.
            [AND, cvap | 2, ADD, DMB],
        ] {
            let mut program = code(other);
            assert_eq!(mend(&mut program, Server::Mended, 64), 0, "{other:08x?}");
            assert_eq!(program, code(other));
        }
        assert_eq!(mend(&mut [0; 7], Server::Mended, 64), 0);
    }
}
