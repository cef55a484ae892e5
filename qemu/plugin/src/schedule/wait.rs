//! Whether a CPU waits: it loads the same again and again, and changes nothing.

use super::words::Change;

/// So often the same instruction has loaded the same from the same place.
const AGAIN: u32 = 4;
/// Loads that are kept in mind; a loop over more of them is work.
const LOOKS: usize = 64;
/// Accesses without a change of anything after which a CPU counts as waiting, whatever it does.
const QUIET: u32 = 100_000;

/// What a load saw.
#[derive(Clone, Copy, Debug)]
struct Look {
    pc: u64,
    addr: u64,
    len: usize,
    value: [u8; 16],
    count: u32,
}

/// What an access is to a loop that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing that was there before.
    New,
    /// It has been made before, with the same result.
    Again,
    /// So often that the CPU waits for what it has loaded to change.
    Waits,
}

/// What a CPU has loaded since it last changed anything.
#[derive(Clone, Debug, Default)]
pub struct Wait {
    looks: Vec<Look>,
    quiet: u32,
}

impl Wait {
    /// It has changed something, or said something.
    pub fn goes_on(&mut self) {
        self.looks.clear();
        self.quiet = 0;
    }

    /// It has loaded. It waits always at the same place of a loop, so that runs which end in one
    /// are alike.
    pub fn loads(&mut self, pc: u64, addr: u64, bytes: &[u8]) -> Found {
        self.quiet += 1;
        let mut value = [0; 16];
        value[..bytes.len()].copy_from_slice(bytes);
        let known = |look: &&mut Look| look.pc == pc && look.addr == addr && look.value == value;
        let count = match self.looks.iter_mut().find(known) {
            Some(look) => {
                look.count += 1;
                look.count
            }
            None => {
                if self.looks.len() == LOOKS {
                    self.looks.clear();
                }
                let len = bytes.len();
                let count = 1;
                self.looks.push(Look {
                    pc,
                    addr,
                    len,
                    value,
                    count,
                });
                count
            }
        };
        // The others of its loop have been seen as often, or once less.
        let first = |look: &Look| look.pc >= pc || look.count + 1 < count;
        if self.quiet > QUIET || count >= AGAIN && self.looks.iter().all(first) {
            Found::Waits
        } else if count > 1 {
            Found::Again
        } else {
            Found::New
        }
    }

    /// It has stored what was there.
    pub fn stores_the_same(&mut self) -> Found {
        self.quiet += 1;
        if self.quiet > QUIET {
            Found::Waits
        } else {
            Found::New
        }
    }

    /// Whether it has loaded anything again.
    pub fn repeats(&self) -> bool {
        self.looks.iter().any(|look| look.count > 1)
    }

    /// Whether a store of another CPU changes what this one waits for.
    pub fn concerns(&self, change: &Change) -> bool {
        let mut looks = self.looks.iter();
        looks.any(|look| change.overlaps(look.addr, look.len))
    }

    /// Where it waits, and for what, if that is known.
    pub fn place(&self) -> Option<(u64, u64)> {
        let often = self.looks.iter().max_by_key(|look| look.count)?;
        Some((often.pc, often.addr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_waits_at_its_first_load() {
        let mut wait = Wait::default();
        // Something before the loop, at a lower address.
        assert_eq!(wait.loads(0x8, 0x500, &[7]), Found::New);
        let mut turns = Vec::new();
        for _ in 0..6 {
            for pc in [0x14, 0x10, 0x18] {
                turns.push((pc, wait.loads(pc, 0x1000 + pc, &[0]) == Found::Waits));
            }
        }
        let first = turns.iter().find(|(_, waits)| *waits).unwrap();
        assert_eq!(first.0, 0x10);
        assert!(turns.iter().all(|(pc, waits)| !waits || *pc == 0x10));
        assert!(wait.concerns(&Change {
            addr: 0x1010,
            len: 4
        }));
        assert!(!wait.concerns(&Change {
            addr: 0x1011,
            len: 3
        }));
    }

    #[test]
    fn work_is_no_waiting() {
        let mut wait = Wait::default();
        for i in 0..10 * AGAIN as u8 {
            let place = 0x2000 + u64::from(i);
            assert_eq!(wait.loads(0x10, 0x1000, &[i]), Found::New, "another value");
            assert_eq!(wait.loads(0x14, place, &[0]), Found::New, "another place");
        }
        for _ in 0..10 * AGAIN {
            let found = wait.loads(0x18, 0x3000, &[0]);
            assert_eq!(found, Found::New, "it changes something each time");
            wait.goes_on();
        }
    }
}
