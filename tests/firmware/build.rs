//! Tables made of fields.

/// Bytes of a structure.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}

pub fn new() -> Bytes {
    Bytes::default()
}

/// A structure of a type and a length of two bytes each.
pub fn wide(kind: u16, body: Bytes) -> Vec<u8> {
    new()
        .u16(kind)
        .u16(body.0.len() as u16 + 4)
        .bytes(&body.0)
        .0
}

/// A whole table: header, checksum and body.
pub fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut table = signature.to_vec();
    table.extend((36 + body.len() as u32).to_le_bytes());
    table.resize(36, 0);
    table.extend(body);
    fix(&mut table);
    table
}

/// Makes the length and the sum right again.
pub fn fix(table: &mut [u8]) {
    let len = table.len() as u32;
    table[4..8].copy_from_slice(&len.to_le_bytes());
    fix_sum(table, 9);
}

/// Makes the sum zero by the byte at `at`.
pub fn fix_sum(bytes: &mut [u8], at: usize) {
    bytes[at] = 0;
    bytes[at] = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
}
