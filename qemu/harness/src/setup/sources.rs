//! apt's sources: find the machine's own mirror and make an entry for backports like it.
//!
//! Formats: sources.list(5), one-line style and deb822 style.

use super::apt::Release;
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How the suites of security updates end.
const SECURITY: &str = "-security";

/// One source of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// `deb [options] URI suite components`.
    OneLine {
        options: String,
        uri: String,
        suite: String,
        components: Vec<String>,
    },
    /// A deb822 stanza, as (field, value) with the value's further lines kept.
    Stanza(Vec<(String, String)>),
}

impl Entry {
    fn suites(&self) -> Vec<&str> {
        match self {
            Self::OneLine { suite, .. } => vec![suite],
            Self::Stanza(_) => self.field("Suites").split_whitespace().collect(),
        }
    }

    fn has_main(&self) -> bool {
        match self {
            Self::OneLine { components, .. } => components.iter().any(|name| name == "main"),
            Self::Stanza(_) => self
                .field("Components")
                .split_whitespace()
                .any(|x| x == "main"),
        }
    }

    fn field(&self, wanted: &str) -> &str {
        match self {
            Self::Stanza(fields) => fields
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map_or("", |(_, value)| value),
            Self::OneLine { .. } => "",
        }
    }

    fn for_suite(&self, suite: &str) -> (&'static str, String) {
        match self {
            Self::OneLine { options, uri, .. } => {
                let options = match options.as_str() {
                    "" => String::new(),
                    options => format!("[{options}] "),
                };
                ("list", format!("deb {options}{uri} {suite} main\n"))
            }
            Self::Stanza(fields) => {
                let mut text = String::new();
                for (name, value) in fields {
                    let value = match name.to_ascii_lowercase().as_str() {
                        "types" => "deb",
                        "suites" => suite,
                        "components" => "main",
                        _ => value,
                    };
                    text += &format!("{name}: {value}\n");
                }
                ("sources", text)
            }
        }
    }
}

/// A command that enables `suite` on the mirror that has `codename`; none if it is enabled.
pub(super) fn enable(codename: &str, suite: &str) -> Result<Option<String>> {
    let entries = read(Path::new("/etc/apt"));
    if entries.iter().any(|entry| entry.suites().contains(&suite)) {
        return Ok(None);
    }
    let (extension, text) = mirror(&entries, codename)?.for_suite(suite);
    let file = format!("/etc/apt/sources.list.d/{suite}.{extension}");
    Ok(Some(format!("cat > {file} <<'END'\n{text}END")))
}

/// An entry for `suite` on the machine's own mirror, and the extension of a file for it. Security's
/// suites may be elsewhere.
pub(super) fn like_the_mirror(suite: &str) -> Result<(&'static str, String)> {
    let entries = read(Path::new("/etc/apt"));
    let codename = Release::read().codename;
    let own = if suite.ends_with(SECURITY) {
        codename + SECURITY
    } else {
        codename
    };
    Ok(mirror(&entries, &own)?.for_suite(suite))
}

/// The suite, and that of its security updates if the machine takes such updates of its own
/// release.
pub(super) fn with_security(suite: &str) -> Vec<String> {
    let own = Release::read().codename + SECURITY;
    let entries = read(Path::new("/etc/apt"));
    let takes = entries
        .iter()
        .any(|entry| entry.has_main() && entry.suites().contains(&own.as_str()));
    let mut suites = vec![suite.to_owned()];
    // Backports and the like have none.
    if takes && !suite.contains('-') {
        suites.push(suite.to_owned() + SECURITY);
    }
    suites
}

fn mirror<'a>(entries: &'a [Entry], codename: &str) -> Result<&'a Entry> {
    let has = |entry: &&Entry, name| entry.has_main() && entry.suites().contains(&name);
    [codename, "stable", "oldstable"]
        .into_iter()
        .find_map(|name| entries.iter().find(|entry| has(entry, name)))
        .with_context(|| format!("no source of packages for {codename} in /etc/apt"))
}

/// All entries of the machine that are in force.
fn read(apt: &Path) -> Vec<Entry> {
    let mut files: Vec<PathBuf> = fs::read_dir(apt.join("sources.list.d"))
        .map(|dir| dir.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    files.insert(0, apt.join("sources.list"));
    let parse = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => one_line(&text),
            Some("sources") => deb822(&text),
            _ => Vec::new(),
        }
    };
    files.iter().flat_map(parse).collect()
}

fn one_line(text: &str) -> Vec<Entry> {
    text.lines().filter_map(one_line_entry).collect()
}

fn one_line_entry(line: &str) -> Option<Entry> {
    let line = line.split('#').next()?.trim();
    let rest = line
        .strip_prefix("deb")?
        .strip_prefix([' ', '\t'])?
        .trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    if uri.starts_with("cdrom:") {
        return None;
    }
    Some(Entry::OneLine {
        options: options.trim().to_owned(),
        uri,
        suite,
        components: words.collect(),
    })
}

fn deb822(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .chain([""])
    {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        } else if !fields.is_empty() {
            let entry = Entry::Stanza(std::mem::take(&mut fields));
            let binary = entry
                .field("Types")
                .split_whitespace()
                .any(|name| name == "deb");
            if binary && !entry.field("Enabled").eq_ignore_ascii_case("no") {
                entries.push(entry);
            }
        }
    }
    entries
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
