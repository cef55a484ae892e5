//! The lines that the guests print.

use crate::image::Image;

/// `recovered COUNT torn COUNT digest 0xHEX next SEQ`: what a demo kernel found in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Whole records, from the first on.
    pub records: u64,
    /// Records that were committed and are not whole.
    pub torn: u64,
    /// Digest of the whole records' payloads.
    pub digest: u64,
    /// Sequence number of the record that it will append next.
    pub next: u64,
}

impl Recovered {
    /// Reads the line.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [
            "recovered",
            records,
            "torn",
            torn,
            "digest",
            digest,
            "next",
            next,
        ] = words[..]
        else {
            return None;
        };
        Some(Self {
            records: records.parse().ok()?,
            torn: torn.parse().ok()?,
            digest: u64::from_str_radix(digest.strip_prefix("0x")?, 16).ok()?,
            next: next.parse().ok()?,
        })
    }
}

/// `ack SEQ`: the record's persist has returned.
pub fn ack(line: &str) -> Option<u64> {
    line.strip_prefix("ack ")?.parse().ok()
}

/// Whether a line is the report of a trap or a panic, which may come in the middle of another line.
pub fn is_crash(line: &str) -> bool {
    line.contains("TRAP: ") || line.contains("PANIC: ")
}

/// One case of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `ok`
    Ok,
    /// `FAILED: why`
    Failed(String),
    /// `skipped: why`
    Skipped(String),
}

/// `test NAME ... OUTCOME`
pub fn case(line: &str) -> Option<(&str, Outcome)> {
    let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let outcome = match outcome.split_once(": ") {
        None if outcome == "ok" => Outcome::Ok,
        Some(("FAILED", why)) => Outcome::Failed(why.to_owned()),
        Some(("skipped", why)) => Outcome::Skipped(why.to_owned()),
        _ => return None,
    };
    Some((name, outcome))
}

/// `test NAME ... ` with nothing behind it: the case begins, and says something of its own first.
pub fn begun(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ...")
}

/// A range that a guest filled with [`kpmem_log::pattern`] and persisted, for us to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The pattern's seed.
    pub seed: u64,
    /// Where in the NVDIMM it begins.
    pub offset: u64,
    /// How many bytes.
    pub len: usize,
}

impl Pattern {
    /// `pattern SEED OFFSET LEN`
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("pattern ")?.split(' ');
        let mut word = || words.next();
        let pattern = Self {
            seed: word()?.parse().ok()?,
            offset: word()?.parse().ok()?,
            len: word()?.parse().ok()?,
        };
        word().is_none().then_some(pattern)
    }

    /// Compares with what is in the NVDIMM.
    pub fn check(&self, image: &Image) -> Result<(), String> {
        let mut bytes = vec![0; self.len];
        image
            .read_at(&mut bytes, self.offset)
            .map_err(|error| error.to_string())?;
        let mut pairs = bytes.iter().zip(kpmem_log::pattern(self.seed));
        match pairs.position(|(found, expected)| *found != expected) {
            None => Ok(()),
            Some(at) => Err(format!("byte {} is another", self.offset + at as u64)),
        }
    }
}

/// `N passed, N failed, N skipped`
pub fn closing_line(line: &str) -> Option<[u64; 3]> {
    let mut parts = line.split(", ");
    let mut count = |what: &str| parts.next()?.strip_suffix(what)?.parse().ok();
    let counts = [count(" passed")?, count(" failed")?, count(" skipped")?];
    parts.next().is_none().then_some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let line = "recovered 12 torn 0 digest 0x00ff next 12";
        let expected = Recovered {
            records: 12,
            torn: 0,
            digest: 255,
            next: 12,
        };
        assert_eq!(Recovered::parse(line), Some(expected));
        assert_eq!(ack("ack 7"), Some(7));
        assert_eq!(case("test a b ... ok"), Some(("a b", Outcome::Ok)));
        let failed = Outcome::Failed("x: y".to_owned());
        assert_eq!(case("test a ... FAILED: x: y"), Some(("a", failed)));
        assert_eq!(
            closing_line("3 passed, 0 failed, 1 skipped"),
            Some([3, 0, 1])
        );
    }

    #[test]
    fn half_lines_are_not() {
        assert_eq!(Recovered::parse("recovered 12 torn 0 digest 0x00ff"), None);
        assert_eq!(ack("ack "), None);
        assert_eq!(ack("aack 7"), None);
        assert_eq!(case("test a ... o"), None);
        assert_eq!(closing_line("3 passed, 0 failed"), None);
        assert_eq!(begun("test a ..."), Some("a"));
        let pattern = Pattern {
            seed: 1,
            offset: 2,
            len: 3,
        };
        assert_eq!(Pattern::parse("pattern 1 2 3"), Some(pattern));
        assert_eq!(closing_line("3 passed, 0 failed, 1 skipped, 2"), None);
    }

    #[test]
    fn a_pattern_that_is_not_there_is_noticed() {
        let image = Image::fresh(4096).unwrap();
        let pattern = Pattern {
            seed: 1,
            offset: 100,
            len: 50,
        };
        assert!(pattern.check(&image).is_err());
        let beyond = Pattern {
            seed: 1,
            offset: 4090,
            len: 50,
        };
        assert!(beyond.check(&image).is_err());
    }
}
