//! Which virtual page the guest uses for which page of persistent memory.
//!
//! A flush and a claim name virtual addresses, and QEMU tells physical ones only for stores. But
//! what is not stored to needs no flush, so the stores teach all that is needed. A page that no
//! store was seen for is taken to be mapped at its physical address.

use std::collections::HashMap;

const PAGE: u64 = 4096;

#[derive(Debug, Default)]
pub struct Pages {
    physical: HashMap<u64, u64>,
    last: (u64, u64),
}

impl Pages {
    /// A store to `virtual_` went to `physical`.
    pub fn learn(&mut self, virtual_: u64, physical: u64) {
        let pair = (virtual_ / PAGE, physical / PAGE);
        if self.last != pair {
            self.physical.insert(pair.0, pair.1);
            self.last = pair;
        }
    }

    /// The physical address.
    pub fn translate(&self, virtual_: u64) -> u64 {
        let page = virtual_ / PAGE;
        let physical = self.physical.get(&page).copied().unwrap_or(page);
        physical * PAGE + virtual_ % PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_teach_and_the_rest_is_itself() {
        let mut pages = Pages::default();
        pages.learn(0xffff_8000_0000_1008, 0x1_0000_2008);
        assert_eq!(pages.translate(0xffff_8000_0000_1fff), 0x1_0000_2fff);
        assert_eq!(pages.translate(0x1_0000_3010), 0x1_0000_3010);
        pages.learn(0xffff_8000_0000_1000, 0x1_0000_5000);
        assert_eq!(pages.translate(0xffff_8000_0000_1008), 0x1_0000_5008);
    }
}
