//! Where in persistent memory a virtual address is, at this moment.
//!
//! A flush and a claim name virtual addresses, and QEMU's plugin interface tells physical ones only
//! for loads and stores. But it reads guest memory by virtual address, and the tracked memory is a
//! file that this process maps too: a byte that is changed in the file for a moment, and changes
//! where the guest looks, is the same byte. Remapped pages and second mappings are found that way.
//!
//! Where several vCPUs run at once nothing may be changed behind their back. There the bytes are
//! compared, and a page that looks like another one of those that stores have been seen for is
//! [`Place::Unclear`].

use std::collections::HashMap;

use crate::{guest, memory::Memory};

pub const PAGE: u64 = 4096;

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this physical address, in the file.
    Here(u64),
    /// Not in the file.
    Elsewhere,
    /// Nobody can say.
    Unclear,
}

#[derive(Debug)]
pub struct Pages {
    /// The last physical page that a virtual one was seen at.
    physical: HashMap<u64, u64>,
    last: (u64, u64),
    alone: bool,
}

impl Pages {
    /// `alone`: one vCPU runs at a time.
    pub fn new(alone: bool) -> Self {
        Self {
            physical: HashMap::new(),
            last: (u64::MAX, u64::MAX),
            alone,
        }
    }

    /// An access to `virtual_` went to `physical`, or the kernel says that it would.
    pub fn learn(&mut self, virtual_: u64, physical: u64) {
        let pair = (virtual_ / PAGE, physical / PAGE);
        if self.last != pair {
            self.physical.insert(pair.0, pair.1);
            self.last = pair;
        }
    }

    /// Looks an address up.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn find(&mut self, memory: &mut Memory, virtual_: u64) -> Place {
        // SAFETY: as the caller vouches.
        let look = |address| unsafe { guest::byte(address) };
        self.find_with(memory, virtual_, look)
    }

    fn find_with(
        &mut self,
        memory: &mut Memory,
        virtual_: u64,
        look: impl Fn(u64) -> Option<u8>,
    ) -> Place {
        let page = virtual_ / PAGE;
        let offset = virtual_ % PAGE;
        // A page that nothing is known of is likely to be mapped at its physical address.
        let likely = self.physical.get(&page).copied().unwrap_or(page);
        let known = memory.holds(likely * PAGE + offset);
        let Some(value) = look(virtual_) else {
            return Place::Elsewhere;
        };
        if !self.alone {
            return self.compare(memory, virtual_, value, look);
        }
        let found = if known && shows(memory, &[likely], virtual_, &look) {
            Some(likely)
        } else {
            let same = memory.pages_with(offset, value);
            search(memory, same, virtual_, &look)
        };
        match found {
            Some(physical) => {
                self.physical.insert(page, physical);
                self.last = (page, physical);
                Place::Here(physical * PAGE + offset)
            }
            None => Place::Elsewhere,
        }
    }

    fn compare(
        &self,
        memory: &Memory,
        virtual_: u64,
        value: u8,
        look: impl Fn(u64) -> Option<u8>,
    ) -> Place {
        let (page, offset) = (virtual_ / PAGE, virtual_ % PAGE);
        match self.physical.get(&page) {
            Some(physical) if memory.holds(physical * PAGE) => {
                let at = physical * PAGE + offset;
                // A byte that another CPU stores to just now is looked at again.
                if memory.byte(at) == value || Some(memory.byte(at)) == look(virtual_) {
                    Place::Here(at)
                } else {
                    Place::Unclear
                }
            }
            Some(_) => Place::Elsewhere,
            None if memory.holds(page * PAGE) && memory.byte(page * PAGE + offset) == value => {
                Place::Here(page * PAGE + offset)
            }
            None if memory.pages_with(offset, value).is_empty() => Place::Elsewhere,
            None => Place::Unclear,
        }
    }
}

