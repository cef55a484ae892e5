//! Random small programs.

use kpmem_model::event::{
    Access, Barrier, Domain, Event, FenceSet, FlushKind, Mark, Store, StoreOrder,
};
use kpmem_model::hash::Random;
use kpmem_model::{Isa, Profile};

use crate::{BASE, LINE, SIZE};

/// An event that makes sense on the profile's instruction set; a store's bytes tell which one it
/// was. There are `before` events before it.
pub fn random_event(random: &mut Random, p: &Profile, value: u8, before: u64) -> Event {
    let cpu = random.below(2) as u8;
    let line = random.below(3) * LINE as u64;
    let barrier = |barrier| Event::Barrier { cpu, barrier };
    match random.below(11) {
        0..4 => {
            let len = [1, 4, 8, 8, 8, 16][random.below(6) as usize];
            let at = if random.below(3) == 0 {
                random.below(16)
            } else {
                random.below(2) * 8
            };
            let at = if len == 16 { at / 8 * 8 } else { at };
            let orders = [
                StoreOrder::NON_TEMPORAL,
                StoreOrder::RELEASE,
                StoreOrder::ACQUIRE,
                StoreOrder::PLAIN,
                StoreOrder::PLAIN,
            ];
            let order = orders[random.below(5) as usize];
            let line = if random.below(2) == 0 { 0 } else { line };
            // Some store what is there already.
            let value = if random.below(6) == 0 { 0 } else { value };
            let byte = |i| if value == 0 { 0 } else { value * 16 + i as u8 };
            let bytes: Vec<u8> = (0..len).map(byte).collect();
            let group = random.below(6).saturating_sub(3) as u32;
            let store = Store::new(cpu, BASE + line + at, &bytes).with(order);
            Event::Store(store.of_group(group))
        }
        4..7 => {
            let kinds: &[FlushKind] = match p.isa {
                Isa::X86_64 => &[FlushKind::Clwb, FlushKind::Clflush, FlushKind::Clflushopt],
                Isa::Aarch64 => &[
                    FlushKind::Cvap,
                    FlushKind::Cvadp,
                    FlushKind::Cvac,
                    FlushKind::Civac,
                    FlushKind::Inval,
                ],
                Isa::Riscv64 => &[FlushKind::CboClean, FlushKind::CboFlush, FlushKind::Inval],
            };
            Event::Flush {
                cpu,
                addr: BASE + line + 5,
                kind: kinds[random.below(kinds.len() as u64) as usize],
            }
        }
        7 => Event::Sees {
            cpu,
            other: 1 - cpu,
            seq: random.below(1 + before),
        },
        8 => Event::Mark {
            cpu,
            mark: Mark::Claim {
                addr: BASE,
                len: SIZE as u64,
                id: 1,
            },
        },
        _ => match p.isa {
            Isa::X86_64 => {
                let all = [
                    Barrier::Sfence,
                    Barrier::Mfence,
                    Barrier::Lfence,
                    Barrier::LockedRmw,
                    Barrier::Wbinvd,
                ];
                barrier(all[random.below(5) as usize])
            }
            Isa::Aarch64 => {
                let domain = [Domain::FullSystem, Domain::Inner, Domain::NonShareable]
                    [random.below(3) as usize];
                let access = [Access::All, Access::Stores, Access::Loads][random.below(3) as usize];
                let all = [
                    Barrier::Dsb(Domain::FullSystem, Access::All),
                    Barrier::Dsb(domain, access),
                    Barrier::Dmb(domain, access),
                    Barrier::Isb,
                ];
                barrier(all[random.below(4) as usize])
            }
            Isa::Riscv64 => {
                let set = |r: &mut Random| FenceSet([1, 3, 4, 5, 15, 2][r.below(6) as usize]);
                barrier(Barrier::Fence {
                    pred: set(random),
                    succ: set(random),
                })
            }
        },
    }
}
