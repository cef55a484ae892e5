//! Arbitrary bytes: nothing panics, hangs or reads outside, whatever is in a table.

use crate::{ask, build::fix, cedt, fdt, nfit, srat};

/// Each byte in turn, with some values. Returns how many of the results were still tables.
pub fn each_byte(bytes: &[u8], visit: impl Fn(&[u8]) -> bool) -> usize {
    let mut damaged = bytes.to_vec();
    let mut sound = 0;
    for at in 0..bytes.len() {
        for value in [0, 0x7f, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(4)] {
            damaged[at] = value;
            sound += usize::from(visit(&damaged));
        }
        damaged[at] = bytes[at];
    }
    sound
}

/// The same of a table of ACPI, with the sum and the length made right again.
fn each_byte_summed(table: &[u8], visit: impl Fn(&[u8]) -> bool) {
    assert!(visit(table));
    let sound = each_byte(table, |damaged| {
        let mut damaged = damaged.to_vec();
        fix(&mut damaged);
        visit(&damaged)
    });
    assert!(
        sound > table.len(),
        "only {sound} damaged tables came past the sum"
    );
}

#[test]
fn any_changed_byte_is_survived() {
    each_byte_summed(&nfit::full(), ask::nfit);
    each_byte_summed(nfit::QEMU, ask::nfit);
    each_byte_summed(
        &cedt::cedt(&[cedt::window([cedt::UNIT, 4 * cedt::UNIT], 2, 1, 8, 4)]),
        ask::cedt,
    );
    each_byte_summed(&srat::srat(&[srat::memory(1, 4096, 4096, 7)]), ask::srat);
    each_byte_summed(&crate::rhct::two(b"rv64_zicbom", b"rv64_zicboz"), ask::rhct);
}

#[test]
fn arbitrary_bytes_are_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let seeds = [
        nfit::full(),
        cedt::cedt(&[cedt::window([cedt::UNIT, 4 * cedt::UNIT], 2, 1, 8, 4)]),
        srat::srat(&[srat::memory(1, 4096, 4096, 7)]),
        crate::rhct::two(b"rv64_zicbom", b"rv64_zicboz"),
        fdt::tree(&[("pmem@1", &[4096, 4096], false)]),
    ];
    for _ in 0..100_000 {
        let mut bytes = seeds[next() as usize % seeds.len()].clone();
        for _ in 0..next() % 8 {
            let at = next() as usize % bytes.len();
            bytes[at] = next() as u8;
        }
        bytes.truncate(bytes.len() - (next() as usize % 3) * (next() as usize % 40));
        if !bytes.starts_with(&[0xd0, 0x0d]) {
            fix(&mut bytes);
        }
        for entry in [
            ask::nfit,
            ask::cedt,
            ask::srat,
            ask::rhct,
            ask::fdt,
            ask::find,
        ] {
            entry(&bytes);
        }
    }
}
