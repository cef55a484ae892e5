//! A kernel that keeps a log in persistent memory and acknowledges each record on the serial line
//! once it is durable. Cut its power at any moment: what was acknowledged is there at the next
//! boot.
//!
//! Parameters: `seed`, and `mode`: `append` (until the log is full), `recover` (only look), or
//! `control`, which acknowledges before it writes: a harness that does not report that as loss sees
//! nothing.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::slice;
use kpmem::{Granularity, Map};
use kpmem_log::{Full, Log, MAX_PAYLOAD, Memory, recover};
use kpmem_runtime::{Machine, exit, println};

kpmem_runtime::entry!(kernel);

/// Records that `control` acknowledges before it writes them.
const BATCH: u64 = 16;

fn kernel(machine: &Machine) {
    let mut memory = Nvdimm::of(machine);
    let mode = machine.args.get("mode").unwrap_or("append");
    let seed = machine.args.number("seed").unwrap_or(0);

    let found = recover(memory.bytes(), seed);
    let next = found.log.map_or(0, |log| log.next());
    let (records, torn, digest) = (found.records, found.torn, found.digest.0);
    println!("recovered {records} torn {torn} digest {digest:#x} next {next}");
    if torn != 0 {
        exit(1); // appending would destroy the evidence
    }

    let mut run = || {
        let mut log = found
            .log
            .map_or_else(|| Log::format(seed, MAX_PAYLOAD, &mut memory), Ok)?;
        match mode {
            "append" => append(&mut log, &mut memory),
            "control" => acknowledge_too_early(&mut log, &mut memory),
            _ => panic!("mode={mode}: not one of append, control, recover"),
        }
    };
    if mode != "recover" {
        let Err(Full) = run();
        println!("full");
    }
}

/// Appends for ever.
fn append(log: &mut Log, memory: &mut Nvdimm) -> Result<Never, Full> {
    loop {
        let seq = log.append(memory)?;
        println!("ack {seq}");
    }
}

/// The mistake that a power cut reveals.
fn acknowledge_too_early(log: &mut Log, memory: &mut Nvdimm) -> Result<Never, Full> {
    loop {
        for seq in log.next()..log.next() + BATCH {
            println!("ack {seq}");
        }
        for _ in 0..BATCH {
            log.append(memory)?;
        }
    }
}

/// No value: the log only ends when it is full.
enum Never {}

/// The NVDIMM as the log's memory.
struct Nvdimm {
    map: Map,
}

impl Nvdimm {
    fn of(machine: &Machine) -> Self {
        let table = machine
            .cpu()
            .table()
            .unwrap_or_else(|error| panic!("{error}"));
        // SAFETY: the CPU has the table's instruction, says its CPUID or its firmware, and the boot
        // code enabled it. What QEMU writes back reaches the file.
        unsafe { kpmem::select(table) }.expect("nothing else was selected");
        // SAFETY: the runtime mapped the NVDIMM write-back, and nothing else uses it.
        let map = unsafe { Map::new(machine.address(), machine.size(), Granularity::CacheLine) };
        Self {
            map: map.unwrap_or_else(|error| panic!("{error}")),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the whole map is readable, and stores need `&mut self`.
        unsafe { slice::from_raw_parts(self.map.address(), self.map.size()) }
    }

    /// The address of a range, which must be inside the map.
    fn range(&self, offset: usize, len: usize) -> *mut u8 {
        let end = offset.checked_add(len).expect("no wrap");
        assert!(
            end <= self.map.size(),
            "{offset:#x}+{len:#x} is outside the NVDIMM"
        );
        self.map.address().wrapping_add(offset)
    }
}

impl Memory for Nvdimm {
    fn size(&self) -> usize {
        self.map.size()
    }

    fn store_word(&mut self, offset: usize, word: u64) {
        let to = self.range(offset, size_of::<u64>()).cast::<u64>();
        assert!(to.is_aligned());
        // SAFETY: inside the map and aligned. Volatile: the compiler may not split or merge it.
        unsafe { to.write_volatile(word.to_le()) };
    }

    fn persist(&mut self, offset: usize, len: usize) {
        self.map
            .persist(self.range(offset, len), len)
            .expect("inside the map");
    }
}
