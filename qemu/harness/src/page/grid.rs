//! The content of lines, byte by byte and as little-endian words.

use anyhow::{Context, Result, ensure};
use kpmem_findings::{LineView, Range};

/// Bytes of a row of the grid: the widest store that every platform keeps whole.
const WORD: usize = 8;

/// A line's content as bytes.
pub(super) struct Content {
    pub(super) addr: u64,
    pub(super) durable: Vec<u8>,
    pub(super) image: Vec<u8>,
    pub(super) live: Vec<u8>,
}

impl Content {
    /// Reads what the plugin wrote.
    pub(super) fn parse_all(views: &[LineView]) -> Result<Vec<Self>> {
        views.iter().map(Self::parse).collect()
    }

    fn parse(view: &LineView) -> Result<Self> {
        let of = |text: &str| bytes(text).with_context(|| format!("line {:#x}", view.addr));
        let content = Self {
            addr: view.addr,
            durable: of(&view.durable)?,
            image: of(&view.image)?,
            live: of(&view.live)?,
        };
        let len = content.durable.len();
        ensure!(
            len > 0
                && len.is_multiple_of(WORD)
                && len == content.image.len()
                && len == content.live.len(),
            "line {:#x}: the contents are not lines of one size",
            view.addr
        );
        Ok(content)
    }

    /// Where `addr` is in this line.
    pub(super) fn index(&self, addr: u64) -> Option<usize> {
        let index = usize::try_from(addr.checked_sub(self.addr)?).ok()?;
        (index < self.durable.len()).then_some(index)
    }
}

/// Bytes from pairs of hexadecimal digits.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| Some(c.to_digit(16)? as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0);
    let digits = digits.with_context(|| format!("{text:?} is not hexadecimal"))?;
    Ok(digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect())
}

/// The name of the line with this index: A to Z, then by number.
pub(super) fn label(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => format!("L{}", index + 1),
    }
}

/// A line as the page shows it.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) addr: String,
    pub(super) size: usize,
    pub(super) summary: String,
    /// Something is at stake.
    pub(super) differs: bool,
    pub(super) words: Vec<Word>,
}

/// Eight bytes of a line.
pub(super) struct Word {
    pub(super) offset: String,
    /// What became of it: a style of the page, empty if nothing was at stake.
    pub(super) verdict: &'static str,
    /// Durable, image (after a crash only) and live.
    pub(super) cells: Vec<Cell>,
}

/// One version of a word.
pub(super) struct Cell {
    pub(super) bytes: Vec<Byte>,
    pub(super) value: String,
}

/// A byte: two digits and a style.
pub(super) struct Byte {
    pub(super) text: String,
    pub(super) style: String,
}

impl Line {
    pub(super) fn new(
        index: usize,
        content: &Content,
        about: Option<&Range>,
        crashed: bool,
    ) -> Self {
        let words: Vec<_> = (0..content.durable.len())
            .step_by(WORD)
            .map(|start| word(content, start, about, crashed))
            .collect();
        let count = |verdict| words.iter().filter(|w| w.verdict == verdict).count();
        let kinds = ["lost", "torn", "survived", "at risk"];
        let counts = kinds.map(|kind| (count(kind), kind));
        let shown = counts.iter().filter(|(n, _)| *n > 0);
        let summary: Vec<_> = shown
            .map(|(n, kind)| format!("{n} word{} {kind}", if *n == 1 { "" } else { "s" }))
            .collect();
        Self {
            label: label(index),
            addr: format!("{:#x}", content.addr),
            size: content.durable.len(),
            differs: !summary.is_empty(),
            summary: summary.join(", "),
            words,
        }
    }
}

fn word(content: &Content, start: usize, about: Option<&Range>, crashed: bool) -> Word {
    let range = start..start + WORD;
    let styles: Vec<_> = range.clone().map(|i| style(content, i, crashed)).collect();
    let is = |wanted| styles.contains(&wanted);
    let verdict = match (is("kept"), is("lost"), is("mixed"), is("risk")) {
        (_, _, _, true) => "at risk",
        (_, _, true, _) | (true, true, ..) => "torn",
        (true, false, ..) => "survived",
        (false, true, ..) => "lost",
        _ => "",
    };
    let concerned = |index: usize| {
        let addr = content.addr.wrapping_add(index as u64);
        about.is_some_and(|r| addr.checked_sub(r.addr).is_some_and(|at| at < r.len))
    };
    let cell = |bytes: &[u8], marked: bool| Cell {
        bytes: (range.clone().zip(&styles))
            .map(|(i, style)| Byte {
                text: format!("{:02x}", bytes[i]),
                style: match (marked, concerned(i)) {
                    (true, true) => format!("{style} about"),
                    (true, false) => (*style).to_owned(),
                    _ if style.is_empty() => String::new(),
                    _ => "changed".to_owned(),
                },
            })
            .collect(),
        value: value(&bytes[range.clone()]),
    };
    let cells = if crashed {
        vec![
            cell(&content.durable, false),
            cell(&content.image, true),
            cell(&content.live, false),
        ]
    } else {
        vec![cell(&content.durable, false), cell(&content.live, true)]
    };
    Word {
        offset: format!("+{start:02x}"),
        verdict,
        cells,
    }
}

/// What became of a byte: nothing was at stake, or the crash kept, lost or mixed stores to it.
fn style(content: &Content, index: usize, crashed: bool) -> &'static str {
    let (durable, live) = (content.durable[index], content.live[index]);
    let image = content.image[index];
    match (image == durable, image == live) {
        _ if !crashed && durable == live => "",
        _ if !crashed => "risk",
        (true, true) => "",
        (false, true) => "kept",
        (true, false) => "lost",
        (false, false) => "mixed",
    }
}

/// A little-endian number, as a debugger on any of the guests shows it.
pub(super) fn value(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().rev().map(|b| format!("{b:02x}")).collect();
    format!("0x{digits}")
}
