//! The tables of this CPU on real memory, with unmapped pages on both sides: what a range does not
//! touch is not touched.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::ptr::{null_mut, without_provenance};

use kpmem::{
    Granularity, Map, Table,
    arch::{CLFLUSH, CLFLUSHOPT, CLFLUSHOPT_CLZERO, CLWB, CLWB_CLZERO, Cpu, Features},
};

const PAGE: usize = 4096;

/// One page of memory between two that fault.
fn guarded_page() -> *mut u8 {
    // SAFETY: a fresh anonymous mapping, of which the outer pages lose their access.
    unsafe {
        let (prot, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
        );
        let base = libc::mmap(null_mut(), 3 * PAGE, prot, flags, -1, 0);
        assert_ne!(base, libc::MAP_FAILED);
        let base = base.cast::<u8>();
        for guard in [base, base.add(2 * PAGE)] {
            assert_eq!(libc::mprotect(guard.cast(), PAGE, libc::PROT_NONE), 0);
        }
        base.add(PAGE)
    }
}

/// Whether `call` dies of a memory fault, found out in a child process.
fn faults(call: impl FnOnce()) -> bool {
    // SAFETY: the child makes the call and leaves by `_exit`; it takes no lock that another thread
    // may have held.
    unsafe {
        match libc::fork() {
            -1 => panic!("fork failed"),
            0 => {
                libc::signal(libc::SIGSEGV, libc::SIG_DFL);
                call();
                libc::_exit(0)
            }
            child => {
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV
            }
        }
    }
}

/// Those that this CPU can run, the best first.
fn tables() -> Vec<&'static Table> {
    let has = Cpu::detect().features;
    let clwb = Features::CLWB | Features::CLFLUSHOPT;
    let all = [
        (clwb | Features::CLZERO, &CLWB_CLZERO[0]),
        (clwb, &CLWB[0]),
        (
            Features::CLFLUSHOPT | Features::CLZERO,
            &CLFLUSHOPT_CLZERO[0],
        ),
        (Features::CLFLUSHOPT, &CLFLUSHOPT[0]),
        (Features::CLFLUSH, &CLFLUSH[0]),
    ];
    let runnable = all
        .into_iter()
        .filter(|(feature, _)| has.contains(*feature));
    runnable.map(|(_, table)| table).collect()
}

#[test]
fn ranges_that_end_at_an_unmapped_page_do_not_touch_it() {
    let page = guarded_page();
    for table in tables() {
        // SAFETY: the ranges are in the page.
        let all = faults(|| unsafe {
            for len in 1..=PAGE {
                table.persist_fn()(page, len);
                table.flush_fn()(page.add(PAGE - len), len);
            }
            table.drain_fn()();
        });
        assert!(!all, "{} touched an unmapped page", table.name());
    }
}

/// The negative control: the guard pages do see a write-back.
#[test]
fn ranges_that_reach_an_unmapped_page_fault() {
    let page = guarded_page();
    for table in tables() {
        // SAFETY: the child that makes the call dies of it.
        assert!(faults(|| unsafe { table.flush_fn()(page, PAGE + 1) }));
        // SAFETY: as above.
        assert!(faults(|| unsafe { table.flush_fn()(page.sub(1), 1) }));
    }
}

#[test]
fn no_bytes_do_not_fault_whatever_the_pointer() {
    let page = guarded_page();
    for table in tables() {
        for ptr in [
            without_provenance(1),
            page.wrapping_add(PAGE + 3),
            without_provenance(usize::MAX),
        ] {
            // SAFETY: a range of no bytes is never touched.
            assert!(!faults(|| unsafe { table.persist_fn()(ptr, 0) }));
        }
    }
}

#[test]
fn the_detected_map_persists_real_memory() {
    let page = guarded_page();
    // SAFETY: the page is mapped for as long as the process lives; nothing here must outlive a
    // power cut.
    let map = unsafe { Map::new(page, PAGE, Granularity::CacheLine) }.unwrap();
    let (got, best) = (map.table(), tables()[0]);
    assert!(std::ptr::eq(got, best), "{got:?} is not {best:?}");
    // SAFETY: the page is ours.
    unsafe { page.write_bytes(0xa5, PAGE) };
    map.persist(page, PAGE).unwrap();
    map.flush(page.wrapping_add(1), PAGE - 1).unwrap();
    map.drain().unwrap();
    map.writeback_invalidate(page.wrapping_add(63), 2).unwrap();
    // SAFETY: as above.
    unsafe { assert_eq!(page.add(64).read_volatile(), 0xa5) };
}
