//! What each flush and barrier does on a platform. The whole of the architecture's law is here.

use crate::event::{Access, Barrier, Domain, FenceSet, FlushKind};
use crate::pending::Pending;
use crate::profile::{Ack, Clflush, Isa, Order, Profile, Reach, Scope};

/// How far a flush has got, as a set of bits. Both bits: it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage(u8);

impl Stage {
    /// Under way: it may or may not have reached the persistence domain.
    pub const STARTED: Self = Self(0);
    /// It comes before any later store of its CPU.
    pub const BEFORE_STORES: Self = Self(1);
    /// It comes before any later acknowledgement by its CPU.
    pub const BEFORE_ACK: Self = Self(2);
    /// It comes before everything later: durable.
    pub const COMPLETE: Self = Self(3);

    /// True if every bit of `other` is here.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a flush starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushEffect {
    /// How far it is by itself.
    pub stage: Stage,
    /// True if only [`BarrierEffect::strong`] barriers complete it.
    pub strong: bool,
}

/// What a barrier does for its CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierEffect {
    /// What it adds to every flush under way.
    pub stage: Stage,
    /// It also acts on flushes that need a strong barrier.
    pub strong: bool,
    /// Earlier stores become visible, in the cache, before later ones.
    pub orders: bool,
}

/// The effect of a flush, or `None` if it makes nothing durable here.
pub fn flush(profile: &Profile, kind: FlushKind) -> Option<FlushEffect> {
    let started = FlushEffect {
        stage: Stage::STARTED,
        strong: false,
    };
    let reached = |reach: Reach| (reach >= profile.reach).then_some(started);
    match kind {
        // Px86: asynchronous, ordered by sfence, mfence and RMWs.
        FlushKind::Clwb | FlushKind::Clflushopt => Some(started),
        FlushKind::Clflush => Some(match profile.clflush {
            // Px86: no write may be reordered with it; PTSO: as if it had completed by then.
            Clflush::Ordered => FlushEffect {
                stage: Stage::BEFORE_STORES,
                strong: false,
            },
            // APM: LFENCE, SFENCE and serializing instructions are not ordered with CLFLUSH.
            Clflush::Mfence => FlushEffect {
                stage: Stage::STARTED,
                strong: true,
            },
        }),
        FlushKind::Cvac | FlushKind::Civac => reached(Reach::Coherency),
        FlushKind::Cvap => reached(Reach::Persistence),
        FlushKind::Cvadp => reached(Reach::Deep),
        FlushKind::CboClean | FlushKind::CboFlush => Some(started),
        FlushKind::Inval => None,
    }
}

/// The effect of a barrier.
pub fn barrier(profile: &Profile, barrier: Barrier) -> BarrierEffect {
    let nothing = BarrierEffect {
        stage: Stage::STARTED,
        strong: false,
        orders: false,
    };
    let orders = |orders| BarrierEffect { orders, ..nothing };
    match barrier {
        Barrier::Sfence | Barrier::LockedRmw => BarrierEffect {
            stage: Stage::COMPLETE,
            strong: false,
            orders: true,
        },
        // SDM: WBINVD is serializing.
        Barrier::Mfence | Barrier::Wbinvd => BarrierEffect {
            stage: Stage::COMPLETE,
            strong: true,
            orders: true,
        },
        // SDM: LFENCE does not wait for stores or flushes to become visible.
        Barrier::Lfence | Barrier::Isb | Barrier::FenceI => nothing,
        // Arm ARM: cache maintenance is complete after a DSB whose required access types are both
        // loads and stores, in a domain that holds the observer. Observers of a line in the cache
        // are inner shareable, so every domain but NSH orders stores.
        Barrier::Dsb(domain, access) => {
            // With eADR only stores have to be waited for, so `st` will do.
            let waits = match profile.scope {
                Scope::Line => access == Access::All,
                Scope::Machine => access != Access::Loads,
            };
            let complete = waits && domain >= profile.domain && domain != Domain::NonShareable;
            let stage = if complete {
                Stage::COMPLETE
            } else {
                Stage::STARTED
            };
            BarrierEffect {
                stage,
                strong: true,
                orders: orders_stores(domain, access),
            }
        }
        Barrier::Dmb(domain, access) => orders(orders_stores(domain, access)),
        // CMO: clean and flush operations are classified as W (main memory) in FENCE's sets. RVWMO:
        // what follows is ordered only if the successor set names its class.
        Barrier::Fence { pred, succ } => {
            let mut stage = Stage::STARTED;
            if pred.has(FenceSet::W) && succ.has(FenceSet::W) {
                stage = stage.and(Stage::BEFORE_STORES);
            }
            let ack = match profile.ack {
                Ack::Mmio => FenceSet::O,
                Ack::Memory => FenceSet::W,
            };
            if pred.has(FenceSet::W) && succ.has(ack) {
                stage = stage.and(Stage::BEFORE_ACK);
            }
            BarrierEffect {
                stage,
                strong: true,
                orders: stage.has(Stage::BEFORE_STORES),
            }
        }
    }
}

const fn orders_stores(domain: Domain, access: Access) -> bool {
    !matches!(domain, Domain::NonShareable) && !matches!(access, Access::Loads)
}

/// True if a crash that shows `later` must show `earlier` too. Both are pending, and where the
/// scope is a line, in the same line.
pub fn ordered(profile: &Profile, earlier: &Pending, later: &Pending) -> bool {
    if earlier.dropped_before(later) {
        return false;
    }
    // Coherence: two stores to one byte take effect in one order, on every architecture.
    if earlier.overlaps(later) {
        return true;
    }
    let same_cpu = earlier.cpu == later.cpu;
    // SDM, Fast-String Operation: the stores of one string instruction may come in any order; of
    // the parts of a store that is not atomic nothing is said.
    if same_cpu && earlier.group == later.group {
        return false;
    }
    match profile.order {
        // SDM: write-combining stores are weakly ordered with everything around them.
        Order::Program => {
            !earlier.non_temporal()
                && !later.non_temporal()
                && (same_cpu || profile.scope == Scope::Line)
        }
        Order::Barriers => {
            same_cpu && (earlier.epoch < later.epoch || earlier.acquire() || later.release())
        }
    }
}

/// True if a flush drops the line without writing it back, and with it what only the cache holds.
/// (Under eADR too, but there the model takes what has left the core for kept.)
pub fn drops(profile: &Profile, kind: FlushKind) -> bool {
    kind == FlushKind::Inval && profile.scope == Scope::Line
}

/// True if the platform has write-combining stores that bypass the cache.
pub fn has_non_temporal(profile: &Profile) -> bool {
    profile.isa == Isa::X86_64
}
