//! Decoders against real assemblers' bytes.

mod aarch64;
mod riscv64;
mod x86_64;

use kpmem_marks::Op;
use kpmem_model::Isa;
use kpmem_model::decode::Action::{
    Atomic, Barrier as Fence, Flush, Mark, Nothing, Several, Stores, String, Zero,
};
use kpmem_model::decode::{Action, Address, Segment, acquires, decode};
use kpmem_model::event::{Access, Barrier, Domain, FenceSet, FlushKind, StoreOrder};
use kpmem_model::hash::Random;

/// Assembler text, bytes, meaning.
type Case = (&'static str, &'static [u8], Action);

const fn at(
    base: Option<u8>,
    index: Option<(u8, u8)>,
    displacement: i64,
    next_ip: bool,
    segment: Option<Segment>,
    narrow: bool,
) -> Address {
    Address {
        base,
        index,
        displacement,
        next_ip,
        segment,
        narrow,
    }
}

const fn fence(pred: u8, succ: u8) -> Barrier {
    Barrier::Fence {
        pred: FenceSet(pred),
        succ: FenceSet(succ),
    }
}

fn check(isa: Isa, cases: &[Case]) {
    for (text, bytes, expected) in cases {
        assert_eq!(decode(isa, bytes), *expected, "{text}");
        // Emulators may hand out more than the instruction.
        if *expected != Nothing {
            let longer = [bytes, [0x66, 0xf0, 0x0f, 0xae].as_slice()].concat();
            assert_eq!(
                decode(isa, &longer),
                *expected,
                "{text}, followed by others"
            );
        }
        // Nothing panics on a cut instruction.
        for len in 0..bytes.len() {
            decode(isa, &bytes[..len]);
        }
    }
}

#[test]
fn x86_64() {
    check(Isa::X86_64, x86_64::CASES);
}

#[test]
fn aarch64() {
    check(Isa::Aarch64, aarch64::CASES);
}

#[test]
fn riscv64() {
    check(Isa::Riscv64, riscv64::CASES);
}

#[test]
fn load_acquire() {
    for (text, bytes, expected) in aarch64::ACQUIRES {
        assert_eq!(acquires(Isa::Aarch64, bytes), *expected, "{text}");
    }
    // lr.d.aq, amoswap.d.aq, amoswap.d.rl, lr.d, ld.
    let words = [
        (0x1405_352f_u32, true),
        (0x0c65_b52f, true),
        (0x0a65_b52f, false),
        (0x1005_352f, false),
        (0x0005_3503, false),
    ];
    for (word, expected) in words {
        let bytes = word.to_le_bytes();
        assert_eq!(acquires(Isa::Riscv64, &bytes), expected, "{word:#x}");
    }
}

#[test]
fn addresses() {
    let registers = |number: u8| 0x1_0000_0000 + u64::from(number);
    let segment = |segment| {
        if segment == Segment::Gs {
            0x9000_0000_0000
        } else {
            0
        }
    };
    let resolve = |address: Address| address.resolve(registers, 0x40_0000, segment);
    assert_eq!(
        resolve(at(Some(3), Some((1, 3)), -8, false, None, false)),
        0x9_0000_0003
    );
    assert_eq!(
        resolve(at(None, None, 0x1234, true, None, false)),
        0x40_1234
    );
    assert_eq!(resolve(at(Some(7), None, 1, false, None, true)), 8);
    assert_eq!(
        resolve(at(Some(7), None, 1, false, Some(Segment::Gs), true)),
        0x9000_0000_0008
    );
    assert_eq!(resolve(at(None, None, -1, false, None, true)), 0xffff_ffff);
}

#[test]
fn no_bytes_make_a_decoder_panic() {
    let mut random = Random::new(3);
    let starts: [&[u8]; 6] = [
        &[],
        &[0x0f],
        &[0x66, 0x0f, 0xae],
        &[0x0f, 0x1f],
        &[0x62],
        &[0xc4],
    ];
    for round in 0..500_000 {
        let mut bytes = starts[round % starts.len()].to_vec();
        bytes.extend_from_slice(&random.word().to_le_bytes());
        bytes.truncate(random.below(12) as usize);
        for isa in [Isa::X86_64, Isa::Aarch64, Isa::Riscv64] {
            decode(isa, &bytes);
        }
    }
}
