//! Links, merged folders, and the order of an archive.

use super::*;

fn tree(nodes: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, what) in nodes {
        let node = match what.strip_prefix("-> ") {
            Some(target) => Node::Link(target.to_owned()),
            None => Node::Bytes(what.as_bytes().to_vec()),
        };
        tree.add(path, node);
    }
    tree
}

#[test]
fn a_library_is_found_through_its_links() {
    let tree = tree(&[
        ("/lib/x86_64-linux-gnu/libc.so.6", "c"),
        ("usr/lib/x86_64-linux-gnu/libz.so.1", "-> libz.so.1.2"),
        ("/lib/x86_64-linux-gnu/libz.so.1.2", "z"),
        ("/usr/lib/far", "-> ../share/far"),
        ("/usr/share/far/file", "far"),
        ("/usr/lib64/ld.so", "-> /lib/x86_64-linux-gnu/libc.so.6"),
        ("/usr/lib/round", "-> about"),
        ("/usr/lib/about", "-> round"),
    ]);
    assert_eq!(
        tree.read("/usr/lib/x86_64-linux-gnu/libz.so.1").unwrap(),
        b"z"
    );
    assert_eq!(tree.read("/lib/far/file").unwrap(), b"far");
    assert_eq!(tree.read("/lib64/ld.so").unwrap(), b"c");
    assert_eq!(tree.resolve("/lib/round"), None);
    assert_eq!(tree.resolve("/lib/x86_64-linux-gnu/libm.so.6"), None);
}

#[test]
fn folders_come_before_what_is_in_them() {
    let archive = tree(&[("/a/b/file", "1"), ("/a/c", "-> b")])
        .archive()
        .unwrap();
    let text = String::from_utf8_lossy(&archive).into_owned();
    let at = |name: &str| text.find(name).unwrap_or_else(|| panic!("no {name}"));
    assert!(at("a\0") < at("a/b\0") && at("a/b\0") < at("a/b/file\0"));
    assert!(at("a/b/file\0") < at("a/c\0"));
}
