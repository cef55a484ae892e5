//! Arbitrary bytes: nothing panics, hangs or reads outside, whatever is in a table.
//!
//! The functions here are what the fuzzing targets call, too.

use crate::{build::fix, cedt, fdt, nfit, srat};
use kpmem::{
    Granularity, Platform,
    firmware::{
        Region, cedt::Cedt, fdt::DeviceTree, find_table, nfit::Nfit, rhct::Rhct, srat::Srat,
    },
};

/// All that can be asked of a table, if it is one.
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
        let _ = (range.state(), range.domain(), range.flush_hints().count());
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

/// Each byte in turn, with some values. Returns how many of the results were still tables.
pub fn each_byte(bytes: &[u8], visit: impl Fn(&[u8]) -> bool) -> usize {
    let mut damaged = bytes.to_vec();
    let mut sound = 0;
    for at in 0..bytes.len() {
        for value in [0, 0x7f, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(4)] {
            damaged[at] = value;
            sound += usize::from(visit(&damaged));
        }
        damaged[at] = bytes[at];
    }
    sound
}

/// The same of a table of ACPI, with the sum and the length made right again.
fn each_byte_summed(table: &[u8], visit: impl Fn(&[u8]) -> bool) {
    assert!(visit(table));
    let sound = each_byte(table, |damaged| {
        let mut damaged = damaged.to_vec();
        fix(&mut damaged);
        visit(&damaged)
    });
    assert!(
        sound > table.len(),
        "only {sound} damaged tables came past the sum"
    );
}

#[test]
fn any_changed_byte_is_survived() {
    each_byte_summed(&nfit::full(), nfit);
    each_byte_summed(nfit::QEMU, nfit);
    each_byte_summed(&cedt::cedt(&[cedt::window([4096, 4096], 2, 1, 8, 4)]), cedt);
    each_byte_summed(&srat::srat(&[srat::memory(1, 4096, 4096, 7)]), srat);
    each_byte_summed(&crate::rhct::two(b"rv64_zicbom", b"rv64_zicboz"), rhct);
}

#[test]
fn arbitrary_bytes_are_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let seeds = [
        nfit::full(),
        cedt::cedt(&[cedt::window([4096, 4096], 2, 1, 8, 4)]),
        srat::srat(&[srat::memory(1, 4096, 4096, 7)]),
        crate::rhct::two(b"rv64_zicbom", b"rv64_zicboz"),
        fdt::tree(&[("pmem@1", &[4096, 4096], false)]),
    ];
    for _ in 0..100_000 {
        let mut bytes = seeds[next() as usize % seeds.len()].clone();
        for _ in 0..next() % 8 {
            let at = next() as usize % bytes.len();
            bytes[at] = next() as u8;
        }
        bytes.truncate(bytes.len() - (next() as usize % 3) * (next() as usize % 40));
        if !bytes.starts_with(&[0xd0, 0x0d]) {
            fix(&mut bytes);
        }
        for entry in [nfit, cedt, srat, rhct, fdt, find] {
            entry(&bytes);
        }
    }
}
