//! The generated code of persist beside what it was when somebody last looked at it.

use super::{
    encoding::{Kind, kind},
    program::{Function, Program},
    rules::target,
};
use crate::{arch::Arch, process, report::Verdict, toolchain::Toolchain, workspace};
use anyhow::{Context, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::PathBuf,
    process::Command,
};

/// Persist by the best instruction, as listings without addresses, with what made and listed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    made_by: String,
    listings: Vec<Listing>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Listing {
    title: String,
    /// Instructions that are executed for each line of a long range.
    per_line: usize,
    text: String,
}

impl Golden {
    /// What the compiler makes now of persist for 64-byte lines, and of persist of one word.
    pub fn of(program: &Program) -> Result<Self> {
        let arch = program.arch;
        let tables = program.index("KPMEM_FUNCTIONS")?;
        let best = tables.iter().find(|entry| entry.line == 64);
        let best = best.context("no table is for lines of 64 bytes")?;
        let [persist, ..] = best.functions;
        let persist = program.at(persist).context("the table has no persist")?;
        let word = program.named("kpmem_persist_word");
        let word = word.context("kpmem_persist_word is missing")?;
        let listing = |title: String, function| Listing {
            title,
            per_line: per_line(arch, function),
            text: text(program, function),
        };
        Ok(Self {
            made_by: made_by(arch)?,
            listings: vec![
                listing(format!("persist of {}, 64-byte lines", best.name), persist),
                listing("persist of one word".to_owned(), word),
            ],
        })
    }

    /// What is kept for an instruction set, if something is.
    pub fn kept(arch: Arch) -> Option<Self> {
        Self::parse(&fs::read_to_string(path(arch)).ok()?)
    }

    /// Keeps it.
    pub fn keep(&self, arch: Arch) -> Result<PathBuf> {
        let path = path(arch);
        fs::write(&path, self.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Whether `built` is as it was kept. Another compiler may choose other instructions, but no
    /// more of them for a line.
    pub fn compare(&self, built: &Self) -> Result<Verdict> {
        if self.listings == built.listings {
            return Ok(Verdict::Passed);
        }
        let longer = built.listings.iter().find(|listing| {
            let same = |kept: &&Listing| kept.title == listing.title;
            let kept = self.listings.iter().find(same);
            kept.is_none_or(|kept| listing.per_line > kept.per_line)
        });
        let difference = difference(&self.to_string(), &built.to_string())?;
        Ok(if let Some(Listing { title, .. }) = longer {
            Verdict::Failed(format!(
                "{title} is new, or longer for each line\n{difference}"
            ))
        } else if self.made_by == built.made_by {
            Verdict::Failed(format!(
                "other code; `cargo xtask test --bless` keeps it\n{difference}"
            ))
        } else {
            Verdict::Skipped(format!(
                "{} makes other code than {}, which is kept, and not more of it\n{difference}",
                built.made_by, self.made_by
            ))
        })
    }

    /// As it is written by [`fmt::Display`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut blocks = text.split("\n\n");
        let made_by = blocks.next()?.to_owned();
        let listing = |block: &str| {
            let (heading, text) = block.split_once('\n')?;
            let (title, count) = heading.rsplit_once(": ")?;
            let (count, _) = count.split_once(' ')?;
            Some(Listing {
                title: title.to_owned(),
                per_line: count.parse().ok()?,
                text: text.trim_end().to_owned(),
            })
        };
        Some(Self {
            made_by,
            listings: blocks.map(listing).collect::<Option<_>>()?,
        })
    }
}

impl fmt::Display for Golden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.made_by)?;
        for listing in &self.listings {
            let Listing {
                title,
                per_line,
                text,
            } = listing;
            writeln!(
                f,
                "\n{title}: {per_line} instructions for each line\n{text}"
            )?;
        }
        Ok(())
    }
}

fn path(arch: Arch) -> PathBuf {
    workspace::root().join(format!("qemu/harness/golden/persist-{arch}.txt"))
}

/// The versions that decide how a listing looks.
fn made_by(arch: Arch) -> Result<String> {
    let (major, minor) = Toolchain::require(arch)?.version()?;
    let said = process::stdout_of(Command::new(arch.objdump()).arg("--version"))?;
    let version = said.lines().next().and_then(|line| line.rsplit(' ').next());
    let version = version.context("objdump does not tell its version")?;
    Ok(format!("rustc {major}.{minor}, objdump {version}"))
}

