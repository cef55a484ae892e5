//! The instructions that matter, told by their bytes: a disassembler may call them anything.

use super::program::Instruction;
use crate::arch::Arch;

/// What an instruction does for persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Writes a line back: the name of the tables made of it.
    WriteBack(&'static str),
    /// A fence, by its mnemonic.
    Fence(&'static str),
    /// Stores a whole block, by its mnemonic.
    Store(&'static str),
    /// Anything else.
    Other,
}

/// Which of these an instruction is.
pub fn kind(arch: Arch, instruction: &Instruction) -> Kind {
    match arch {
        Arch::X86_64 => x86_64(&instruction.bytes),
        Arch::Aarch64 => aarch64(word(&instruction.bytes)),
        Arch::Riscv64 => riscv64(word(&instruction.bytes)),
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

/// SDM Volume 2, "CLWB", "CLFLUSHOPT", "CLFLUSH", "SFENCE", "MFENCE", "LFENCE": all are 0F AE,
/// told apart by the prefix 66 and the ModRM byte.
fn x86_64(bytes: &[u8]) -> Kind {
    let (wide, rest) = match bytes {
        [0x66, rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let rest = match rest {
        [0x40..=0x4f, rest @ ..] => rest,
        rest => rest,
    };
    let [0x0f, 0xae, modrm, ..] = rest else {
        return Kind::Other;
    };
    let memory = modrm >> 6 != 3;
    match (wide, memory, (modrm >> 3) & 7) {
        (true, true, 6) => Kind::WriteBack("clwb"),
        (true, true, 7) => Kind::WriteBack("clflushopt"),
        (false, true, 7) => Kind::WriteBack("clflush"),
        (false, false, 5) => Kind::Fence("lfence"),
        (false, false, 6) => Kind::Fence("mfence"),
        (false, false, 7) => Kind::Fence("sfence"),
        _ => Kind::Other,
    }
}

/// Arm Architecture Reference Manual, "DC CVAC", "DC CVAP", "DC CVADP", "DC CIVAC", "DC IVAC"
/// (aliases of SYS; the lowest five bits are the register) and "DSB".
fn aarch64(word: u32) -> Kind {
    match (word & !0x1f, word) {
        (0xd50b_7a20, _) => Kind::WriteBack("cvac"),
        (0xd50b_7c20, _) => Kind::WriteBack("cvap"),
        (0xd50b_7d20, _) => Kind::WriteBack("cvadp"),
        (0xd50b_7e20, _) => Kind::WriteBack("civac"),
        (0xd508_7620, _) => Kind::WriteBack("ivac, which discards data"),
        (_, 0xd503_3f9f) => Kind::Fence("dsb sy"),
        (_, 0xd503_3e9f) => Kind::Fence("dsb st"),
        _ => match word & 0xffff_f0ff {
            0xd503_309f => Kind::Fence("dsb, not sy or st"),
            0xd503_30bf => Kind::Fence("dmb"),
            _ => Kind::Other,
        },
    }
}

/// RISC-V Instruction Set Manual, Volume I, "Zicbom, Zicbop, Zicboz" and "FENCE": opcode MISC-MEM.
fn riscv64(word: u32) -> Kind {
    match (word & !(0x1f << 15), word) {
        (0x0010_200f, _) => Kind::WriteBack("zicbom"),
        (0x0020_200f, _) => Kind::WriteBack("zicbom-flush"),
        (0x0000_200f, _) => Kind::WriteBack("cbo.inval, which discards data"),
        (0x0040_200f, _) => Kind::Store("cbo.zero"),
        (_, 0x0ff0_000f) => Kind::Fence("fence iorw,iorw"),
        _ if word & 0x707f == 0x000f => Kind::Fence("fence, not iorw,iorw"),
        _ => Kind::Other,
    }
}

/// Whether an instruction calls or jumps to where a register or data say, and is no return.
/// `previous` is the one before it.
pub fn is_indirect(arch: Arch, previous: Option<&Instruction>, instruction: &Instruction) -> bool {
    let bytes = &*instruction.bytes;
    match arch {
        Arch::X86_64 => x86_64_indirect(bytes),
        Arch::Aarch64 => aarch64_indirect(word(bytes)),
        Arch::Riscv64 => riscv64_indirect(previous.map_or(0, |auipc| word(&auipc.bytes)), bytes),
    }
}

/// SDM Volume 2, "CALL" and "JMP": FF with 2 to 5 in the middle of the ModRM byte, after prefixes.
fn x86_64_indirect(bytes: &[u8]) -> bool {
    let prefix = |byte: &u8| matches!(byte, 0x2e | 0x3e | 0x40..=0x4f | 0x66 | 0x67 | 0xf2);
    let start = bytes.iter().take_while(|byte| prefix(byte)).count();
    matches!(bytes[start..], [0xff, modrm, ..] if (2..=5).contains(&(modrm >> 3 & 7)))
}

/// Arm Architecture Reference Manual, "Unconditional branch (register)": BR, BLR and those with
/// pointer authentication; 2 in bits 24 to 21 is RET.
fn aarch64_indirect(word: u32) -> bool {
    word >> 25 == 0x6b && word >> 21 & 0xf != 2
}

/// RISC-V Instruction Set Manual, Volume I, "JALR", "C.JR" and "C.JALR". A return is through x1,
/// and after AUIPC of the same register it is a far call.
fn riscv64_indirect(previous: u32, bytes: &[u8]) -> bool {
    if let [low, high] = *bytes {
        let half = u16::from_le_bytes([low, high]);
        let jump = half & 0xf07f == 0x8002 || half & 0xf07f == 0x9002;
        // C.JR x1, C.EBREAK.
        return jump && half != 0x8082 && half != 0x9002;
    }
    let word = word(bytes);
    let base = word >> 15 & 0x1f;
    let far = previous & 0x7f == 0x17 && previous >> 7 & 0x1f == base;
    word & 0x707f == 0x67 && word != 0x0000_8067 && !far
}

/// The fence that completes the write-backs of a table (`byte`: makes stores leave the core).
pub fn fence_of(arch: Arch, table: &str) -> &'static str {
    match (arch, table) {
        // AMD's manual lets only MFENCE order CLFLUSH.
        (Arch::X86_64, "clflush") => "mfence",
        (Arch::X86_64, _) => "sfence",
        (Arch::Aarch64, "byte") => "dsb st",
        (Arch::Aarch64, _) => "dsb sy",
        (Arch::Riscv64, _) => "fence iorw,iorw",
    }
}

/// What writes a line back and drops it, for a table: instructions in their order, and the fence.
pub fn dropped_by(arch: Arch, table: &str) -> (&'static [&'static str], &'static str) {
    match (arch, table) {
        (Arch::X86_64, "clflush") => (&["clflush"], "mfence"),
        // Later loads too must find the line gone, and SFENCE orders none.
        (Arch::X86_64, _) => (&["clflushopt"], "mfence"),
        // DC CIVAC cleans to the point of coherency only.
        (Arch::Aarch64, "cvap") => (&["cvap", "civac"], "dsb sy"),
        (Arch::Aarch64, "cvadp") => (&["cvadp", "civac"], "dsb sy"),
        (Arch::Aarch64, _) => (&["civac"], "dsb sy"),
        (Arch::Riscv64, _) => (&["zicbom-flush"], "fence iorw,iorw"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_and_calls_of_a_name_are_not_indirect() {
        let x86 = |bytes: &[u8]| x86_64_indirect(bytes);
        assert!(x86(&[0xff, 0xd0]) && x86(&[0x41, 0xff, 0x24, 0x24]) && x86(&[0x3e, 0xff, 0xe1]));
        // ret, call, inc, push
        assert!(!x86(&[0xc3]) && !x86(&[0xe8, 0, 0, 0, 0]));
        assert!(!x86(&[0x48, 0xff, 0xc0]) && !x86(&[0xff, 0x30]));

        // blr x8, br x1, blraaz x0; ret, bl
        let arm = aarch64_indirect;
        assert!(arm(0xd63f_0100) && arm(0xd61f_0020) && arm(0xd63f_081f));
        assert!(!arm(0xd65f_03c0) && !arm(0x9400_0000));

        let riscv = |previous, word: u32| riscv64_indirect(previous, &word.to_le_bytes());
        let short = |half: u16| riscv64_indirect(0, &half.to_le_bytes());
        // jalr a0, jr a0, jalr ra after auipc t0; c.jr a0, c.jalr a0
        assert!(riscv(0, 0x0005_00e7) && riscv(0, 0x0005_0067) && riscv(0x297, 0x0000_80e7));
        assert!(short(0x8502) && short(0x9502));
        // ret, jalr ra after auipc ra, c.jr ra, c.mv, c.ebreak
        assert!(!riscv(0, 0x0000_8067) && !riscv(0x97, 0x0000_80e7));
        assert!(!short(0x8082) && !short(0x852e) && !short(0x9002));
    }

    #[test]
    fn bytes_are_told_apart() {
        let x86 = |bytes: &[u8]| x86_64(bytes);
        assert_eq!(x86(&[0x66, 0x0f, 0xae, 0x37]), Kind::WriteBack("clwb"));
        assert_eq!(
            x86(&[0x66, 0x41, 0x0f, 0xae, 0x37]),
            Kind::WriteBack("clwb")
        );
        assert_eq!(
            x86(&[0x66, 0x0f, 0xae, 0x3f]),
            Kind::WriteBack("clflushopt")
        );
        assert_eq!(x86(&[0x0f, 0xae, 0x3f]), Kind::WriteBack("clflush"));
        assert_eq!(x86(&[0x0f, 0xae, 0xf8]), Kind::Fence("sfence"));
        assert_eq!(x86(&[0x0f, 0xae, 0xf0]), Kind::Fence("mfence"));
        // xsaveopt, and tpause: neighbours in the opcode map.
        assert_eq!(x86(&[0x0f, 0xae, 0x37]), Kind::Other);
        assert_eq!(x86(&[0x66, 0x0f, 0xae, 0xf1]), Kind::Other);
        assert_eq!(aarch64(0xd50b_7c23), Kind::WriteBack("cvap"));
        assert_eq!(aarch64(0xd503_3abf), Kind::Fence("dmb"));
        assert_eq!(aarch64(0xd503_3b9f), Kind::Fence("dsb, not sy or st"));
        assert_eq!(riscv64(0x0015_200f), Kind::WriteBack("zicbom"));
        assert_eq!(riscv64(0x0046_a00f), Kind::Store("cbo.zero"));
        assert_eq!(riscv64(0x0110_000f), Kind::Fence("fence, not iorw,iorw"));
    }
}
