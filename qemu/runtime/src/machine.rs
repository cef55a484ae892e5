//! What the kernel is told about its machine.

use crate::{arch, firmware::Firmware, fw_cfg, print, println};
use kpmem::{
    Platform, Table,
    arch::Cpu,
    firmware::{Error, Region, nfit::Nfit},
};

/// What an architecture's discovery found.
#[derive(Debug)]
pub struct Discovered {
    /// The persistent memory, or why there is none.
    pub nvdimm: Result<Region, Error>,
    /// Which firmware table said so.
    pub source: &'static str,
    /// Cache-block size in bytes, where the firmware tells it (RISC-V) and the CPU does not.
    pub block: Option<usize>,
    /// All that the firmware says.
    pub firmware: Firmware,
}

/// What ACPI says: the first persistent range of the NFIT.
pub fn by_acpi(firmware: Firmware) -> Discovered {
    let first = |table| {
        let platform = Platform::new().with_nfit(Nfit::parse(table)?);
        let first = platform.ranges().next().map(|range| range.region());
        first.ok_or(Error::Missing("persistent range in the NFIT"))
    };
    let nfit = firmware.nfit.ok_or(Error::Missing("NFIT"));
    Discovered {
        nvdimm: nfit.and_then(first),
        source: "NFIT",
        block: None,
        firmware,
    }
}

/// The machine, with its NVDIMM mapped at its physical address.
#[derive(Debug)]
#[non_exhaustive]
pub struct Machine {
    /// The first persistent range that the firmware names, or why there is none, or none that can
    /// be mapped ([`Error::Unreadable`]). Physical and virtual address are the same. Of several
    /// NVDIMMs QEMU names the one first that its command line has last.
    pub nvdimm: Result<Region, Error>,
    /// Which firmware table described it.
    pub source: &'static str,
    /// Cache-block size in bytes, where the firmware tells it (RISC-V) and the CPU does not.
    pub block: Option<usize>,
    /// All that the firmware says.
    pub firmware: Firmware,
    /// The parameters of this boot.
    pub args: Args,
}

impl Machine {
    pub(crate) fn new(found: Discovered) -> Self {
        Self {
            nvdimm: found.nvdimm,
            source: found.source,
            block: found.block,
            firmware: found.firmware,
            args: Args::read(),
        }
    }

    /// What the CPU can do for persistence. Its `table()` is what a kernel gives to
    /// [`kpmem::select`].
    pub fn cpu(&self) -> Cpu {
        arch::cpu::cpu(self.block)
    }

    /// The NVDIMM. For kernels that can do nothing without: that there is none is a panic.
    pub fn region(&self) -> Region {
        self.nvdimm
            .unwrap_or_else(|error| panic!("no NVDIMM: {error}"))
    }

    /// First byte of the NVDIMM. That there is none is a panic.
    pub fn address(&self) -> *mut u8 {
        self.region().base as *mut u8
    }

    /// Length of the NVDIMM in bytes. That there is none is a panic.
    pub fn size(&self) -> usize {
        self.region().len as usize
    }
}

/// Parameters: `key=value` words in the `fw_cfg` file `opt/org.kpmem/args`.
#[derive(Clone, Copy, Debug)]
pub struct Args {
    text: &'static str,
}

impl Args {
    fn read() -> Self {
        let file = fw_cfg::file("opt/org.kpmem/args", 1).map_or(&[][..], |bytes| bytes);
        let text = core::str::from_utf8(file).expect("args are UTF-8");
        Self {
            text: text.trim_end_matches('\0'),
        }
    }

    /// The value of a key: of the first word that gives it one.
    pub fn get(&self, key: &str) -> Option<&'static str> {
        let mut words = self.text.split_ascii_whitespace();
        words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// The value of a key as a number: decimal, or hexadecimal behind `0x`. A word without `=`
    /// gives no value.
    ///
    /// # Panics
    /// The value is none: a typing error must not look like a default.
    pub fn number(&self, key: &str) -> Option<u64> {
        let text = self.get(key)?;
        let (digits, radix) = match text.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            None => (text, 10),
        };
        // Rust would take a sign.
        let number = u64::from_str_radix(digits, radix);
        let number = number.ok().filter(|_| !digits.starts_with('+'));
        Some(number.unwrap_or_else(|| panic!("{key}={text}: no number")))
    }
}

/// Prints the boot line.
pub(crate) fn announce(machine: &Machine) {
    print!("kpmem-runtime: arch={} nvdimm=", arch::NAME);
    match machine.nvdimm {
        Ok(Region { base, len }) => print!("{base:#x}+{len:#x} source={}", machine.source),
        Err(_) => print!("none"),
    }
    let table = machine.cpu().table().map_or("none", Table::name);
    println!(" line={} table={table}", machine.cpu().line);
}
