//! Appends records to the log of `examples/linux-module`, and acknowledges each on the serial line
//! once `write` has returned. It says the lines that the demo's kernels say.
//!
//! `appender MODE SEED [COUNT]`. Mode `recover` only looks at what is there; any other appends, for
//! ever or `COUNT` records. `appender exit STATUS` ends QEMU.

use anyhow::{Context, Result, bail};
use kpmem_log::{Digest, MAX_PAYLOAD, Record};
use std::{
    arch::asm,
    env,
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Read, Write},
};

const DEVICE: &str = "/dev/kpmem_log";

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().collect();
    if let [_, exit, status] = &arguments[..]
        && exit == "exit"
    {
        return leave(status.parse()?);
    }
    let (mode, seed, count) = match &arguments[..] {
        [_, mode, seed] => (mode, seed.parse()?, u64::MAX),
        [_, mode, seed, count] => (mode, seed.parse()?, count.parse()?),
        _ => bail!("usage: appender MODE SEED [COUNT]"),
    };
    let mut options = OpenOptions::new();
    let device = options.read(true).write(true).open(DEVICE);
    let mut device = device.with_context(|| format!("cannot open {DEVICE}"))?;
    let found = recover(&mut device, seed)?;
    let Found {
        records,
        torn,
        digest,
    } = found;
    println!(
        "recovered {records} torn {torn} digest {:#x} next {records}",
        digest.0
    );
    if torn != 0 {
        bail!("record {records} is not what was written");
    }
    if mode != "recover" {
        append(&mut device, seed, records, count)?;
    }
    Ok(())
}

/// Ends QEMU by its exit device.
fn leave(status: u8) -> Result<()> {
    const PORT: u16 = 0xf4;
    // SAFETY: no memory is concerned.
    if unsafe { libc::ioperm(PORT.into(), 1, 1) } != 0 {
        return Err(Error::last_os_error()).context("no right to the exit device");
    }
    // SAFETY: nothing but the exit device is at this port, if anything is.
    unsafe { asm!("out dx, al", in("dx") PORT, in("al") status, options(nomem, nostack)) };
    Ok(())
}

/// What is in the log.
struct Found {
    records: u64,
    torn: u64,
    digest: Digest,
}

/// Reads all records, and compares each with what was written.
fn recover(device: &mut File, seed: u64) -> Result<Found> {
    let mut found = Found {
        records: 0,
        torn: 0,
        digest: Digest::EMPTY,
    };
    let mut buffer = [0; 4096];
    loop {
        let len = device.read(&mut buffer).context("cannot read a record")?;
        if len == 0 {
            return Ok(found);
        }
        let record = Record::generate(seed, MAX_PAYLOAD, found.records);
        if buffer[..len] != payload(&record) {
            found.torn = 1;
            return Ok(found);
        }
        found.records += 1;
        found.digest = found.digest.with(record.checksum());
    }
}

fn payload(record: &Record) -> Vec<u8> {
    let mut bytes: Vec<u8> = record.payload().flat_map(u64::to_le_bytes).collect();
    bytes.truncate(record.payload_len());
    bytes
}

/// Appends until the log is full, or it is enough.
fn append(device: &mut File, seed: u64, first: u64, count: u64) -> Result<()> {
    for seq in first..first.saturating_add(count) {
        let record = payload(&Record::generate(seed, MAX_PAYLOAD, seq));
        match device.write(&record) {
            Ok(len) if len == record.len() => println!("ack {seq}"),
            Ok(len) => bail!("only {len} of {} bytes were written", record.len()),
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                println!("full");
                return Ok(());
            }
            Err(error) => return Err(error).context("cannot append a record"),
        }
    }
    Ok(())
}
