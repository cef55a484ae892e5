//! `pmem_persist` for `x86_64`. It means to round the start of a range down to a line, and clears
//! one bit of it alone: `and $-65` where `and $-64` was meant.

/// `and $-65, %reg` on a 64-bit register, without the byte that names the register.
const CLEARS_ONE_BIT: u8 = 0xbf;
/// `-64`.
const ROUNDS_DOWN: u8 = 0xc0;
/// A flush is not further behind the `and` than this, in bytes.
const NEAR: usize = 24;

/// Where the byte is that is wrong, of each flush loop.
fn loops(program: &[u8]) -> Vec<usize> {
    let found = program.windows(4).enumerate().filter(|(at, bytes)| {
        let is_and = matches!(bytes, [0x48, 0x83, 0xe0..=0xe7, CLEARS_ONE_BIT]);
        is_and && flushes(&program[at + 4..program.len().min(at + 4 + NEAR)])
    });
    found.map(|(at, _)| at + 3).collect()
}

/// Whether there is a `clflush (%reg)`, `clflushopt (%reg)` or `clwb (%reg)`.
fn flushes(code: &[u8]) -> bool {
    // Mod 0 and no SIB byte or displacement: neither 4 nor 5 is the register.
    let plain = |modrm: u8, op: u8| modrm >> 3 == op && !matches!(modrm & 7, 4 | 5);
    let mut windows = code.windows(4);
    windows.any(|bytes| match *bytes {
        [0x66, 0x0f, 0xae, modrm] => plain(modrm, 7) || plain(modrm, 6),
        [before, 0x0f, 0xae, modrm] if before != 0xf3 => plain(modrm, 7),
        _ => false,
    })
}

/// Mends all of them, and returns how many there are.
pub fn mend(program: &mut [u8]) -> usize {
    let loops = loops(program);
    for at in &loops {
        program[*at] = ROUNDS_DOWN;
    }
    loops.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `mov %rdi,%rax; add %rsi,%rdi; and $mask,%rax; cmp %rdi,%rax; jae; nop`, then the flush.
    fn code(mask: u8, flush: &[u8]) -> Vec<u8> {
        let before = [0x48, 0x89, 0xf8, 0x48, 0x01, 0xf7, 0x48, 0x83, 0xe0, mask];
        let between = [0x48, 0x39, 0xf8, 0x73, 0x0d, 0x90];
        let after = [0x48, 0x83, 0xc0, 0x40, 0x48, 0x39, 0xf8, 0x72, 0xf3, 0xc3];
        [&before[..], &between, flush, &after].concat()
    }

    const CLFLUSH: [u8; 3] = [0x0f, 0xae, 0x38];
    const CLFLUSHOPT: [u8; 4] = [0x66, 0x0f, 0xae, 0x38];
    const CLWB: [u8; 4] = [0x66, 0x0f, 0xae, 0x30];

    #[test]
    fn each_kind_of_loop_is_found_and_mended() {
        for flush in [&CLFLUSH[..], &CLFLUSHOPT, &CLWB] {
            let mut wrong = [&[0x90; 7][..], &code(0xbf, flush)].concat();
            let right = [&[0x90; 7][..], &code(0xc0, flush)].concat();
            assert_eq!(loops(&wrong), [16]);
            assert_eq!(mend(&mut wrong), 1);
            assert_eq!(wrong, right);
        }
        let mut all = [code(0xbf, &CLFLUSH), code(0xbf, &CLWB)].concat();
        assert_eq!(mend(&mut all), 2);
    }

    #[test]
    fn what_is_no_such_loop_is_left_alone() {
        let right = code(0xc0, &CLWB);
        let no_flush = code(0xbf, &[0x90; 4]);
        // sfence, lfence, and xsaveopt, which differs from clwb only by its prefix.
        let fences = code(
            0xbf,
            &[0x0f, 0xae, 0xf8, 0x0f, 0xae, 0xe8, 0x0f, 0xae, 0x30],
        );
        for code in [right, no_flush, fences, code(0xbf, &CLWB)[..12].to_vec()] {
            assert_eq!(loops(&code), [0; 0], "{code:02x?}");
        }
    }
}