/// The shortest loop that writes back, for each line that it does; all, where there is no loop.
fn per_line(arch: Arch, function: &Function) -> usize {
    let instructions = &function.instructions;
    let loops = instructions.iter().enumerate().filter_map(|(last, jump)| {
        let to = target(jump)?;
        let first = instructions[..=last]
            .iter()
            .position(|instruction| instruction.address == to)?;
        let body = &instructions[first..=last];
        let lines = body
            .iter()
            .filter(|instruction| matches!(kind(arch, instruction), Kind::WriteBack(_)));
        match lines.count() {
            0 => None,
            lines => Some(body.len().div_ceil(lines)),
        }
    });
    loops.min().unwrap_or(instructions.len())
}

/// The instructions, one a line, with labels where they jump to.
fn text(program: &Program, function: &Function) -> String {
    let inside = function.start..function.start + function.size;
    let targets = function.instructions.iter().filter_map(target);
    let targets: BTreeSet<_> = targets.filter(|target| inside.contains(target)).collect();
    let labels: BTreeMap<_, _> = targets.into_iter().zip(1..).collect();
    let mut text = String::new();
    for instruction in &function.instructions {
        if let Some(label) = labels.get(&instruction.address) {
            text += &format!(".{label}:\n");
        }
        let words: Vec<_> = instruction.text.split_whitespace().collect();
        let words = words.join(" ");
        // What the disassembler remarks: `je 2014ad <name+0x2d>`, `b.cc 2014ad <name> // b.lo`.
        let code = [" <", " //", " # "].iter().fold(&*words, |code, mark| {
            code.split(mark).next().unwrap_or(code)
        });
        let line = match target(instruction) {
            Some(address) => {
                let jump = code.trim_end_matches(|digit: char| digit.is_ascii_hexdigit());
                let label = labels.get(&address).map(|label| format!(".{label}"));
                let outside = || program.at(address).map(|function| function.name.clone());
                format!("{jump}{}", label.or_else(outside).unwrap_or_default())
            }
            None => code.to_owned(),
        };
        text += &format!("    {line}\n");
    }
    text.trim_end().to_owned()
}

/// Shown as `diff` shows it.
fn difference(kept: &str, built: &str) -> Result<String> {
    let dir = tempfile::tempdir()?;
    let files = [("kept", kept), ("built", built)];
    for (name, text) in files {
        fs::write(dir.path().join(name), text)?;
    }
    let mut diff = Command::new("diff");
    diff.args(["-u", "kept", "built"]).current_dir(dir.path());
    let output = process::output_of(&mut diff)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(made_by: &str, per_line: usize, text: &str) -> Golden {
        Golden {
            made_by: made_by.to_owned(),
            listings: vec![Listing {
                title: "persist of x, 64-byte lines".to_owned(),
                per_line,
                text: text.to_owned(),
            }],
        }
    }

    #[test]
    fn a_listing_is_read_as_it_was_written() {
        let kept = golden("rustc 1.2, objdump 3.4", 4, ".1:\n    ret\n    jmp .1");
        assert_eq!(Golden::parse(&kept.to_string()), Some(kept));
        assert_eq!(Golden::parse("rustc 1.2\n\nnothing"), None);
    }

    #[test]
    fn other_code_of_the_same_compiler_is_refused() {
        let kept = golden("a", 4, "    ret");
        assert_eq!(kept.compare(&kept).unwrap(), Verdict::Passed);
        let changed = kept.compare(&golden("a", 4, "    nop\n    ret")).unwrap();
        assert!(matches!(changed, Verdict::Failed(why) if why.contains("+    nop")));
    }

    #[test]
    fn other_code_of_another_compiler_must_not_be_longer() {
        let kept = golden("a", 4, "    ret");
        let skipped = kept.compare(&golden("b", 4, "    nop")).unwrap();
        assert!(matches!(skipped, Verdict::Skipped(_)));
        let longer = kept.compare(&golden("b", 5, "    nop")).unwrap();
        assert!(matches!(longer, Verdict::Failed(_)));
        assert_eq!(
            kept.compare(&golden("b", 4, "    ret")).unwrap(),
            Verdict::Passed
        );
    }
}
