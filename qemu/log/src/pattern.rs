use crate::hash::Stream;

/// Endless bytes from a seed: what a kernel fills memory with so that the host can compare the
/// file.
pub fn pattern(seed: u64) -> impl Iterator<Item = u8> {
    let mut stream = Stream(seed);
    core::iter::repeat_with(move || stream.next().to_le_bytes()).flatten()
}
