//! The public items of a crate that are to be shown in use.

use super::blocks::{self, Block};
use anyhow::{Context, Result};
use rustdoc_types::{Crate, Id, Item, ItemEnum};

/// A type, a trait or a function.
#[derive(Clone, Debug)]
pub(super) struct Entry<'c> {
    /// From the crate's name on.
    pub(super) path: String,
    /// Its own documentation.
    pub(super) docs: &'c str,
    name: &'c str,
    /// Of a method: its type, and whether it has a receiver.
    of: Option<(&'c str, bool)>,
    /// What else may show it: its type's page, and those of the modules around it.
    pages: Vec<&'c str>,
}

impl Entry<'_> {
    /// Whether an example shows it.
    pub(super) fn is_shown(&self) -> bool {
        let examples = |text: &&str| blocks::of(text).into_iter().filter(|block| block.compiles);
        let uses = |block: Block| match self.of {
            None => block.uses("", self.name),
            Some((of, has_receiver)) => {
                block.uses(&format!("{of}::"), self.name)
                    || has_receiver && block.uses(".", self.name)
            }
        };
        examples(&self.docs).next().is_some() || self.pages.iter().flat_map(examples).any(uses)
    }

    /// Whether it is there on its instruction set only.
    pub(super) fn is_of_the_set(&self) -> bool {
        self.path.split("::").nth(1) == Some("arch")
    }
}

/// All of a crate.
pub(super) fn of(krate: &Crate) -> Result<Vec<Entry<'_>>> {
    let mut walk = Walk {
        krate,
        entries: Vec::new(),
    };
    let root = krate
        .index
        .get(&krate.root)
        .context("the crate has no root")?;
    walk.module(root, root.name.as_deref().unwrap_or_default(), &[]);
    Ok(walk.entries)
}

/// Takes the examples out of all documentation.
pub(super) fn hide_examples(krate: &mut Crate) {
    for item in krate.index.values_mut() {
        if let Some(docs) = &mut item.docs {
            *docs = docs.replace("```", "");
        }
    }
}

struct Walk<'c> {
    krate: &'c Crate,
    entries: Vec<Entry<'c>>,
}

impl<'c> Walk<'c> {
    fn item(&self, id: &Id) -> Option<&'c Item> {
        // What is not there is private, hidden, or another crate's.
        self.krate.index.get(id).filter(|item| item.crate_id == 0)
    }

    fn module(&mut self, module: &'c Item, path: &str, around: &[&'c str]) {
        let ItemEnum::Module(inner) = &module.inner else {
            return;
        };
        // A private module, whose items another one shows, has no page.
        let page = if inner.is_stripped { "" } else { docs(module) };
        let pages = [around, &[page]].concat();
        for item in inner.items.iter().filter_map(|id| self.item(id)) {
            match &item.inner {
                ItemEnum::Use(it) => {
                    let Some(used) = it.id.as_ref().and_then(|id| self.item(id)) else {
                        continue;
                    };
                    match it.is_glob {
                        true => self.module(used, path, &pages),
                        false => self.one(used, &it.name, path, &pages),
                    }
                }
                _ => self.one(item, item.name.as_deref().unwrap_or_default(), path, &pages),
            }
        }
    }

    fn one(&mut self, item: &'c Item, name: &'c str, path: &str, pages: &[&'c str]) {
        let path = format!("{path}::{name}");
        let methods = match &item.inner {
            ItemEnum::Module(_) => return self.module(item, &path, pages),
            // An example of a trait shows its methods.
            ItemEnum::Function(_) | ItemEnum::Trait(_) => Vec::new(),
            ItemEnum::Struct(it) => self.methods(&it.impls),
            ItemEnum::Enum(it) => self.methods(&it.impls),
            ItemEnum::Union(it) => self.methods(&it.impls),
            _ => return,
        };
        let page: Vec<_> = methods
            .iter()
            .map(|method| docs(method))
            .chain([docs(item)])
            .collect();
        let pages = [pages, &page].concat();
        for method in methods {
            let ItemEnum::Function(function) = &method.inner else {
                continue;
            };
            // A macro of another crate wrote it, and its documentation.
            if method.span.is_none() {
                continue;
            }
            let own = method.name.as_deref().unwrap_or_default();
            let has_receiver = function
                .sig
                .inputs
                .first()
                .is_some_and(|(name, _)| name == "self");
            self.entries.push(Entry {
                path: format!("{path}::{own}"),
                docs: docs(method),
                name: own,
                of: Some((name, has_receiver)),
                pages: pages.clone(),
            });
        }
        self.entries.push(Entry {
            path,
            docs: docs(item),
            name,
            of: None,
            pages,
        });
    }

    /// Those of a type that no trait asks for, and the blocks that they are in.
    fn methods(&self, impls: &'c [Id]) -> Vec<&'c Item> {
        let mut methods = Vec::new();
        for block in impls.iter().filter_map(|id| self.item(id)) {
            if let ItemEnum::Impl(inner) = &block.inner
                && inner.trait_.is_none()
            {
                methods.push(block);
                methods.extend(inner.items.iter().filter_map(|id| self.item(id)));
            }
        }
        methods
    }
}

fn docs(item: &Item) -> &str {
    item.docs.as_deref().unwrap_or_default()
}
