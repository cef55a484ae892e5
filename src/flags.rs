//! What a copy may leave out, and whether its bytes stay in the cache.

use bitflags::bitflags;

use crate::Error;

bitflags! {
    /// How a copy or a fill is done. No flags: durable on return, by the stores that are fastest if
    /// nobody reads the bytes soon.
    ///
    /// `NONTEMPORAL` contradicts `TEMPORAL`, `WC` contradicts `WB`, and `NOFLUSH` contradicts
    /// `NONTEMPORAL` and `WC`: [`Error::Flags`], as for unknown bits; plain function pointers take
    /// such flags for none.
    ///
    /// The values are those of libpmem2's `PMEM2_F_MEM_*`.
    ///
    /// ```
    /// use kpmem::{Error, Flags, Granularity, Map};
    ///
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// // SAFETY: nothing else uses this part of the map.
    /// unsafe {
    ///     map.memset(base, 0, 64, Flags::TEMPORAL | Flags::NODRAIN)?; // read soon, durable later
    ///     let both = Flags::TEMPORAL | Flags::NONTEMPORAL;
    ///     assert!(matches!(map.memset(base, 0, 64, both), Err(Error::Flags { .. })));
    /// }
    /// map.drain()?;
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[doc(alias("PMEM2_F_MEM_NODRAIN", "PMEM2_F_MEM_NONTEMPORAL", "PMEM2_F_MEM_TEMPORAL"))]
    #[doc(alias("PMEM2_F_MEM_WC", "PMEM2_F_MEM_WB", "PMEM2_F_MEM_NOFLUSH"))]
    pub struct Flags: u32 {
        /// Skips the final drain, to share one among many copies. Until the drain, the bytes may be
        /// durable in part, and other CPUs may not even see them.
        const NODRAIN = 1 << 0;
        /// Stores past the cache, but for parts of a line where nothing must be flushed: for bytes
        /// that are not read soon.
        const NONTEMPORAL = 1 << 1;
        /// Stores through the cache and writes the lines back: for bytes that are read soon.
        const TEMPORAL = 1 << 2;
        /// A hint to combine writes: `NONTEMPORAL`, unless `TEMPORAL` is there too, or nothing must
        /// be flushed and the copy is small.
        const WC = 1 << 3;
        /// A hint to write back: `TEMPORAL`, unless `NONTEMPORAL` is there too.
        const WB = 1 << 4;
        /// Stores only: no flush, no drain. The caller persists the range later.
        const NOFLUSH = 1 << 5;
    }
}

/// What a copy is to do, once its flags are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By the copy's size.
    Default,
    /// Past the cache.
    NonTemporal,
    /// Past the cache, if it pays.
    Combining,
    /// Through the cache.
    Temporal,
}

impl Flags {
    /// What a plain function makes of them, which cannot return an error: unknown or contradictory
    /// ones count as none, so that the copy is durable on return.
    #[inline(always)]
    pub(crate) const fn or_none(self) -> Self {
        match self.problem() {
            None => self,
            Some(_) => Self::empty(),
        }
    }

    /// These flags, if they mean something.
    #[inline]
    pub(crate) const fn checked(self) -> Result<Self, Error> {
        match self.problem() {
            None => Ok(self),
            Some(problem) => Err(Error::Flags {
                flags: self.bits(),
                problem,
            }),
        }
    }

    #[inline(always)]
    const fn problem(self) -> Option<&'static str> {
        const NEVER_WITH_NOFLUSH: Flags = Flags::NONTEMPORAL.union(Flags::WC);
        if self.is_empty() {
            None
        } else if !Self::all().contains(self) {
            Some("unknown bits")
        } else if self.contains(Self::NONTEMPORAL.union(Self::TEMPORAL)) {
            Some("NONTEMPORAL contradicts TEMPORAL")
        } else if self.contains(Self::WC.union(Self::WB)) {
            Some("WC contradicts WB")
        } else if self.contains(Self::NOFLUSH) && self.intersects(NEVER_WITH_NOFLUSH) {
            Some("NOFLUSH contradicts NONTEMPORAL and WC, which flush by themselves")
        } else {
            None
        }
    }

    #[inline(always)]
    pub(crate) const fn kind(self) -> Kind {
        if self.contains(Self::NONTEMPORAL) {
            Kind::NonTemporal
        } else if self.contains(Self::TEMPORAL) {
            Kind::Temporal
        } else if self.contains(Self::WC) {
            Kind::Combining
        } else if self.contains(Self::WB) {
            Kind::Temporal
        } else {
            Kind::Default
        }
    }
}
