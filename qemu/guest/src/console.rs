//! Text on the serial line.

use crate::arch::serial;
use core::fmt;

/// The serial line.
#[derive(Clone, Copy, Debug)]
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(serial::write);
        Ok(())
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
    ($($arg:tt)*) => { $crate::print!("{}\n", format_args!($($arg)*)) };
}
