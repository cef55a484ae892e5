//! How wide comments are: rustfmt leaves them as they were written.

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::{fs, process::Command};

/// The widest that a line with a comment may be, in characters.
const WIDEST: usize = 100;

/// Looks at every comment in the files that git knows. The answer says how many lines those were.
pub fn check() -> Result<String> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "*.rs"])
        .current_dir(workspace::root());
    let mut all = Comments::default();
    for path in process::stdout_of(&mut list)?.split_terminator('\0') {
        let text = fs::read_to_string(workspace::root().join(path))
            .with_context(|| format!("cannot read {path}"))?;
        all.add(path, &text);
    }
    all.verdict()
}

/// The comments of some files.
#[derive(Default)]
struct Comments {
    lines: usize,
    /// Those that are too wide, as `file:line`.
    wide: Vec<String>,
}

impl Comments {
    fn add(&mut self, path: &str, text: &str) {
        let mut drawing = false;
        for (number, line) in (1..).zip(text.lines()) {
            let Some(comment) = Comment::of(line) else {
                drawing = false;
                continue;
            };
            self.lines += 1;
            if comment.text.starts_with("```") {
                drawing = !drawing && comment.text == "```text";
            }
            if line.chars().count() > WIDEST && !drawing && comment.can_be_wrapped() {
                self.wide.push(format!("{path}:{number}"));
            }
        }
    }

    fn verdict(self) -> Result<String> {
        let Self { lines, wide } = self;
        if lines == 0 {
            bail!("there was no comment to look at");
        }
        if !wide.is_empty() {
            bail!("wider than {WIDEST} columns:\n{}", wide.join("\n"));
        }
        Ok(format!("{lines} lines"))
    }
}

/// The comment in a line.
struct Comment<'a> {
    is_doc: bool,
    text: &'a str,
}

impl<'a> Comment<'a> {
    /// The one that a line consists of or ends in.
    fn of(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let doc = ["///", "//!"]
            .iter()
            .find_map(|mark| line.strip_prefix(mark));
        let text = doc
            .or_else(|| line.strip_prefix("//"))
            .or_else(|| Some(line.split_once(" // ")?.1))?;
        Some(Self {
            is_doc: doc.is_some(),
            text: text.trim(),
        })
    }

    /// Neither a row of a table, nor one word, such as an address.
    fn can_be_wrapped(&self) -> bool {
        let row = self.is_doc && self.text.starts_with('|');
        !row && self.text.contains(' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Result<String> {
        let mut comments = Comments::default();
        comments.add("x.rs", text);
        comments.verdict()
    }

    fn long(start: &str) -> String {
        format!("{start} {}\n", "word ".repeat(20).trim_end())
    }

    #[test]
    fn a_wide_comment_is_named() {
        for start in ["//", "    ///", "//!", "let x = 1; //", "// |"] {
            let why = verdict(&format!("// short\n{}", long(start))).unwrap_err();
            assert!(format!("{why}").ends_with("\nx.rs:2"), "{start}: {why}");
        }
        // After a drawing, and in a code block that is none.
        let drawing = format!("//! ```text\n//! ```\n{}", long("//!"));
        assert!(verdict(&drawing).is_err());
        assert!(verdict(&format!("//! ```\n{}//! ```\n", long("//!"))).is_err());
    }

    #[test]
    fn what_cannot_be_wrapped_may_be_wide() {
        let table = long("/// |");
        let drawing = format!("//! ```text\n{}//! ```\n", long("//!"));
        let address = format!("// https://{}\n", "x".repeat(100));
        for text in [table, drawing, address] {
            assert!(verdict(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn columns_are_characters() {
        let comment = format!("// é {}", "é".repeat(95));
        assert_eq!(verdict(&comment).unwrap(), "1 lines");
        assert!(verdict(&format!("{comment}é")).is_err());
    }

    #[test]
    fn code_is_not_looked_at_and_no_comment_at_all_is_a_failure() {
        let code = format!("let s = \"https://{}\";\n", "long ".repeat(30));
        assert!(verdict(&code).is_err_and(|why| format!("{why}").contains("no comment")));
        assert!(verdict(&format!("// one\n{code}")).is_ok());
    }
}
