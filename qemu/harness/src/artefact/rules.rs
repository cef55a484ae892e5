//! What the functions of a table must and must not be made of.

use super::{
    encoding::{Kind, dropped_by, fence_of, kind},
    program::{Entry, Function, Instruction, Program},
};
use crate::arch::Arch;

/// Checks the functions of one table, which should use the write-back called `table` (none for
/// `byte`). The answer is what is wrong.
pub fn table(program: &Program, entry: &Entry, table: &str) -> Result<(), String> {
    let arch = program.arch;
    for (name, address) in ["persist", "flush", "drain"]
        .into_iter()
        .zip(entry.functions)
    {
        let wrong =
            |why: String| format!("{name} for {} of {} bytes: {why}", entry.name, entry.line);
        let function = program
            .at(address)
            .ok_or_else(|| wrong(format!("no function at {address:#x}")))?;
        hot(arch, function).map_err(wrong)?;
        let (write_backs, fences) = (name != "drain" && table != "byte", name != "flush");
        uses(arch, function, table, write_backs, fences).map_err(wrong)?;
    }
    let wrong = |why: String| format!("drop for {} of {} bytes: {why}", entry.name, entry.line);
    match entry.drop.map(|address| program.at(address)) {
        None if table == "byte" => Ok(()),
        Some(Some(_)) if table == "byte" => Err(wrong("byte granularity has none".to_owned())),
        Some(Some(function)) => hot(arch, function)
            .and_then(|()| drops(arch, function, table))
            .map_err(wrong),
        None | Some(None) => Err(wrong("no function".to_owned())),
    }
}

/// Each line is written back and dropped, by what [`dropped_by`] says in that order, and nothing
/// returns before the fence.
fn drops(arch: Arch, function: &Function, table: &str) -> Result<(), String> {
    let (wanted, fence) = dropped_by(arch, table);
    let (mut used, mut fenced) = (0, false);
    for instruction in &function.instructions {
        match kind(arch, instruction) {
            Kind::WriteBack(name) if name == wanted[used % wanted.len()] => {
                (used, fenced) = (used + 1, false);
            }
            Kind::Fence(name) if name == fence => fenced = true,
            Kind::WriteBack(name) | Kind::Fence(name) | Kind::Store(name) => {
                return Err(format!("{name} has no place here"));
            }
            Kind::Other if is_return(arch, mnemonic(instruction)) && !fenced => {
                return Err(format!("returns without {fence}"));
            }
            Kind::Other => {}
        }
    }
    if used == 0 || used % wanted.len() != 0 {
        return Err(format!("{used} instructions, not each of {wanted:?}"));
    }
    Ok(())
}

/// A hot path: leaves itself only by returning, takes no lock, uses general registers only.
pub fn hot(arch: Arch, function: &Function) -> Result<(), String> {
    for instruction in &function.instructions {
        let wrong = |what: &str| Err(format!("{what}: `{}`", instruction.text));
        if leaves(arch, function, instruction) {
            return wrong("leaves the function (a call, or the way to a panic)");
        }
        if is_atomic(arch, mnemonic(instruction), &instruction.text) {
            return wrong("an atomic or locked instruction");
        }
    }
    general_registers(arch, function)
}

/// No vector or float register: their contents belong to whoever was interrupted.
pub fn general_registers(arch: Arch, function: &Function) -> Result<(), String> {
    let guilty = function.instructions.iter().find(|instruction| {
        let text = instruction
            .text
            .split(['#', '<'])
            .next()
            .unwrap_or_default();
        let operands = text.split_once(' ').map_or("", |(_, operands)| operands);
        let mut words = operands.split(|letter: char| !letter.is_ascii_alphanumeric());
        words.any(|word| is_vector(arch, word))
            || is_float(arch, mnemonic(instruction))
            || is_unknown(arch, instruction)
    });
    guilty.map_or(Ok(()), |instruction| {
        Err(format!(
            "uses vector or float registers, or something unknown: `{}`",
            instruction.text
        ))
    })
}

/// The right write-back and the right fence, the fence as the last thing before each return.
fn uses(
    arch: Arch,
    function: &Function,
    table: &str,
    write_backs: bool,
    fences: bool,
) -> Result<(), String> {
    let fence = fence_of(arch, table);
    let mut seen = false;
    let mut fenced = false;
    for instruction in &function.instructions {
        match kind(arch, instruction) {
            Kind::WriteBack(name) if write_backs && name == table => (seen, fenced) = (true, false),
            Kind::Fence(name) if fences && name == fence => fenced = true,
            Kind::WriteBack(name) => return Err(format!("{name} has no place here")),
            Kind::Fence(name) | Kind::Store(name) => {
                return Err(format!("{name} has no place here"));
            }
            Kind::Other if !is_return(arch, mnemonic(instruction)) => {}
            Kind::Other if fences && !fenced => return Err(format!("returns without {fence}")),
            Kind::Other => {}
        }
    }
    if write_backs && !seen {
        return Err(format!("never uses {table}"));
    }
    Ok(())
}

