//! Links in a README, as the registry shows it.
//!
//! The registry takes a relative link for one into the repository that the manifest names, from the
//! folder of the README on (for GitHub, GitLab and Bitbucket). So each names a file of the
//! repository, or begins with `https:`.

use crate::{process, workspace};
use anyhow::{Context, Result};
use cargo_metadata::Package;
use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// Where relative links of a README lead somewhere.
const HOSTS: [&str; 3] = [
    "https://github.com/",
    "https://gitlab.com/",
    "https://bitbucket.org/",
];

/// Whether all links of a package's README hold.
pub(super) fn links(package: &Package) -> Result<Result<(), String>> {
    let readme = package
        .readme()
        .with_context(|| format!("{} has no README", package.name))?;
    let text = fs::read_to_string(&readme).with_context(|| format!("no {readme}"))?;
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(workspace::root());
    let files = process::stdout_of(&mut git)?;
    let folder = readme.parent().context("a README is in no folder")?;
    let folder = folder.as_std_path().strip_prefix(workspace::root())?;
    let repository = package.repository.as_deref().unwrap_or_default();
    Ok(faults(&text, repository, folder, &files.lines().collect()))
}

fn faults(
    text: &str,
    repository: &str,
    folder: &Path,
    files: &BTreeSet<&str>,
) -> Result<(), String> {
    let mut faults = Vec::new();
    for target in targets(text) {
        let path = target.split('#').next().unwrap_or_default();
        if path.is_empty() || target.starts_with("https://") {
            continue;
        }
        if !HOSTS.iter().any(|host| repository.starts_with(host)) {
            faults.push(format!("{target} leads nowhere from {repository:?}"));
        } else if !files.contains(folder.join(path).to_string_lossy().as_ref()) {
            faults.push(format!("{target} is no file of the repository"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

/// Where the links and pictures of a text lead that are written in line.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "https://github.com/a/b";

    #[test]
    fn links_that_hold() {
        let files = BTreeSet::from(["a/docs/x.md", "a/x.svg"]);
        let of = |text| faults(text, REPOSITORY, Path::new("a"), &files);
        assert_eq!(
            of("[x](docs/x.md#y) ![y](x.svg) [z](https://example.org) [t](#u)"),
            Ok(())
        );
        assert_eq!(
            of("[x](docs/y.md)").unwrap_err(),
            "docs/y.md is no file of the repository"
        );
        assert!(of("[x](/docs/x.md)").is_err());
        assert!(of("[x](http://example.org)").is_err());
    }

    #[test]
    fn without_a_repository_relative_links_lead_nowhere() {
        let files = BTreeSet::from(["x.md"]);
        for repository in ["", "https://example.org/x"] {
            let of = |text| faults(text, repository, Path::new(""), &files);
            assert!(of("[x](x.md)").is_err());
            assert_eq!(of("[x](https://example.org)"), Ok(()));
        }
    }
}
