//! All that can be asked of a table. Whether the bytes were one is the answer.
//!
//! The fuzzing targets (`qemu/fuzz`) call the same.

use kpmem::{
    Granularity, Platform,
    firmware::{
        Region, cedt::Cedt, fdt::DeviceTree, find_table, nfit::Nfit, rhct::Rhct, srat::Srat,
    },
};

pub fn nfit(bytes: &[u8]) -> bool {
    let Ok(nfit) = Nfit::parse(bytes) else {
        return false;
    };
    assert!(nfit.structures().count() <= bytes.len() / 4);
    ask(&Platform::new().with_nfit(nfit));
    true
}

fn ask(platform: &Platform<'_>) {
    for range in platform.ranges() {
        assert!(range.region().last().is_some());
        let _ = (
            range.state(),
            range.domain(),
            range.flush_hints().map_or(0, Iterator::count),
        );
        assert!(platform.range(range.region()).is_some());
        // SAFETY: no map is made of what is mapped nowhere.
        assert!(unsafe { range.map(Granularity::Page, |_| None) }.is_err());
    }
}

pub fn cedt(bytes: &[u8]) -> bool {
    let Ok(cedt) = Cedt::parse(bytes) else {
        return false;
    };
    assert!(cedt.structures().count() <= bytes.len() / 4);
    for window in cedt.windows() {
        assert!((1..=16).contains(&window.targets().count()));
        let platform = Platform::new().with_cedt(cedt.clone());
        let _ = platform
            .range(window.region)
            .map(|range| range.granularity());
    }
    true
}

pub fn srat(bytes: &[u8]) -> bool {
    let Ok(srat) = Srat::parse(bytes) else {
        return false;
    };
    assert!(srat.memory().count() <= bytes.len() / 2);
    let _ = srat.domain(Region { base: 0, len: 1 });
    true
}

pub fn rhct(bytes: &[u8]) -> bool {
    let Ok(rhct) = Rhct::parse(bytes) else {
        return false;
    };
    assert!(rhct.harts().count() <= bytes.len() / 4);
    let _ = (rhct.cache_blocks(), rhct.time_base());
    true
}

pub fn fdt(bytes: &[u8]) -> bool {
    let Ok(tree) = DeviceTree::parse(bytes) else {
        return false;
    };
    let _ = (tree.memory().count(), tree.cache_blocks());
    ask(&Platform::new().with_device_tree(tree));
    true
}

/// Memory from address 0 on.
pub fn find(memory: &[u8]) -> bool {
    let physical =
        |address: u64, len: usize| memory.get(usize::try_from(address).ok()?..)?.get(..len);
    find_table(physical, 0, *b"NFIT").is_ok()
}
