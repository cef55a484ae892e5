//! How a case ends.

use core::fmt::{self, Write};
use kpmem_runtime::{Machine, memory};

/// A case: what it shows, and how.
pub type Case = (&'static str, fn(&Machine) -> Outcome);

/// Passed, or why not.
pub type Outcome = Result<(), Stop>;

/// Why a case did not pass.
pub enum Stop {
    /// The library is wrong.
    Failed(&'static str),
    /// This machine cannot show it.
    Skipped(&'static str),
}

/// A failure, told in memory that is never given back: there are few.
pub fn failed(why: fmt::Arguments) -> Stop {
    let mut text = Text {
        bytes: memory::allocate(240, 1),
        len: 0,
    };
    // The only error is that the text is full.
    let _ = text.write_fmt(why);
    let told = text.bytes[..text.len].utf8_chunks().next();
    Stop::Failed(told.map_or("", |chunk| chunk.valid()))
}

/// A line of text, cut off where it is too long.
struct Text {
    bytes: &'static mut [u8],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let taken = part.len().min(room.len());
        room[..taken].copy_from_slice(&part.as_bytes()[..taken]);
        self.len += taken;
        if taken == part.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// Where the library's errors are not what a case is about, they fail it.
impl From<kpmem::Error> for Stop {
    fn from(error: kpmem::Error) -> Self {
        failed(format_args!("{error}"))
    }
}

/// Fails the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)*) => {
        if !$condition {
            return Err($crate::outcome::failed(format_args!($($why)*)));
        }
    };
}

/// Fails the case unless both are equal.
macro_rules! ensure_eq {
    ($is:expr, $should:expr) => {{
        let (is, should) = ($is, $should);
        ensure!(
            is == should,
            "{} is {is:?}, not {should:?}",
            stringify!($is)
        );
    }};
}

pub(crate) use {ensure, ensure_eq};
