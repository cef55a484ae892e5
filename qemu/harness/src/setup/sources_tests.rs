//! The two formats, with what is found on real machines.

use super::*;

const STANZAS: &str = "\
Types: deb deb-src
# a comment in the middle
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://other.example/debian
Suites: sid
Components: main
Enabled: no
";

#[test]
fn a_stanza_is_copied_with_its_key() {
    let entries = deb822(STANZAS);
    assert_eq!(entries.len(), 1, "the disabled one is out");
    assert_eq!(entries[0].suites(), ["bookworm", "bookworm-updates"]);
    let (extension, text) = entries[0].for_suite("bookworm-backports");
    assert_eq!(extension, "sources");
    assert_eq!(
        text,
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\n\
         Components: main\nSigned-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n \
         -----END PGP PUBLIC KEY BLOCK-----\n"
    );
    assert_eq!(deb822(&text)[0].suites(), ["bookworm-backports"]);
}

#[test]
fn a_line_is_copied_with_its_options() {
    let entries = one_line(
        "deb cdrom:[Debian 12]/ bookworm main\n\
         # deb http://old.example/debian bookworm main\n\
         deb-src http://mirror.example/debian bookworm main\n\
         deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://mirror.example/debian bookworm main non-free # ours\n",
    );
    assert_eq!(entries.len(), 1);
    assert!(entries[0].has_main());
    let (extension, text) = entries[0].for_suite("bookworm-backports");
    assert_eq!(extension, "list");
    assert_eq!(
        text,
        "deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://mirror.example/debian \
         bookworm-backports main\n"
    );
}

#[test]
fn only_entries_in_force_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let parts = dir.path().join("sources.list.d");
    fs::create_dir(&parts).unwrap();
    fs::write(
        dir.path().join("sources.list"),
        "deb http://a.example/ bookworm main\n",
    )
    .unwrap();
    fs::write(parts.join("x.sources"), STANZAS).unwrap();
    fs::write(parts.join("y.sources.disabled"), STANZAS).unwrap();
    assert_eq!(read(dir.path()).len(), 2);
}
