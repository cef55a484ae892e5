//! What a program in a Linux guest says while it is simulated.

use super::watch::Ended;
use crate::{
    boot::End,
    linux::{console::Console, guest::Guest},
    serial::Line,
};
use std::io::{Write, stdout};

/// A program that runs now, or will.
#[derive(Debug)]
pub(super) struct Program<'a>(Console<'a>);

impl<'a> Program<'a> {
    /// The guest is turned on.
    pub(super) fn new(guest: &'a Guest) -> Self {
        Self(Console::new(&guest.token))
    }

    /// What the program prints is printed.
    pub(super) fn hear(&mut self, line: &Line) {
        self.0.hear(line, |text| {
            // Nobody listens any more: what was found still counts.
            let mut out = stdout();
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }

    /// Whether it ended well.
    pub(super) fn ended(self, end: End) -> Ended {
        match self.0.ran() {
            Some(ran) => Ended {
                passed: ran.status == 0,
                why: format!("the program ended with status {}", ran.status),
            },
            None => Ended {
                passed: false,
                why: format!("{:#}", self.0.why(end)),
            },
        }
    }
}