/// Halves the pages until one is left.
fn search(
    memory: &mut Memory,
    mut pages: Vec<u64>,
    virtual_: u64,
    look: &impl Fn(u64) -> Option<u8>,
) -> Option<u64> {
    if !shows(memory, &pages, virtual_, look) {
        return None;
    }
    while pages.len() > 1 {
        let other = pages.split_off(pages.len() / 2);
        if !shows(memory, &pages, virtual_, look) {
            pages = other;
        }
    }
    pages.pop()
}

/// Whether one of these physical pages is where a virtual address goes.
fn shows(
    memory: &mut Memory,
    pages: &[u64],
    virtual_: u64,
    look: &impl Fn(u64) -> Option<u8>,
) -> bool {
    let before = look(virtual_);
    let flip = |memory: &mut Memory| {
        for page in pages {
            memory.flip(page * PAGE + virtual_ % PAGE);
        }
    };
    flip(memory);
    let after = look(virtual_);
    flip(memory);
    before != after
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, fs};

    const BASE: u64 = 0x1_0000_0000;

    /// A guest whose page tables map these pairs, before a file of four pages of zeros.
    fn with_guest(
        name: &str,
        test: impl FnOnce(&mut Memory, &RefCell<HashMap<u64, u64>>, &dyn Fn(u64) -> Option<u8>),
    ) {
        let path = std::env::temp_dir().join(format!("kpmem-{name}-{}", std::process::id()));
        fs::write(&path, vec![0; 4 * PAGE as usize]).unwrap();
        let mut memory = Memory::open(&path, BASE, 64).unwrap();
        let other = path.clone();
        let tables = RefCell::new(HashMap::new());
        let look = |address: u64| {
            let physical = *tables.borrow().get(&(address / PAGE))?;
            if physical == 7 {
                return Some(0);
            }
            let at = (physical * PAGE - BASE + address % PAGE) as usize;
            Some(fs::read(&other).unwrap()[at])
        };
        test(&mut memory, &tables, &look);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_page_is_found_that_nobody_stored_to() {
        with_guest("found", |memory, tables, look| {
            let mut pages = Pages::new(true);
            let page = BASE / PAGE;
            tables
                .borrow_mut()
                .extend([(100, page + 2), (101, 7), (102, page + 2)]);
            let mut find = |at| pages.find_with(memory, at, look);
            assert_eq!(find(100 * PAGE + 5), Place::Here(BASE + 2 * PAGE + 5));
            assert_eq!(find(102 * PAGE), Place::Here(BASE + 2 * PAGE), "an alias");
            assert_eq!(
                find(101 * PAGE),
                Place::Elsewhere,
                "the same bytes elsewhere"
            );
            assert_eq!(find(103 * PAGE), Place::Elsewhere, "nothing there");
            assert!(
                memory.file().iter().all(|b| *b == 0),
                "nothing is left changed"
            );
        });
    }

    #[test]
    fn a_page_that_moved_is_found_again() {
        with_guest("moved", |memory, tables, look| {
            let mut pages = Pages::new(true);
            let page = BASE / PAGE;
            pages.learn(100 * PAGE, BASE);
            tables.borrow_mut().insert(100, page + 1);
            let mut find = |at| pages.find_with(memory, at, look);
            assert_eq!(find(100 * PAGE + 8), Place::Here(BASE + PAGE + 8));
            tables.borrow_mut().insert(100, 7);
            assert_eq!(find(100 * PAGE + 8), Place::Elsewhere);
        });
    }

    #[test]
    fn beside_other_cpus_only_what_is_sure_is_said() {
        with_guest("beside", |memory, tables, look| {
            let mut pages = Pages::new(false);
            let page = BASE / PAGE;
            tables
                .borrow_mut()
                .extend([(100, page + 1), (101, page + 2), (page, page)]);
            pages.learn(100 * PAGE, BASE + PAGE);
            let mut find = |at| pages.find_with(memory, at, look);
            assert_eq!(find(100 * PAGE), Place::Here(BASE + PAGE));
            assert_eq!(find(101 * PAGE), Place::Unclear, "four pages of zeros");
            assert_eq!(find(BASE), Place::Here(BASE), "mapped where it is");
        });
    }
}
