//! `kpmem.h` is what cbindgen makes of the crate: each function, constant, struct and type, and
//! nothing else, with the same words in the same order.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn hand_written() -> String {
    fs::read_to_string(root().join("include/kpmem.h")).unwrap()
}

/// What cbindgen makes of the crate's files. (It does not see what a macro makes: the functions
/// whose instruction is settled have the types of the table's, by an assertion in `fixed.rs` and an
/// assignment in the C test.)
fn generated() -> String {
    let config = cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Tag,
        usize_is_size_t: true,
        documentation: false,
        no_includes: true,
        ..cbindgen::Config::default()
    };
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources() {
        builder = builder.with_src(source);
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

/// The crate's files, but for its root, which has nothing of the header's and leads to `pmem2`:
/// that has a header of its own.
fn sources() -> Vec<PathBuf> {
    let files = root().join("src").read_dir().unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("lib.rs"))
        .collect();
    paths.sort();
    paths
}

/// The declarations of a header, each as words with one space between them.
fn declarations(header: &str) -> BTreeSet<String> {
    let text = without_comments(header).replace("\\\n", " ");
    let mut found = BTreeSet::new();
    let (mut plain, mut for_cxx) = (String::new(), false);
    for line in text.lines().map(str::trim) {
        match line.strip_prefix('#').map(str::trim) {
            Some("ifdef __cplusplus") => for_cxx = true,
            Some("endif") => for_cxx = false,
            Some(directive) => found.extend(constant(directive)),
            None if for_cxx => {}
            None => plain.extend([line, " "]),
        }
    }
    let (mut depth, mut one) = (0, String::new());
    for letter in plain.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ';' && depth == 0 {
            found.insert(words(&std::mem::take(&mut one)));
        } else {
            one.push(letter);
        }
    }
    found.retain(|words| !words.is_empty() && !words.starts_with("KPMEM_SETTLED"));
    found
}

/// `#define NAME VALUE` of the API.
fn constant(directive: &str) -> Option<String> {
    let (name, value) = directive.strip_prefix("define ")?.split_once([' ', '\t'])?;
    let is_value = name.starts_with("KPMEM_") && !name.contains('(') && name != "KPMEM_MUST_CHECK";
    let value = value.trim().trim_matches(['(', ')']);
    is_value.then(|| format!("#define {name} {value}"))
}

fn without_comments(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        plain.push(' ');
        rest = after.split_once("*/").expect("a comment ends").1;
    }
    plain + rest
}

fn words(text: &str) -> String {
    let mut spaced = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            spaced.push(letter);
        } else {
            spaced.extend([' ', letter, ' ']);
        }
    }
    let all = spaced
        .split_whitespace()
        .filter(|word| *word != "KPMEM_MUST_CHECK");
    let text = all.collect::<Vec<_>>().join(" ");
    text.replace("[ (", "[").replace(") ]", "]")
}

#[test]
fn the_header_is_what_the_crate_is() {
    let (ours, theirs) = (declarations(&hand_written()), declarations(&generated()));
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let extra: Vec<_> = ours.difference(&theirs).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "kpmem.h lacks, or has otherwise:\n{missing:#?}\nand has, which the crate has not:\n\
         {extra:#?}"
    );
    assert!(
        ours.len() > 140,
        "only {} declarations were compared",
        ours.len()
    );
}

/// Negative control: each way in which the two can differ is seen.
#[test]
fn a_header_that_differs_is_seen() {
    let (text, right) = (hand_written(), declarations(&hand_written()));
    for (from, to) in [
        (
            "size_t kpmem_errormsg(int code",
            "size_t kpmem_errormsg(long code",
        ),
        ("(-200004)", "(-200005)"),
        ("#define KPMEM_MAP_SIZE 192", "#define KPMEM_MAP_SIZE 184"),
        (
            "\tuint32_t has_domain;\n\tuint32_t domain;",
            "\tuint32_t domain;\n\tuint32_t has_domain;",
        ),
        ("int kpmem_map_fini(struct kpmem_map *map);", ""),
        (
            "typedef void (*kpmem_drain_fn)(void);",
            "typedef int (*kpmem_drain_fn)(void);",
        ),
        ("\tint (*drain)(void *context);\n", ""),
        (
            "const struct kpmem_map *map, const void *ptr,",
            "const struct kpmem_map *map, void *ptr,",
        ),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from} is not in the header");
        assert_ne!(declarations(&changed), right, "{to} is not seen");
    }
}
