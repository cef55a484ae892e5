//! The blocks of code in documentation, as rustdoc sees them.

/// A block of Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What is compiled, also of lines that are not shown.
    pub(super) code: String,
    /// Whether it is promised to compile.
    pub(super) compiles: bool,
}

impl Block {
    /// One that does not compile.
    pub(super) fn wrong() -> Self {
        Self {
            code: "kpmem::unheard_of();\n".to_owned(),
            compiles: true,
        }
    }

    /// A function that does what the block does. One that ends with a result may use `?`.
    pub(super) fn function(&self, number: usize) -> String {
        let result = match self.code.trim_end().ends_with("(())") {
            true => " -> Result<(), impl core::fmt::Debug>",
            false => "",
        };
        format!("fn example_{number}(){result} {{\n{}}}\n", self.code)
    }

    /// Whether the code has this name in it, by itself and with this before it.
    pub(super) fn uses(&self, before: &str, name: &str) -> bool {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        self.code.match_indices(name).any(|(at, _)| {
            let (left, right) = (&self.code[..at], &self.code[at + name.len()..]);
            left.ends_with(before) && !left.ends_with(part) && !right.starts_with(part)
        })
    }
}

/// The blocks of Rust in a text.
pub(super) fn of(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Block)> = None;
    for line in text.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let words: Vec<_> = info
                    .split([',', ' '])
                    .filter(|word| !word.is_empty())
                    .collect();
                let block = Block {
                    code: String::new(),
                    compiles: !words
                        .iter()
                        .any(|word| word.starts_with("ignore") || *word == "compile_fail"),
                };
                open = Some((words.iter().all(|word| is_of_rust(word)), block));
            }
            (Some(_), Some(_)) => blocks.extend(
                open.take()
                    .filter(|(rust, _)| *rust)
                    .map(|(_, block)| block),
            ),
            (Some((_, block)), None) => {
                block.code += shown(line);
                block.code.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// What a fence of Rust says of itself.
fn is_of_rust(word: &str) -> bool {
    word.starts_with("ignore")
        || word.starts_with("edition")
        || ["rust", "no_run", "should_panic", "compile_fail"].contains(&word)
}

/// A line without the mark that hides it.
fn shown(line: &str) -> &str {
    match line.trim_start() {
        "#" => "",
        trimmed => trimmed.strip_prefix("# ").unwrap_or(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_rust_only() {
        let text = "a\n```\nx();\n# y();\n#\n```\n```text\nz\n```\n```rust,ignore\nw\n```\n";
        let block = |code: &str, compiles| Block {
            code: code.to_owned(),
            compiles,
        };
        assert_eq!(
            of(text),
            [block("x();\ny();\n\n", true), block("w\n", false)]
        );
        assert_eq!(of("no code"), []);
    }

    #[test]
    fn names_are_whole_words() {
        let block = Block {
            code: "Map::new(); map.persist_fn();".to_owned(),
            compiles: true,
        };
        assert!(
            block.uses("", "Map") && block.uses("Map::", "new") && block.uses(".", "persist_fn")
        );
        assert!(!block.uses(".", "new") && !block.uses(".", "persist") && !block.uses("", "ap"));
    }
}
