//! The kinds of objects that are tried: sources in `qemu/judged/c/`, and how they are compiled.

use crate::arch::Arch::{self, Aarch64, Riscv64, X86_64};

/// How a source is compiled; on one instruction set, or on all.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) source: &'static str,
    pub(super) flags: &'static [&'static str],
    pub(super) of: Option<Arch>,
    pub(super) asks: &'static [(&'static str, &'static str, Said)],
}

/// What must be said of a function, in these words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said {
    Right,
    Wrong(&'static str),
    Refused(&'static str),
}

use Said::{Refused, Right, Wrong};

/// For a shared library.
const PIC: &str = "-fPIC";

/// All of them.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "plain",
        source: "kinds.c",
        flags: &["-DIFUNC"],
        of: None,
        asks: &[
            ("persist", "right_thread_local", Right),
            ("persist", "right_constructed", Right),
            ("persist", "right_float", Right),
            ("persist", "right_sections", Right),
            ("memcpy", "right_fortified", Right),
            (
                "persist",
                "hidden_away",
                Refused("has hidden_away as static"),
            ),
            ("persist", "right_persits", Refused("it has right_persist,")),
            (
                "persist",
                "no_function",
                Refused("defines no_function as data"),
            ),
        ],
    },
    Kind {
        name: "what is missing",
        source: "missing.c",
        flags: &[],
        of: None,
        asks: &[
            ("persist", "right_missing", Right),
            (
                "persist",
                "wrong_missing",
                Wrong("it calls hidden_not_there, which"),
            ),
            (
                "persist",
                "not_there",
                Refused("calls not_there, and does not define it"),
            ),
        ],
    },
    Kind {
        name: "PIC without optimisation",
        source: "kinds.c",
        flags: &[PIC, "-O0"],
        of: None,
        asks: &[
            ("persist", "right_thread_local", Right),
            ("persist", "right_data", Right),
            ("persist", "right_atomic", Right),
        ],
    },
    Kind {
        name: "a profile, a stack protector, sections of each function",
        source: "kinds.c",
        flags: &[
            "-pg",
            "-fstack-protector-all",
            "-ffunction-sections",
            "-fdata-sections",
        ],
        of: None,
        asks: &[("persist", "right_stack", Right)],
    },
    Kind {
        name: "names of the guest's",
        source: "own.c",
        flags: &["-fno-builtin"],
        of: None,
        asks: &[
            ("persist", "right_own_malloc", Right),
            ("memset", "memset", Right),
            ("memcpy", "right_memcpy", Right),
            ("memcpy", "memcpy", Wrong("leaves another byte")),
            ("memcpy", "wrong_by_memcpy", Wrong("leaves another byte")),
        ],
    },
    Kind {
        name: "C++",
        source: "kinds.cpp",
        flags: &["-std=c++17"],
        of: None,
        asks: &[
            ("persist", "right_persist", Right),
            ("persist", "right_global", Right),
            ("persist", "right_throws", Right),
            ("persist", "wrong_persist", Wrong("unflushed")),
            ("persist", "mangled", Refused("it has _Z7mangledPKvm")),
        ],
    },
    Kind {
        name: "PIC in C++",
        source: "kinds.cpp",
        flags: &["-std=c++17", PIC],
        of: None,
        asks: &[("persist", "right_persist", Right)],
    },
    Kind {
        name: "LTO",
        source: "kinds.c",
        flags: &["-flto"],
        of: None,
        asks: &[("persist", "right_data", Refused("bitcode"))],
    },
    Kind {
        name: "an address sanitizer",
        source: "kinds.c",
        flags: &["-fsanitize=address"],
        of: None,
        asks: &[("persist", "right_data", Refused("-fsanitize=address"))],
    },
    Kind {
        name: "a sanitizer of undefined behaviour",
        source: "kinds.c",
        flags: &["-fsanitize=undefined"],
        of: None,
        asks: &[("persist", "right_data", Right)],
    },
    Kind {
        name: "an ifunc",
        source: "kinds.c",
        flags: &["-DIFUNC"],
        of: Some(X86_64),
        asks: &[
            ("persist", "right_ifunc", Right),
            ("persist", "indirect", Refused("has indirect as an ifunc")),
        ],
    },
    Kind {
        name: "Linux's kernel",
        source: "kinds.c",
        flags: &[
            "-mcmodel=kernel",
            "-mno-red-zone",
            "-mretpoline",
            "-mretpoline-external-thunk",
            "-pg",
            "-mfentry",
            "-fstack-protector-all",
            "-mstack-protector-guard-reg=gs",
        ],
        of: Some(X86_64),
        asks: &[("persist", "right_data", Right)],
    },
    Kind {
        name: "a large model",
        source: "kinds.c",
        flags: &["-mcmodel=large"],
        of: Some(X86_64),
        asks: &[("persist", "right_data", Right)],
    },
    Kind {
        name: "outline atomics",
        source: "kinds.c",
        flags: &["-moutline-atomics"],
        of: Some(Aarch64),
        asks: &[("persist", "right_atomic", Right)],
    },
    Kind {
        name: "big-endian",
        source: "kinds.c",
        flags: &["--target=aarch64_be-linux-gnu"],
        of: Some(Aarch64),
        asks: &[("persist", "right_data", Refused("is big-endian"))],
    },
    Kind {
        name: "relaxation",
        source: "kinds.c",
        flags: &["-mrelax"],
        of: Some(Riscv64),
        asks: &[("persist", "right_data", Right)],
    },
    Kind {
        name: "vectors",
        source: "kinds.c",
        flags: &["-march=rv64gcv", "-O3"],
        of: Some(Riscv64),
        asks: &[("memcpy", "right_memcpy", Right)],
    },
    Kind {
        name: "a low model",
        source: "kinds.c",
        flags: &["-mcmodel=medlow", "-fno-pie"],
        of: Some(Riscv64),
        asks: &[("persist", "right_data", Refused("-mcmodel=medany"))],
    },
    Kind {
        name: "32 bits",
        source: "bare.c",
        flags: &[
            "--target=riscv32-unknown-elf",
            "-march=rv32gc",
            "-mabi=ilp32d",
        ],
        of: Some(Riscv64),
        asks: &[("persist", "f", Refused("32-bit"))],
    },
    Kind {
        name: "x32",
        source: "bare.c",
        flags: &["--target=x86_64-linux-gnux32"],
        of: Some(X86_64),
        asks: &[("persist", "f", Refused("32-bit pointers|32-bit object"))],
    },
    Kind {
        name: "Mach-O",
        source: "bare.c",
        flags: &["--target=x86_64-apple-macos"],
        of: Some(X86_64),
        asks: &[("persist", "f", Refused("ELF is wanted"))],
    },
    Kind {
        name: "an instruction that QEMU lacks",
        source: "bare.c",
        flags: &["-DZMM", "-mavx512f"],
        of: Some(X86_64),
        asks: &[(
            "persist",
            "f",
            Wrong("an instruction that QEMU's CPU does not have"),
        )],
    },
];
