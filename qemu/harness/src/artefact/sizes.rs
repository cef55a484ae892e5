//! How much memory a program takes, by what it is used for.

use super::program::{Content, Program};
use std::fmt;

/// Bytes of a program's sections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Instructions.
    pub text: u64,
    /// What is never written.
    pub read_only: u64,
    /// What has an initial value.
    pub data: u64,
    /// What is zero at first.
    pub bss: u64,
}

impl Sizes {
    /// Those of a program without its symbols `own`, by which the harness reads it.
    pub fn of(program: &Program, own: &[&str]) -> Self {
        let mut sizes = Self::default();
        for section in program.sections() {
            let sum = match section.content {
                Content::Text => &mut sizes.text,
                Content::ReadOnly => &mut sizes.read_only,
                Content::Data => &mut sizes.data,
                Content::Bss => &mut sizes.bss,
            };
            *sum += section.size;
        }
        for symbol in own {
            sizes.read_only -= program.size_of(symbol).unwrap_or_default();
        }
        sizes
    }

    /// Whether none is more than in `limit`.
    pub fn fits(self, limit: Self) -> bool {
        self.text <= limit.text
            && self.read_only <= limit.read_only
            && self.data <= limit.data
            && self.bss <= limit.bss
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            text,
            read_only,
            data,
            bss,
        } = self;
        write!(
            f,
            "{text} bytes of text, {read_only} of read-only data, {data} of data, {bss} of bss"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_own_limit() {
        let limit = Sizes {
            text: 4,
            read_only: 3,
            data: 0,
            bss: 1,
        };
        assert!(limit.fits(limit));
        for more in [
            Sizes { text: 5, ..limit },
            Sizes {
                read_only: 4,
                ..limit
            },
            Sizes { data: 1, ..limit },
            Sizes { bss: 2, ..limit },
        ] {
            assert!(!more.fits(limit), "{more}");
        }
    }
}
