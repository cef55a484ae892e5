//! Text on the serial line.

use crate::arch::serial;
use core::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether the last line is not complete.
static IN_LINE: AtomicBool = AtomicBool::new(false);

/// The serial line.
#[derive(Clone, Copy, Debug)]
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(serial::write);
        if let Some(last) = text.bytes().last() {
            IN_LINE.store(last != b'\n', Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Starts a new line, unless at the beginning of one: for reports that come at any moment.
pub(crate) fn fresh_line() {
    if IN_LINE.load(Ordering::Relaxed) {
        crate::println!();
    }
}

/// Prints to the serial line.
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => {{
        use core::fmt::Write;
        // The console never fails.
        let _ = write!($crate::console::Console, $($arg)*);
    }};
}

/// Prints a line to the serial line.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($arg:tt)*) => { $crate::print!("{}\n", format_args!($($arg)*)) };
}
