//! Which stores are of one execution of an instruction that makes several.

/// CPUs, as the model counts them.
const CPUS: usize = kpmem_model::event::MAX_CPUS;

/// The instruction of each CPU that makes several stores now.
#[derive(Debug)]
pub struct Groups {
    last: u32,
    at: [At; CPUS],
}

#[derive(Clone, Copy, Debug)]
struct At {
    pc: u64,
    group: u32,
    /// Of a string instruction: how often it still goes, and where it stores next.
    count: u64,
    to: u64,
}

impl Groups {
    pub const fn new() -> Self {
        let at = At {
            pc: 0,
            group: 0,
            count: 0,
            to: 0,
        };
        Self {
            last: 0,
            at: [at; CPUS],
        }
    }

    /// The instruction at `pc` is executed.
    pub fn start(&mut self, cpu: u8, pc: u64) {
        self.last = self.last.wrapping_add(1).max(1);
        self.at[usize::from(cpu) % CPUS] = At {
            pc,
            group: self.last,
            count: 0,
            to: 0,
        };
    }

    /// A string instruction is executed, or goes on after an interruption: then it is where it
    /// would have got to.
    pub fn go_on(&mut self, cpu: u8, pc: u64, count: u64, to: u64, size: u8) {
        let at = self.at[usize::from(cpu) % CPUS];
        let done = at.count.wrapping_sub(count);
        let moved = done.wrapping_mul(u64::from(size));
        let there = to == at.to.wrapping_add(moved) || to == at.to.wrapping_sub(moved);
        if at.pc != pc || count >= at.count || !there {
            self.start(cpu, pc);
        }
        let at = &mut self.at[usize::from(cpu) % CPUS];
        (at.count, at.to) = (count, to);
    }

    /// The group of a store by the instruction at `pc`; 0 if it has none.
    pub fn of(&self, cpu: u8, pc: u64) -> u32 {
        let at = self.at[usize::from(cpu) % CPUS];
        if at.pc == pc { at.group } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_execution_is_a_group() {
        let mut groups = Groups::new();
        groups.start(0, 0x10);
        let first = groups.of(0, 0x10);
        assert_ne!(first, 0);
        assert_eq!((groups.of(0, 0x14), groups.of(1, 0x10)), (0, 0));
        groups.start(0, 0x10);
        assert_ne!(groups.of(0, 0x10), first);
    }

    #[test]
    fn a_string_instruction_goes_on_where_it_was() {
        let mut groups = Groups::new();
        groups.go_on(0, 0x10, 100, 0x1000, 8);
        let first = groups.of(0, 0x10);
        groups.go_on(0, 0x10, 40, 0x1000 + 60 * 8, 8);
        assert_eq!(groups.of(0, 0x10), first, "after an interruption");
        groups.go_on(0, 0x10, 30, 0x2000, 8);
        let second = groups.of(0, 0x10);
        assert_ne!(second, first, "another call");
        groups.go_on(0, 0x10, 30, 0x2000, 8);
        assert_ne!(groups.of(0, 0x10), second, "the same call again");
    }
}
