//! What an exploration is told, and what it tells.

use std::fmt;
use std::str::FromStr;

use crate::hash::mix;
use crate::images::LIMIT;

/// An image's name: replaying the same trace with the same options finds it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    /// Number of the point.
    pub point: u64,
    /// Hash of the image.
    pub hash: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.point, self.hash)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('-').and_then(|(point, hash)| {
            Some(Self {
                point: point.parse().ok()?,
                hash: u64::from_str_radix(hash, 16).ok()?,
            })
        });
        parts.ok_or_else(|| format!("{text:?} is not an image's name (POINT-HASH)"))
    }
}

/// What to explore.
#[derive(Clone, Debug)]
pub struct Options {
    /// Chooses the random samples.
    pub seed: u64,
    /// Random samples at a point that is sampled.
    pub samples: u32,
    /// Take part `.0` of `.1`. All parts walk and deduplicate everything, then each keeps its own
    /// share: disjoint, and together exactly what the single part of 1 has.
    pub shard: (u32, u32),
    /// Take this image only.
    pub only: Option<Id>,
    /// Take no image of points before this one: so many were taken of these before.
    pub from: Option<(u64, u64)>,
    /// Take all but these: recovery does not come back from them.
    pub without: Vec<Id>,
    /// A point with more images than this is not walked image by image.
    pub limit: usize,
    /// Such a point is explored by what recovery reads, with so many recoveries at most; 0: it is
    /// sampled.
    pub recoveries: u64,
    /// Take images at claims, crash points and the end only, not before each barrier.
    pub marks_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            samples: 256,
            shard: (0, 1),
            only: None,
            from: None,
            without: Vec::new(),
            limit: LIMIT,
            recoveries: 0,
            marks_only: false,
        }
    }
}

/// What the workload had said when the power failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Context {
    /// The last `Begin`'s number.
    pub begin: u64,
    /// Claims since then.
    pub claims: u64,
    /// The last claim's number.
    pub last_claim: u64,
    /// The workload is over.
    pub ended: bool,
}

impl Context {
    /// All that recovery is told of it.
    pub const fn hash(&self) -> u64 {
        mix(mix(self.begin, self.claims), self.last_claim)
    }
}

/// A crash image that memory now holds.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Its name.
    pub id: Id,
    /// Events that had happened.
    pub events: u64,
    /// What the workload had said.
    pub context: Context,
    /// What its recovery reads must be reported.
    pub watched: bool,
    /// Nothing else is asked of its recovery: its verdict is not wanted.
    pub aside: bool,
}

/// Counts of an exploration, those of images and of moments left unfinished for this shard alone,
/// the others the same in every shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Moments looked at.
    pub points: u64,
    /// Of these, explored by what recovery reads.
    pub by_readings: u64,
    /// Moments that this shard sampled. (One that all sample is the first one's.)
    pub capped: u64,
    /// Readings that recovery is known to be able to make there, and was not given.
    pub left_out: u64,
    /// Images walked.
    pub walked: u64,
    /// Of these, seen before in the same context.
    pub duplicates: u64,
    /// Images handed out by this shard.
    pub taken: u64,
}
