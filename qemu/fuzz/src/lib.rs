//! What the targets have in common.

/// The bytes as a table of ACPI whose length and sum are right, as no fuzzer finds a sum. One in
/// sixteen stays as it is.
pub fn summed(bytes: &[u8]) -> Vec<u8> {
    let mut table = bytes.to_vec();
    if table.len() < 36 || table[10] % 16 == 15 {
        return table;
    }
    let len = table.len() as u32;
    table[4..8].copy_from_slice(&len.to_le_bytes());
    table[9] = 0;
    table[9] = table.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
    table
}

/// The bytes as memory with ACPI's tables, from the root pointer at 0 on: signatures and sums are
/// right wherever a pointer leads, lengths and pointers are the fuzzer's. One in sixteen stays as
/// it is.
pub fn memory(bytes: &[u8]) -> Vec<u8> {
    let mut memory = bytes.to_vec();
    if memory.len() < 36 || memory[9] % 16 == 15 {
        return memory;
    }
    memory[..8].copy_from_slice(b"RSD PTR ");
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .rfold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    // In an input of a kilobyte, a pointer of more is rarely one.
    let near = |address: usize, memory: &[u8]| address % (2 * memory.len());
    let (old, new) = (
        near(number(&memory[16..20]), &memory),
        near(number(&memory[24..28]), &memory),
    );
    memory[16..20].copy_from_slice(&(old as u32).to_le_bytes());
    memory[24..32].copy_from_slice(&(new as u64).to_le_bytes());
    let root = if memory[15] < 2 || new == 0 { old } else { new };
    let wide = memory[10] % 2 == 0;
    if let Some(len) = table(&mut memory, root, if wide { b"XSDT" } else { b"RSDT" }) {
        let entry = if wide { 8 } else { 4 };
        let pointers: Vec<_> = memory[root..root + len]
            .get(36..)
            .unwrap_or_default()
            .chunks_exact(entry)
            .map(|pointer| number(&pointer[..4]) % 4096)
            .collect();
        for pointer in pointers.into_iter().take(8) {
            // Another table is looked at only for its signature.
            if pointer > root + len {
                table(&mut memory, pointer, b"NFIT");
            }
        }
    }
    right(&mut memory, 0, 20, 8);
    right(&mut memory, 0, 36, 32);
    memory
}

/// Makes a table of what is there, and returns its length.
fn table(memory: &mut [u8], at: usize, signature: &[u8; 4]) -> Option<usize> {
    let rest = memory.len().checked_sub(at)?;
    if at < 36 || rest < 36 {
        return None;
    }
    memory[at..at + 4].copy_from_slice(signature);
    let len = (36 + usize::from(memory[at + 4])).min(rest);
    memory[at + 4..at + 8].copy_from_slice(&(len as u32).to_le_bytes());
    right(memory, at, len, 9);
    Some(len)
}

/// Makes the sum of a range 0, by its byte at `sum`.
fn right(memory: &mut [u8], at: usize, len: usize, sum: usize) {
    memory[at + sum] = 0;
    memory[at + sum] = memory[at..at + len]
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
}
