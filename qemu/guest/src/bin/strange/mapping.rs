//! Pages that are mapped twice, moved, or side by side though they are apart.

use kpmem_marks::{begin, claim, end};

use crate::{Case, memory::put};

const PAGE: usize = 4096;
const ONES: u64 = u64::MAX;

pub const CASES: &[Case] = &[
    ("claim-by-alias", |memory| {
        let alias = memory.window(&[PAGE]);
        begin(1);
        memory.store(PAGE, ONES);
        claim(alias, 8, 1);
        end();
    }),
    ("claim-of-two-places", |memory| {
        let window = memory.window(&[5 * PAGE, 2 * PAGE]);
        begin(1);
        memory.store(2 * PAGE, ONES);
        claim(window.wrapping_add(PAGE - 8), 16, 1);
        end();
    }),
    ("claim-of-moved-page", |memory| {
        let window = memory.window(&[PAGE]);
        begin(1);
        put(window, ONES);
        memory.persist(window, 8);
        let window = memory.window(&[3 * PAGE]);
        memory.store(3 * PAGE, ONES);
        claim(window, 8, 1);
        end();
    }),
    ("flush-of-moved-page", |memory| {
        let window = memory.window(&[PAGE]);
        begin(1);
        put(window, ONES);
        let window = memory.window(&[3 * PAGE]);
        memory.persist(window, 8);
        memory.claim(PAGE, 8);
        end();
    }),
    // Right.
    ("flush-by-alias", |memory| {
        let alias = memory.window(&[PAGE]);
        begin(1);
        memory.store(PAGE, ONES);
        memory.persist(alias, 8);
        memory.claim(PAGE, 8);
        claim(alias, 8, 2);
        end();
    }),
    ("store-across-pages", |memory| {
        let window = memory.window(&[5 * PAGE, 2 * PAGE]);
        begin(1);
        put(window.wrapping_add(PAGE - 4), ONES);
        memory.persist(memory.at(5 * PAGE), PAGE);
        memory.persist(memory.at(2 * PAGE), PAGE);
        claim(window.wrapping_add(PAGE - 4), 8, 1);
        memory.claim(2 * PAGE, 8);
        end();
    }),
    // Wrong: its second part.
    ("store-across-pages-unflushed", |memory| {
        let window = memory.window(&[5 * PAGE, 2 * PAGE]);
        begin(1);
        put(window.wrapping_add(PAGE - 4), ONES);
        memory.persist(memory.at(5 * PAGE), PAGE);
        memory.claim(2 * PAGE, 4);
        end();
    }),
];
