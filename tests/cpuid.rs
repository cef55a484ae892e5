//! Which table each CPU gets, by captured and made-up CPUIDs.
#![cfg(target_arch = "x86_64")]

use kpmem::{
    Error, Granularity, Table,
    arch::{CLFLUSH, CLFLUSHOPT, CLFLUSHOPT_CLZERO, CLWB, CLWB_CLZERO, Cpu, Features},
};
use raw_cpuid::CpuIdResult;

/// The registers that selection reads: leaf 0 EAX, leaf 1 EBX and EDX, leaf 7.0 EBX.
#[derive(Clone, Copy)]
struct Leaves {
    vendor: &'static [u8; 12],
    max: u32,
    ebx1: u32,
    edx1: u32,
    ebx7: u32,
}

const INTEL: &[u8; 12] = b"GenuineIntel";
const ICE_LAKE_SP: Leaves = Leaves {
    vendor: INTEL,
    max: 0x1b,
    ebx1: 0x0040_0800,
    edx1: 0xbfeb_fbff,
    ebx7: 0xf3bf_bfeb,
};
const SKYLAKE_CLIENT: Leaves = Leaves {
    vendor: INTEL,
    max: 0x16,
    ebx1: 0x0010_0800,
    edx1: 0xbfeb_fbff,
    ebx7: 0x029c_6fbf,
};
const HASWELL: Leaves = Leaves {
    vendor: INTEL,
    max: 0xd,
    ebx1: 0x0010_0800,
    edx1: 0xbfeb_fbff,
    ebx7: 0x0000_27ab,
};
const ZEN_4: Leaves = Leaves {
    vendor: b"AuthenticAMD",
    max: 0x10,
    ebx1: 0x0010_0800,
    edx1: 0x178b_fbff,
    ebx7: 0xf1bf_97a9,
};
const NOTHING: Leaves = Leaves {
    vendor: INTEL,
    max: 1,
    ebx1: 0,
    edx1: 0,
    ebx7: 0,
};

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap())
}

fn cpu(leaves: Leaves) -> Cpu {
    let reader = move |leaf: u32, subleaf: u32| {
        let [mut eax, mut ebx, mut ecx, mut edx] = [0; 4];
        match (leaf, subleaf) {
            (0, _) => {
                eax = leaves.max;
                ebx = word(&leaves.vendor[0..4]);
                edx = word(&leaves.vendor[4..8]);
                ecx = word(&leaves.vendor[8..12]);
            }
            (1, _) => (ebx, edx) = (leaves.ebx1, leaves.edx1),
            (7, 0) => ebx = leaves.ebx7,
            _ => {}
        }
        CpuIdResult { eax, ebx, ecx, edx }
    };
    Cpu::from_cpuid(reader)
}

fn gets(leaves: Leaves, expected: &'static Table) {
    let table = cpu(leaves).table().unwrap();
    assert!(std::ptr::eq(table, expected), "got {}", table.name());
}

#[test]
fn each_cpu_gets_its_best_instruction() {
    gets(ICE_LAKE_SP, &CLWB[0]);
    gets(ZEN_4, &CLWB[0]);
    gets(SKYLAKE_CLIENT, &CLFLUSHOPT[0]);
    gets(HASWELL, &CLFLUSH[0]);
    // A hypervisor that hides the instruction.
    let mut filtered = cpu(ICE_LAKE_SP);
    filtered.features.remove(Features::CLWB);
    assert!(std::ptr::eq(filtered.table().unwrap(), &CLFLUSHOPT[0]));
}

#[test]
fn a_cpu_with_nothing_is_refused() {
    let error = cpu(NOTHING).table().unwrap_err();
    assert!(matches!(
        error,
        Error::Unsupported {
            granularity: Granularity::CacheLine,
            ..
        }
    ));
    assert!(error.to_string().contains("CLFLUSH"), "{error}");
}

#[test]
fn an_unknown_line_size_is_refused() {
    for (eighths, line) in [(0, 0), (4, 32), (16, 128), (255, 2040)] {
        let ebx1 = eighths << 8 | 0xff00_00ff;
        let error = cpu(Leaves { ebx1, ..ZEN_4 }).table().unwrap_err();
        let instruction = "clwb";
        assert_eq!(error, Error::LineSize { line, instruction });
    }
}

