//! What the model is told: stores, flushes, barriers and marks, in the order in which they
//! happened.
//!
//! The model sees one interleaving of the CPUs. It does not explore others (weak-memory behaviour
//! between CPUs is outside its scope), but it knows which CPU did what, because a barrier completes
//! the flushes of its own CPU only.

/// A CPU's number. At most [`MAX_CPUS`] are tracked.
pub type Cpu = u8;

/// CPUs are kept in bit masks.
pub const MAX_CPUS: usize = 64;

/// The widest store that any profile treats as one; wider ones are given as several events.
pub const MAX_STORE: usize = 16;

/// One thing that a CPU did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Bytes were written.
    Store(Store),
    /// A cache-maintenance instruction named the line that holds `addr`.
    Flush {
        /// Who executed it.
        cpu: Cpu,
        /// Any address in the line.
        addr: u64,
        /// Which instruction.
        kind: FlushKind,
    },
    /// A fence or barrier was executed.
    Barrier {
        /// Who executed it.
        cpu: Cpu,
        /// Which one.
        barrier: Barrier,
    },
    /// A CPU has seen what another one stored, up to its event `seq`: by reading something that the
    /// other stored after it, with the barriers that the architecture wants on both sides.
    Sees {
        /// Who has seen it.
        cpu: Cpu,
        /// Whose stores.
        other: Cpu,
        /// The last event of `other` that is seen.
        seq: u64,
    },
    /// A CPU has loaded what others stored there: it has seen these stores, if nothing else of
    /// theirs.
    Reads {
        /// Who has loaded it.
        cpu: Cpu,
        /// First byte.
        addr: u64,
        /// How many.
        len: u64,
    },
    /// The workload told us something.
    Mark {
        /// Who executed it.
        cpu: Cpu,
        /// What it said.
        mark: Mark,
    },
}

/// A store of 1 to [`MAX_STORE`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// First byte's address.
    pub addr: u64,
    /// The value; the first `len` bytes count.
    pub bytes: [u8; MAX_STORE],
    /// How many bytes.
    pub len: u8,
    /// Who stored.
    pub cpu: Cpu,
    /// How it is ordered.
    pub order: StoreOrder,
    /// Not 0: it is one of the stores of an instruction that makes several (a string instruction, a
    /// wide vector store), and has no order among those of its CPU with the same number.
    pub group: u32,
}

impl Store {
    /// A plain store of at most [`MAX_STORE`] bytes; the rest of `bytes` is ignored.
    pub fn new(cpu: Cpu, addr: u64, bytes: &[u8]) -> Self {
        let len = bytes.len().min(MAX_STORE);
        let mut value = [0; MAX_STORE];
        value[..len].copy_from_slice(&bytes[..len]);
        Self {
            addr,
            bytes: value,
            len: len as u8,
            cpu,
            order: StoreOrder::PLAIN,
            group: 0,
        }
    }

    /// The same store as one of a group.
    pub fn of_group(mut self, group: u32) -> Self {
        self.group = group;
        self
    }

    /// The same store with another order.
    pub fn with(mut self, order: StoreOrder) -> Self {
        self.order = order;
        self
    }

    /// A store of any width as the events that it amounts to, in ascending order.
    pub fn pieces(cpu: Cpu, addr: u64, bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let chunk = move |(i, b)| Self::new(cpu, addr.wrapping_add((i * MAX_STORE) as u64), b);
        bytes.chunks(MAX_STORE).enumerate().map(chunk)
    }

    /// The bytes that are written.
    pub fn value(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// How a store is ordered with the stores around it, beyond what its profile says of every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreOrder(u8);

impl StoreOrder {
    /// A plain store.
    pub const PLAIN: Self = Self(0);
    /// x86: a non-temporal or direct store, which bypasses the cache through a write-combining
    /// buffer.
    pub const NON_TEMPORAL: Self = Self(1);
    /// Arm, RISC-V: earlier stores of this CPU become visible first (STLR, `amo.rl`).
    pub const RELEASE: Self = Self(2);
    /// Later stores of this CPU become visible after it (RISC-V `amo.aq`; Arm atomics with acquire
    /// and release).
    pub const ACQUIRE: Self = Self(4);

    /// True if every property of `other` is here too.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without the properties of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Cache-maintenance instructions that name one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlushKind {
    /// x86 `clwb`.
    Clwb,
    /// x86 `clflushopt`.
    Clflushopt,
    /// x86 `clflush`.
    Clflush,
    /// Arm `dc cvac`: clean to the point of coherency.
    Cvac,
    /// Arm `dc cvap`: clean to the point of persistence.
    Cvap,
    /// Arm `dc cvadp`: clean to the point of deep persistence.
    Cvadp,
    /// Arm `dc civac`: clean and invalidate to the point of coherency.
    Civac,
    /// RISC-V `cbo.clean`.
    CboClean,
    /// RISC-V `cbo.flush`.
    CboFlush,
    /// RISC-V `cbo.inval`, Arm `dc ivac`: writes nothing back, and drops what was not written back
    /// before.
    Inval,
}

/// Fences and barriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Barrier {
    /// x86 `sfence`.
    Sfence,
    /// x86 `mfence`.
    Mfence,
    /// x86 `lfence`.
    Lfence,
    /// x86: a locked read-modify-write; comes before the store that it makes.
    LockedRmw,
    /// x86 `wbinvd`, `wbnoinvd`: writes back the caches of its CPU, and waits.
    Wbinvd,
    /// Arm `dsb`.
    Dsb(Domain, Access),
    /// Arm `dmb`.
    Dmb(Domain, Access),
    /// Arm `isb`.
    Isb,
    /// RISC-V `fence`.
    Fence {
        /// What comes before.
        pred: FenceSet,
        /// What comes after.
        succ: FenceSet,
    },
    /// RISC-V `fence.i`.
    FenceI,
}

/// Arm shareability domain, from the narrowest to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// `nsh`
    NonShareable,
    /// `ish`
    Inner,
    /// `osh`
    Outer,
    /// `sy`
    FullSystem,
}

/// Which accesses an Arm barrier waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Loads and stores (the barrier has no suffix).
    All,
    /// `st`
    Stores,
    /// `ld`
    Loads,
}

/// A set of RISC-V access classes, as in the instruction: I=8, O=4, R=2, W=1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FenceSet(pub u8);

impl FenceSet {
    /// Memory writes.
    pub const W: Self = Self(1);
    /// Memory reads.
    pub const R: Self = Self(2);
    /// Device output.
    pub const O: Self = Self(4);
    /// Device input.
    pub const I: Self = Self(8);

    /// True if every class of `other` is here.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a workload says through `kpmem-marks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// A workload starts; what memory holds is durable.
    Begin {
        /// Its number.
        id: u64,
    },
    /// It is over.
    End,
    /// The workload acknowledges that these bytes are durable.
    Claim {
        /// First byte.
        addr: u64,
        /// How many.
        len: u64,
        /// The workload's number for this claim.
        id: u64,
    },
    /// More bytes of the claim that comes next: one that lies in several places.
    Claimed {
        /// First byte.
        addr: u64,
        /// How many.
        len: u64,
        /// The claim's number.
        id: u64,
    },
    /// The workload asks for crash images here.
    CrashPoint,
}
