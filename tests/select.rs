//! The first use of [`selected`] takes no lock: an interrupt in the middle of it may be a first use
//! too. Here an interrupt is a signal, and a CPU is a process.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::{
    hint::spin_loop,
    mem::zeroed,
    ptr::null_mut,
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use kpmem::{selected, selected_byte};

/// Whether `use_first`, which a signal may interrupt by `use_first`, comes to its end in a child
/// process.
fn ends(use_first: extern "C" fn(i32), patience: Duration) -> bool {
    // SAFETY: the child takes no lock that another thread may have held; the handler fits.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = use_first as *const () as usize;
            libc::sigaction(libc::SIGALRM, &raw const action, null_mut());
            let often = libc::timeval {
                tv_sec: 0,
                tv_usec: 20,
            };
            let timer = libc::itimerval {
                it_interval: often,
                it_value: often,
            };
            libc::setitimer(libc::ITIMER_REAL, &raw const timer, null_mut());
            use_first(0);
            libc::_exit(0)
        }
        assert!(child > 0, "fork failed");
        let begin = Instant::now();
        loop {
            let mut status = 0;
            if libc::waitpid(child, &raw mut status, libc::WNOHANG) == child {
                return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
            }
            if begin.elapsed() > patience {
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, &raw mut status, 0);
                return false;
            }
            sleep(Duration::from_millis(1));
        }
    }
}

extern "C" fn select(_: i32) {
    let first = (selected().unwrap(), selected_byte());
    let again = (selected().unwrap(), selected_byte());
    if !std::ptr::eq(first.0, again.0) || !std::ptr::eq(first.1, again.1) {
        // SAFETY: ends the process.
        unsafe { libc::_exit(1) }
    }
}

#[test]
fn an_interrupt_may_be_a_first_use_in_the_middle_of_one() {
    for _ in 0..50 {
        assert!(ends(select, Duration::from_secs(10)));
    }
}

/// The negative control: a lock, and a signal while it is held.
#[test]
fn a_lock_is_seen() {
    extern "C" fn locked(signal: i32) {
        static LOCKED: AtomicBool = AtomicBool::new(false);
        while LOCKED.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        if signal == 0 {
            // SAFETY: the handler is this function.
            unsafe { libc::raise(libc::SIGALRM) };
        }
        LOCKED.store(false, Ordering::Release);
    }
    assert!(!ends(locked, Duration::from_millis(200)));
}
