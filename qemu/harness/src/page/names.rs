//! Names as short as a person can use them: functions without their modules, sources without the
//! machine's paths.

/// `<a::Lines<a::Clwb, 64> as a::Primitives>::flush` is `Lines<Clwb, 64>::flush`.
pub(super) fn function(name: &str) -> String {
    let (owner, rest) = match name.strip_prefix('<').and_then(split_at_close) {
        Some((owner, rest)) => (owner, rest),
        None => ("", name),
    };
    let rest = without_arguments(rest);
    if owner.is_empty() {
        let segments: Vec<_> = rest.split("::").collect();
        return segments[segments.len().saturating_sub(2)..].join("::");
    }
    let owner = owner.split(" as ").next().unwrap_or(owner);
    without_modules(owner) + &rest
}

/// Splits behind a `<` at the `>` that closes it.
fn split_at_close(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            // The arrow of a function's type closes nothing.
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
        last = c;
    }
    None
}

/// Symbols write `name::<A>`, debug information without symbols `name<A>`.
fn without_arguments(mut text: &str) -> String {
    let mut kept = String::new();
    while let Some((before, after)) = text.split_once('<') {
        let Some((_, rest)) = split_at_close(after) else {
            break;
        };
        kept += before.strip_suffix("::").unwrap_or(before);
        text = rest;
    }
    kept + text
}

fn without_modules(text: &str) -> String {
    let mut kept = String::new();
    // Where the identifier at hand starts in `kept`.
    let mut start = 0;
    for c in text.chars() {
        kept.push(c);
        if kept.ends_with("::") {
            kept.truncate(start);
        } else if !(c.is_alphanumeric() || c == '_' || c == ':') {
            start = kept.len();
        }
    }
    kept
}

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) path: String,
    /// It belongs to a dependency or to Rust's library.
    pub(super) foreign: bool,
}

/// Crates of Rust's library, where its sources are in a directory `library`.
const LIBRARY: [&str; 4] = ["core", "alloc", "std", "compiler-builtins"];

/// The file's path from the directory in which it was compiled, or from the root of its package.
pub(super) fn source(path: &str, roots: &[String]) -> Source {
    let path = resolve(path);
    let segments: Vec<_> = path.split('/').collect();
    let from = |at: usize| Source {
        path: segments[at.min(segments.len() - 1)..].join("/"),
        foreign: true,
    };
    for (at, pair) in segments.windows(2).enumerate() {
        match pair {
            ["library", name] if LIBRARY.contains(name) => return from(at),
            // Cargo's caches: registry/src/INDEX/PACKAGE and git/checkouts/NAME/REVISION.
            ["registry", "src"] => return from(at + 3),
            ["git", "checkouts"] => return from(at + 4),
            _ => {}
        }
    }
    let root = roots
        .iter()
        .filter_map(|root| path.strip_prefix(root.as_str())?.strip_prefix('/'))
        .min_by_key(|rest| rest.len());
    let own = |path: &str| Source {
        path: path.to_owned(),
        foreign: false,
    };
    match root {
        Some(rest) => own(rest),
        // Nothing of the machine that compiled it is worth showing.
        None if path.starts_with('/') => own(segments[segments.len() - 1]),
        None => own(&path),
    }
}

/// Takes `.` and `..` out.
fn resolve(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." if kept.last().is_some_and(|last| !["", ".."].contains(last)) => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_lose_modules_traits_and_arguments() {
        let names = [
            ("crash::log::run", "log::run"),
            ("main", "main"),
            (
                "kpmem_log::append::commit::<crash::log::Wrong>",
                "append::commit",
            ),
            (
                "<kpmem::primitives::Lines<kpmem::arch::native::Clwb, 64> as kpmem::primitives::Primitives>::flush::{closure#0}",
                "Lines<Clwb, 64>::flush::{closure#0}",
            ),
            ("flush<kpmem::Lines<a::B, 64>>", "flush"),
            ("<*mut u64>::write_volatile", "*mut u64::write_volatile"),
            ("<a::B<fn(c::D) -> e::F>>::g", "B<fn(D) -> F>::g"),
            ("<unfinished::X", "<unfinished::X"),
            ("", ""),
        ];
        for (given, expected) in names {
            assert_eq!(function(given), expected);
        }
    }

    #[test]
    fn sources_lose_the_machine() {
        let roots = ["/home/me/repo".to_owned(), "/home/me".to_owned()];
        let shown = |path| {
            let source = source(path, &roots);
            (source.path, source.foreign)
        };
        let own = |path: &str| (path.to_owned(), false);
        let foreign = |path: &str| (path.to_owned(), true);
        assert_eq!(shown("/home/me/repo/src/../arch/x.rs"), own("arch/x.rs"));
        assert_eq!(shown("/home/other/x.rs"), own("x.rs"));
        assert_eq!(shown("src/./x.rs"), own("src/x.rs"));
        assert_eq!(
            shown("/usr/lib/rustlib/src/rust/library/core/src/ptr/mod.rs"),
            foreign("library/core/src/ptr/mod.rs")
        );
        assert_eq!(
            shown("/home/me/.cargo/registry/src/index-1/spin-0.12.2/src/once.rs"),
            foreign("spin-0.12.2/src/once.rs")
        );
        assert_eq!(
            shown("/home/me/.cargo/git/checkouts/spin-1/abc/src/once.rs"),
            foreign("src/once.rs")
        );
    }
}
