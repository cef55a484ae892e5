//! The public items of a crate that are to be shown in use.

use super::blocks::{self, Block};
use anyhow::{Context, Result};
use rustdoc_types::{Crate, Id, Item, ItemEnum, Path};
use std::collections::{HashMap, HashSet};

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
}

/// The public items of a crate, and the pages of its modules.
pub(super) struct Shown<'c> {
    pub(super) entries: Vec<Entry<'c>>,
    /// Path and documentation.
    pub(super) modules: Vec<(String, &'c str)>,
}

/// All of a crate.
pub(super) fn of(krate: &Crate) -> Result<Shown<'_>> {
    let shown = Shown {
        entries: Vec::new(),
        modules: Vec::new(),
    };
    let foreign = foreign(krate);
    let mut walk = Walk {
        krate,
        foreign,
        shown,
    };
    let root = krate
        .index
        .get(&krate.root)
        .context("the crate has no root")?;
    walk.module(root, name(root), &[]);
    Ok(walk.shown)
}

/// Methods that a trait of another crate asks for, or a macro of another crate has written, with
/// their documentation. The compiler says of all that a macro wrote that it is where it was called.
pub(super) fn foreign(krate: &Crate) -> HashSet<Id> {
    let mut ids = HashSet::new();
    let mut places: HashMap<_, Vec<Id>> = HashMap::new();
    for found in krate.index.values() {
        let ItemEnum::Impl(block) = &found.inner else {
            continue;
        };
        let is_ours = |it: &Path| krate.paths.get(&it.id).is_some_and(|it| it.crate_id == 0);
        match &block.trait_ {
            Some(it) if is_ours(it) => {}
            Some(_) => ids.extend(&block.items),
            None => {
                for method in block.items.iter().filter_map(|id| item(krate, id)) {
                    let place = method.span.as_ref().map(|it| (&it.filename, it.begin));
                    places.entry(place).or_default().push(method.id);
                }
            }
        }
    }
    ids.extend(places.into_values().filter(|all| all.len() > 1).flatten());
    ids
}

/// Takes the examples out of all documentation.
pub(super) fn hide_examples(krate: &mut Crate) {
    for item in krate.index.values_mut() {
        if let Some(docs) = &mut item.docs {
            *docs = docs.replace("```", "");
        }
    }
}

/// What is not there is private, hidden, or another crate's.
fn item<'c>(krate: &'c Crate, id: &Id) -> Option<&'c Item> {
    krate.index.get(id).filter(|item| item.crate_id == 0)
}

struct Walk<'c> {
    krate: &'c Crate,
    foreign: HashSet<Id>,
    shown: Shown<'c>,
}

impl<'c> Walk<'c> {
    fn module(&mut self, module: &'c Item, path: &str, around: &[&'c str]) {
        let ItemEnum::Module(inner) = &module.inner else {
            return;
        };
        // A private module, whose items another one shows, has no page.
        let page = if inner.is_stripped { "" } else { docs(module) };
        self.shown.modules.push((path.to_owned(), page));
        let pages = [around, &[page]].concat();
        let krate = self.krate;
        for found in inner.items.iter().filter_map(|id| item(krate, id)) {
            match &found.inner {
                ItemEnum::Use(it) => {
                    let Some(used) = it.id.as_ref().and_then(|id| item(krate, id)) else {
                        continue;
                    };
                    match it.is_glob {
                        true => self.module(used, path, &pages),
                        false => self.one(used, &it.name, path, &pages),
                    }
                }
                _ => self.one(found, name(found), path, &pages),
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
            if self.foreign.contains(&method.id) {
                continue;
            }
            let own = self::name(method);
            let has_receiver = function
                .sig
                .inputs
                .first()
                .is_some_and(|(name, _)| name == "self");
            self.shown.entries.push(Entry {
                path: format!("{path}::{own}"),
                docs: docs(method),
                name: own,
                of: Some((name, has_receiver)),
                pages: pages.clone(),
            });
        }
        self.shown.entries.push(Entry {
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
        for block in impls.iter().filter_map(|id| item(self.krate, id)) {
            if let ItemEnum::Impl(inner) = &block.inner
                && inner.trait_.is_none()
            {
                methods.push(block);
                methods.extend(inner.items.iter().filter_map(|id| item(self.krate, id)));
            }
        }
        methods
    }
}

fn name(item: &Item) -> &str {
    item.name.as_deref().unwrap_or_default()
}

fn docs(item: &Item) -> &str {
    item.docs.as_deref().unwrap_or_default()
}
