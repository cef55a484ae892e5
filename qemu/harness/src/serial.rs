//! The guest's serial line, read line by line with a deadline.

use std::{
    io::{BufRead, BufReader, Read},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Instant,
};

/// A line longer than this is cut in two: a guest that runs wild must not eat the host's memory.
const LONGEST: u64 = 64 << 10;

/// What the guest wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text without its newline.
    pub text: String,
    /// Whether the newline arrived: a power cut may leave half a line, which says nothing.
    pub complete: bool,
}

/// Why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLine {
    /// The deadline passed.
    TimedOut,
    /// The guest's machine is gone and everything that it wrote has been read.
    Closed,
}

/// A reader that empties the pipe on a thread of its own, so that the guest never waits for us and
/// what is still in the pipe after a power cut counts.
#[derive(Debug)]
pub struct Serial {
    lines: Receiver<Line>,
}

impl Serial {
    /// Starts to read `source`.
    pub fn new(source: impl Read + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut bytes = Vec::new();
            while let Ok(1..) = source.by_ref().take(LONGEST).read_until(b'\n', &mut bytes) {
                let complete = bytes.last() == Some(&b'\n');
                let text = String::from_utf8_lossy(&bytes);
                let text = text.trim_end_matches(['\n', '\r']).to_owned();
                bytes.clear();
                if sender.send(Line { text, complete }).is_err() {
                    break;
                }
            }
        });
        Self { lines }
    }

    /// The next line, waiting until `deadline` at most.
    pub fn next(&self, deadline: Instant) -> Result<Line, NoLine> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoLine::TimedOut,
            RecvTimeoutError::Disconnected => NoLine::Closed,
        })
    }

    /// All lines until the other end closes, which must be certain to happen.
    pub fn rest(self) -> Vec<Line> {
        self.lines.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn half_a_line_is_marked() {
        let serial = Serial::new(&b"ack 1\r\nack 2"[..]);
        let deadline = Instant::now() + Duration::from_secs(5);
        assert_eq!(
            serial.next(deadline),
            Ok(Line {
                text: "ack 1".into(),
                complete: true
            })
        );
        assert_eq!(
            serial.next(deadline),
            Ok(Line {
                text: "ack 2".into(),
                complete: false
            })
        );
        assert_eq!(serial.next(deadline), Err(NoLine::Closed));
    }

    #[test]
    fn silence_ends_in_a_timeout() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let serial = Serial::new(reader);
        let deadline = Instant::now() + Duration::from_millis(20);
        assert_eq!(serial.next(deadline), Err(NoLine::TimedOut));
    }
}
