//! What is measured.

use kpmem::{Flags, Granularity};

use crate::memory::Placement;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Persist,
    Drain,
    FlushDrain,
    EightFlushesDrain,
    Memcpy,
    MemsetZero,
    /// A copy, after which each line is read.
    ReadBack,
}

impl Op {
    pub fn name(self) -> &'static str {
        match self {
            Self::Persist => "persist",
            Self::Drain => "drain",
            Self::FlushDrain => "flush+drain",
            Self::EightFlushesDrain => "8 flushes+drain",
            Self::Memcpy => "memcpy",
            Self::MemsetZero => "memset",
            Self::ReadBack => "memcpy+read",
        }
    }

    pub fn copies(self) -> bool {
        matches!(self, Self::Memcpy | Self::MemsetZero | Self::ReadBack)
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub op: Op,
    pub size: usize,
    pub placement: Placement,
    pub align: usize,
    pub flags: Flags,
    pub granularity: Granularity,
}

impl Case {
    pub fn flags_name(&self) -> String {
        if self.flags.is_empty() {
            return "default".to_owned();
        }
        let names: Vec<_> = self.flags.iter_names().map(|(name, _)| name).collect();
        names.join("+")
    }
}

const KIB: usize = 1024;
const COPIES: [usize; 16] = [
    8,
    16,
    32,
    64,
    128,
    256,
    512,
    KIB,
    2 * KIB,
    4 * KIB,
    16 * KIB,
    64 * KIB,
    256 * KIB,
    KIB * KIB,
    2 * KIB * KIB,
    4 * KIB * KIB,
];
const MODES: [Flags; 5] = [
    Flags::empty(),
    Flags::TEMPORAL,
    Flags::NONTEMPORAL,
    Flags::WC,
    Flags::WB,
];

/// All cases.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    for granularity in [Granularity::CacheLine, Granularity::Byte] {
        let case = |op, size, placement, align, flags| Case {
            op,
            size,
            placement,
            align,
            flags,
            granularity,
        };
        let none = Flags::empty();
        for size in [1, 8, 64, 256, 4 * KIB, 64 * KIB] {
            all.push(case(Op::Persist, size, Placement::Hot, 0, none));
            all.push(case(Op::FlushDrain, size, Placement::Hot, 0, none));
        }
        all.push(case(Op::Drain, 0, Placement::Hot, 0, none));
        all.push(case(Op::EightFlushesDrain, 8, Placement::Hot, 0, none));
        for placement in [Placement::Hot, Placement::Cold, Placement::Random] {
            for (op, align) in [
                (Op::Memcpy, 0),
                (Op::Memcpy, 8),
                (Op::Memcpy, 1),
                (Op::MemsetZero, 0),
                (Op::MemsetZero, 8),
            ] {
                for flags in MODES {
                    // WC and WB are hints for what the two others say; once is enough.
                    let hint = flags.intersects(Flags::WC | Flags::WB);
                    if hint && (align != 0 || placement != Placement::Cold) {
                        continue;
                    }
                    all.extend(COPIES.map(|size| case(op, size, placement, align, flags)));
                }
            }
        }
        for flags in [none, Flags::TEMPORAL] {
            for size in [8, 64, 256, KIB, 4 * KIB, 64 * KIB] {
                all.push(case(Op::ReadBack, size, Placement::Hot, 0, flags));
                all.push(case(Op::ReadBack, size, Placement::Cold, 0, flags));
            }
        }
    }
    all
}