/// The functions that call into the panic machinery.
pub fn panics(program: &Program) -> Vec<&Function> {
    let machinery: Vec<_> = program
        .functions()
        .filter(|function| {
            function.name.starts_with("core::panicking::") || function.name.contains("begin_unwind")
        })
        .collect();
    let calls = |function: &&Function| {
        !machinery.iter().any(|panic| panic.start == function.start)
            && function
                .instructions
                .iter()
                .filter_map(|instruction| called(program, instruction))
                .any(|address| machinery.iter().any(|panic| panic.start == address))
    };
    program.functions().filter(calls).collect()
}

fn mnemonic(instruction: &Instruction) -> &str {
    instruction.text.split(' ').next().unwrap_or_default()
}

fn is_return(arch: Arch, mnemonic: &str) -> bool {
    match arch {
        Arch::X86_64 => matches!(mnemonic, "ret" | "retq"),
        Arch::Aarch64 | Arch::Riscv64 => mnemonic == "ret",
    }
}

/// The address that a branch or call names: `je 2014ad <name+0x2d>`.
pub(super) fn target(instruction: &Instruction) -> Option<u64> {
    let (before, _) = instruction.text.split_once('<')?;
    let address = before.trim_end().rsplit([' ', ',']).next()?;
    u64::from_str_radix(address.trim_start_matches("0x"), 16).ok()
}

/// The function that a call reaches. x86 calls through the linker's table of addresses, as in
/// `call *0x13e0(%rip)        # 202738 <symbol+0x148>`; RISC-V puts the sum of a pair of
/// instructions after the same sign.
pub(crate) fn called(program: &Program, instruction: &Instruction) -> Option<u64> {
    let Some((_, comment)) = instruction.text.split_once("# ") else {
        return target(instruction);
    };
    let address = comment.split(' ').next()?.trim_start_matches("0x");
    let address = u64::from_str_radix(address, 16).ok()?;
    match program.arch {
        Arch::X86_64 => program.word_at(address),
        Arch::Aarch64 | Arch::Riscv64 => Some(address),
    }
}

fn leaves(arch: Arch, function: &Function, instruction: &Instruction) -> bool {
    let inside = |address| (function.start..function.start + function.size).contains(&address);
    let mnemonic = mnemonic(instruction);
    let calls = match arch {
        Arch::X86_64 => mnemonic.starts_with("call") || mnemonic.starts_with("ud2"),
        Arch::Aarch64 => matches!(mnemonic, "bl" | "blr" | "br" | "brk" | "svc"),
        Arch::Riscv64 => {
            matches!(
                mnemonic,
                "jal" | "jalr" | "jr" | "call" | "tail" | "unimp" | "ecall"
            )
        }
    };
    let indirect = arch == Arch::X86_64 && mnemonic == "jmp" && instruction.text.contains('*');
    let jumps = match arch {
        Arch::X86_64 => mnemonic.starts_with('j'),
        Arch::Aarch64 => mnemonic.starts_with('b') || mnemonic.starts_with(['c', 't']),
        Arch::Riscv64 => mnemonic.starts_with(['b', 'j']),
    };
    calls || indirect || (jumps && target(instruction).is_some_and(|address| !inside(address)))
}

fn is_atomic(arch: Arch, mnemonic: &str, text: &str) -> bool {
    match arch {
        Arch::X86_64 => mnemonic == "lock" || (mnemonic.starts_with("xchg") && text.contains('(')),
        Arch::Aarch64 => {
            const PREFIXES: [&str; 14] = [
                "ldx", "ldax", "stx", "stlx", "cas", "swp", "ldadd", "ldset", "ldclr", "ldeor",
                "stadd", "stset", "stclr", "steor",
            ];
            PREFIXES.iter().any(|prefix| mnemonic.starts_with(prefix))
        }
        Arch::Riscv64 => ["lr.", "sc.", "amo"]
            .iter()
            .any(|prefix| mnemonic.starts_with(prefix)),
    }
}

fn is_vector(arch: Arch, register: &str) -> bool {
    let numbered = |letters: &[&str]| {
        letters.iter().any(|letter| {
            register
                .strip_prefix(letter)
                .is_some_and(|number| number.parse::<u8>().is_ok_and(|number| number < 32))
        })
    };
    match arch {
        Arch::X86_64 => numbered(&["xmm", "ymm", "zmm", "mm", "k", "tmm"]) || register == "st",
        Arch::Aarch64 => {
            let register = register
                .split_once('.')
                .map_or(register, |(register, _)| register);
            numbered(&["v", "q", "d", "s", "h", "b", "z", "p"]) && register != "sp"
        }
        Arch::Riscv64 => numbered(&["f", "ft", "fs", "fa", "v"]),
    }
}

/// The disassembler shows an instruction of an extension that it wasn't told of as a number.
fn is_unknown(arch: Arch, instruction: &Instruction) -> bool {
    let number = mnemonic(instruction).starts_with('.') || mnemonic(instruction) == "(bad)";
    number && kind(arch, instruction) == Kind::Other
}

/// Instructions that name no register of theirs.
fn is_float(arch: Arch, mnemonic: &str) -> bool {
    match arch {
        Arch::X86_64 => {
            matches!(
                mnemonic,
                "emms" | "fninit" | "fnstcw" | "fldcw" | "stmxcsr" | "ldmxcsr"
            )
        }
        Arch::Aarch64 => false,
        Arch::Riscv64 => mnemonic.starts_with("vset"),
    }
}
