//! What a command needs of the machine: no compiler where nothing is compiled.

use kpmem_harness::{
    crash::plan::{self, Job},
    elf,
    tools::Need,
};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// What these words need, of which the first says what is done. (`linux` and `merge` see to it
/// themselves.)
pub fn of(words: &[OsString]) -> Vec<Need> {
    let kernel = kernel(words).map(Path::new);
    // As the simulator itself tells files from the names of kernels that it can build.
    let is_file =
        |kernel: &&Path| kernel.exists() || kernel.as_os_str().as_encoded_bytes().contains(&b'/');
    if let Some(file) = kernel.filter(is_file) {
        // What is wrong with a file is said later, and nothing is needed for that.
        let arch = elf::arch_of(file).ok();
        return arch.map(Need::Qemu).into_iter().collect();
    }
    if is_of_no_kernel_of_ours(words) {
        return Vec::new();
    }
    let disassembles = |need: &Need| matches!(need, Need::Objdump(_));
    let mut needs = Need::all();
    needs.retain(|need| !disassembles(need));
    needs
}

/// Whether a failure is to be shown again that needs another kernel than those that can be built,
/// which is said later, too.
fn is_of_no_kernel_of_ours(words: &[OsString]) -> bool {
    let [first, name, ..] = words else {
        return false;
    };
    let job = || Job::named(name.to_str()?.rsplit_once('.')?.0);
    first == "replay" && !job().is_some_and(|job| plan::has(&job))
}

/// The kernel that is named.
fn kernel(words: &[OsString]) -> Option<&OsStr> {
    if words.first()? == "kernel" {
        return words.get(1).map(OsString::as_os_str);
    }
    let after = words.iter().skip_while(|word| *word != "--kernel").nth(1);
    let joined = || {
        let mut texts = words.iter().filter_map(|word| word.to_str());
        texts.find_map(|word| word.strip_prefix("--kernel="))
    };
    after
        .map(OsString::as_os_str)
        .or_else(|| joined().map(OsStr::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpmem_harness::arch::Arch;
    use std::fs;

    fn of_words(words: &[&str]) -> Vec<Need> {
        of(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_kernel_that_is_there_needs_its_qemu_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernel.elf");
        // An ELF file's header: 64 bits, little-endian, an executable for riscv64.
        let mut elf = [0; 64];
        elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        (elf[16], elf[18], elf[20], elf[52]) = (2, 243, 1, 64);
        fs::write(&file, elf).unwrap();
        let name = file.to_str().unwrap();
        let joined = format!("--kernel={name}");
        for words in [
            &["kernel", name, "--smp", "2"][..],
            &["replay", "NAME", "--kernel", name],
            &["replay", "NAME", &joined],
        ] {
            assert_eq!(of_words(words), [Need::Qemu(Arch::Riscv64)], "{words:?}");
        }
        fs::write(&file, "no kernel").unwrap();
        assert_eq!(of_words(&["kernel", name]), []);
        assert_eq!(of_words(&["kernel", "./not-there"]), []);
    }

    #[test]
    fn a_failure_without_its_kernel_needs_nothing() {
        for name in ["no-name", "x86_64.64.mine.px86.none.1.claim-3"] {
            assert_eq!(of_words(&["replay", name]), []);
        }
    }

    #[test]
    fn what_is_compiled_needs_compilers() {
        for words in [
            &["kernel", "demo"][..],
            &["judge", "flush.o", "--persist", "p"],
            &["replay", "x86_64.64.log.px86.none.1.claim-3"],
        ] {
            let needs = of_words(words);
            assert!(needs.contains(&Need::Core(Arch::X86_64)), "{words:?}");
            assert!(!needs.contains(&Need::Objdump(Arch::X86_64)), "{words:?}");
        }
    }
}
