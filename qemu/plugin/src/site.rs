//! Instructions that callbacks are for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kpmem_model::decode::Action;

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    pub pc: u64,
    pub next_ip: u64,
    pub action: Action,
    /// What it loads comes before what follows.
    pub acquires: bool,
    /// It loads and stores as one.
    pub atomic: bool,
}

/// The same site for good: a translation may run as long as QEMU does, and be made again.
pub fn kept(site: Site) -> &'static Site {
    static SITES: Mutex<Option<HashMap<u64, &'static Site>>> = Mutex::new(None);
    let mut sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
    let sites = sites.get_or_insert_default();
    match sites.get(&site.pc) {
        Some(known) if **known == site => known,
        _ => {
            let new: &'static Site = Box::leak(Box::new(site));
            sites.insert(site.pc, new);
            new
        }
    }
}
