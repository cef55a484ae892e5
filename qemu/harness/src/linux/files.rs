//! What is put into a guest: packages, and files of this machine.

use super::tree::{Node, Tree};
use crate::setup::closure::Unpacked;
use anyhow::{Result, bail};
use std::path::PathBuf;

/// Parts of packages that no program needs to run.
const LEFT_OUT: [&str; 7] = [
    "usr/include/",
    "usr/share/doc-base/",
    "usr/share/doc/",
    "usr/share/info/",
    "usr/share/lintian/",
    "usr/share/locale/",
    "usr/share/man/",
];

/// A file or folder for the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Where it is on this machine.
    pub host: PathBuf,
    /// Where it will be.
    pub guest: String,
}

impl Given {
    /// `HOST` or `HOST:GUEST`. Without a place it goes to `/files`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, guest) = match text.rsplit_once(':') {
            Some((host, guest)) => (host, Some(guest)),
            None => (text, None),
        };
        let host = PathBuf::from(host);
        let guest = match guest {
            Some(guest) if guest.starts_with('/') => guest.to_owned(),
            Some(guest) => return Err(format!("{guest:?} is no absolute path in the guest")),
            None => {
                let name = host.file_name().ok_or("it has no file's name")?;
                format!("/files/{}", name.to_string_lossy())
            }
        };
        Ok(Self { host, guest })
    }

    /// Puts it there.
    pub(super) fn add_to(&self, tree: &mut Tree) -> Result<()> {
        if self.host.is_dir() {
            tree.add(&self.guest, Node::Folder);
            return tree.add_folder(&self.guest, &self.host);
        }
        if !self.host.is_file() {
            bail!("there is no file {}", self.host.display());
        }
        tree.add(&self.guest, Node::File(self.host.clone()));
        Ok(())
    }
}

/// The files of packages, as they would be installed, but for what is only read by people, and for
/// paths that begin so.
pub(super) fn of_packages(unpacked: &[Unpacked], left_out: &[&str]) -> Result<Tree> {
    let mut all = Tree::default();
    for package in unpacked {
        all.add_folder("", &package.root)?;
    }
    let left_out = [&LEFT_OUT[..], left_out].concat();
    all.retain(|path| !left_out.iter().any(|it| path.starts_with(it)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_where_it_is_said_or_to_files() {
        let given = |text| Given::parse(text).map(|it| (it.host.display().to_string(), it.guest));
        let pair = |host: &str, guest: &str| Ok((host.to_owned(), guest.to_owned()));
        assert_eq!(given("a/b"), pair("a/b", "/files/b"));
        assert_eq!(given("a/b:/etc/c"), pair("a/b", "/etc/c"));
        assert!(given("a/b:c").is_err() && given("..").is_err() && given("").is_err());
    }
}