/// No other bit of the two registers says that an instruction is there.
#[test]
fn only_the_documented_bits_count() {
    for bit in 0..32 {
        let alone = 1 << bit;
        let max = 7;
        let basic = cpu(Leaves {
            edx1: alone,
            max,
            ..NOTHING
        })
        .features;
        let extended = cpu(Leaves {
            ebx7: alone,
            max,
            ..NOTHING
        })
        .features;
        assert_eq!(basic.contains(Features::CLFLUSH), bit == 19);
        assert_eq!(extended.contains(Features::CLFLUSHOPT), bit == 23);
        assert_eq!(extended.contains(Features::CLWB), bit == 24);
        assert!(basic.difference(Features::CLFLUSH).is_empty());
        assert!(!extended.contains(Features::CLFLUSH));
    }
}

#[test]
fn lines_are_zeroed_or_copied_whole_where_the_cpu_can() {
    let with = |features: Features| Cpu { features, line: 64 }.table().unwrap();
    let clwb = Features::CLWB | Features::CLFLUSHOPT | Features::CLFLUSH;
    let clflushopt = Features::CLFLUSHOPT | Features::CLFLUSH;
    for (features, table) in [
        (clwb | Features::CLZERO, &CLWB_CLZERO[0]),
        (clflushopt | Features::CLZERO, &CLFLUSHOPT_CLZERO[0]),
        // Zen 5 has both; by itself `movdir64b` is nobody's default.
        (
            clwb | Features::CLZERO | Features::MOVDIR64B,
            &CLWB_CLZERO[0],
        ),
        (clwb | Features::MOVDIR64B, &CLWB[0]),
        // Nothing would drop a line.
        (Features::CLWB | Features::CLFLUSH, &CLFLUSH[0]),
    ] {
        assert!(std::ptr::eq(with(features), table), "{features:?}");
    }
    assert_eq!(CLWB_CLZERO[0].name(), "clwb");
    for bit in 0..32 {
        let reader = move |leaf: u32, _| {
            let alone = 1 << bit;
            let (eax, ebx, ecx, edx) = match leaf {
                0 => (7, 0, 0, 0),
                7 => (0, 0, alone, 0),
                0x8000_0000 => (0x8000_0008, 0, 0, 0),
                0x8000_0008 => (0, alone, 0, 0),
                _ => (0, 0, 0, 0),
            };
            CpuIdResult { eax, ebx, ecx, edx }
        };
        let features = Cpu::from_cpuid(reader).features;
        assert_eq!(features.contains(Features::MOVDIR64B), bit == 28);
        assert_eq!(features.contains(Features::CLZERO), bit == 0);
    }
}

/// CPUID alone does not say that the system has enabled the registers.
#[cfg(feature = "vector")]
#[test]
fn vectors_need_what_xcr0_enables() {
    use kpmem::arch::vector::Width;
    const OSXSAVE: u32 = 1 << 27;
    const AVX: u32 = 1 << 28;
    const AVX512F: u32 = 1 << 16;
    let width = |ecx1: u32, ebx7: u32, xcr0: Option<u64>| {
        let reader = move |leaf: u32, _| {
            let (eax, ebx, ecx) = match leaf {
                0 => (7, 0, 0),
                1 => (0, 0, ecx1),
                7 => (0, ebx7, 0),
                _ => (0, 0, 0),
            };
            CpuIdResult {
                eax,
                ebx,
                ecx,
                edx: 0,
            }
        };
        Width::from_cpuid(reader, || xcr0.expect("XGETBV would be an invalid opcode"))
    };
    assert_eq!(width(AVX, AVX512F, None), Width::Sse2);
    assert_eq!(width(OSXSAVE, AVX512F, None), Width::Sse2);
    let all = OSXSAVE | AVX;
    for (xcr0, expected) in [
        (0x01, Width::Sse2),
        (0x03, Width::Sse2),
        (0x05, Width::Sse2),
        (0x07, Width::Avx),
        (0x27, Width::Avx),
        (0xc7, Width::Avx),
        (0xe7, Width::Avx512),
    ] {
        assert_eq!(width(all, AVX512F, Some(xcr0)), expected, "XCR0 {xcr0:#x}");
    }
    assert_eq!(width(all, 0, Some(0xe7)), Width::Avx);
}

#[test]
fn mixed_cpus_have_what_both_have_and_the_smaller_line() {
    let (new, old) = (cpu(ZEN_4), cpu(SKYLAKE_CLIENT));
    let wide = Cpu { line: 128, ..new };
    for common in [wide.common(old), old.common(wide)] {
        assert_eq!(common.line, 64);
        assert!(std::ptr::eq(common.table().unwrap(), &CLFLUSHOPT[0]));
    }
    assert_eq!(new.common(new), new);
}

/// Leaf 7 must not be believed where leaf 0 says that it does not exist.
#[test]
fn a_leaf_past_the_maximum_is_not_read() {
    gets(Leaves { max: 1, ..ZEN_4 }, &CLFLUSH[0]);
}
