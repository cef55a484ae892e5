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
