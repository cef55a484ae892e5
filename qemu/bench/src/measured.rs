//! One case, once it was measured.

use std::fmt;

use serde::Serialize;

use crate::times::{COUNT, Times, Who};

/// Medians in nanoseconds a call, and what they are of each other.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    pub name: &'static str,
    pub size: usize,
    pub placement: &'static str,
    pub align: usize,
    pub flags: String,
    pub granularity: String,
    pub kpmem_ns: Option<f64>,
    pub fixed_ns: Option<f64>,
    pub raw_ns: Option<f64>,
    pub peer_ns: Option<f64>,
    /// kpmem with the feature `vector`.
    pub vector_ns: Option<f64>,
    /// The fastest bare instructions without vectors, those of `raw_ns` or others. Of a fence: one
    /// behind a pointer, as kpmem's is.
    pub bare_ns: Option<f64>,
    /// Bare vectors of the widest kind.
    pub bare_vector_ns: Option<f64>,
    pub kpmem_to_bare: Option<Ratio>,
    pub kpmem_to_peer: Option<Ratio>,
    pub vector_to_peer: Option<Ratio>,
    /// The largest distance between the quartiles of one contender, as a part of its median.
    pub spread: f64,
    #[serde(skip)]
    pub times: [Times; COUNT],
}

/// One median as a multiple of another.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ratio {
    pub ratio: f64,
    /// It is more than that, for all the noise.
    pub at_least: f64,
}

impl Ratio {
    /// Whether it is over a limit beyond the noise.
    pub fn is_surely_over(self, limit: f64) -> bool {
        self.ratio > limit && self.at_least > limit
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            size,
            placement,
            align,
            flags,
            granularity,
            ..
        } = self;
        write!(
            f,
            "{name} size={size} {placement} align={align} flags={flags} {granularity}"
        )
    }
}

impl Measured {
    /// A case that nobody has run yet.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub fn named(case: &crate::cases::Case) -> Self {
        Self {
            name: case.op.name(),
            size: case.size,
            placement: match case.placement {
                crate::memory::Placement::Hot => "hot",
                crate::memory::Placement::Cold => "cold",
                crate::memory::Placement::Random => "random",
            },
            align: case.align,
            flags: case.flags_name(),
            granularity: case.granularity.to_string(),
            ..Self::default()
        }
    }

    /// What the contenders took.
    pub fn set(&mut self, times: [Times; COUNT]) {
        self.times = times;
        let median = |who: Who| self.times[who as usize].median();
        let of = |mine, other| self.ratio(mine, other);
        let bare = self.bare();
        let (to_bare, to_peer, vector) = (
            of(Who::Kpmem, bare),
            of(Who::Kpmem, Who::Peer),
            of(Who::Vector, Who::Peer),
        );
        let spread = [Who::Kpmem, Who::Fixed, Who::Raw, Who::Peer]
            .map(|who| self.times[who as usize].spread())
            .into_iter()
            .fold(0.0, f64::max);
        let medians = [
            Who::Kpmem,
            Who::Fixed,
            Who::Raw,
            Who::Peer,
            Who::Vector,
            bare,
            Who::RawVector,
        ]
        .map(median);
        [
            self.kpmem_ns,
            self.fixed_ns,
            self.raw_ns,
            self.peer_ns,
            self.vector_ns,
            self.bare_ns,
            self.bare_vector_ns,
        ] = medians;
        (
            self.kpmem_to_bare,
            self.kpmem_to_peer,
            self.vector_to_peer,
            self.spread,
        ) = (to_bare, to_peer, vector, spread);
    }

    /// Which of the bare instructions the library is put beside.
    fn bare(&self) -> Who {
        let median = |who: Who| self.times[who as usize].median();
        match (median(Who::Raw), median(Who::OtherRaw)) {
            (_, Some(_)) if self.is_fence() => Who::OtherRaw,
            (Some(raw), Some(other)) if other < raw => Who::OtherRaw,
            _ => Who::Raw,
        }
    }

    fn ratio(&self, mine: Who, other: Who) -> Option<Ratio> {
        let (mine, other) = (&self.times[mine as usize], &self.times[other as usize]);
        Some(Ratio {
            ratio: mine.median()? / other.median()?,
            at_least: mine.with(other, |a, b| a / b).at_least()?,
        })
    }

    pub fn is_copy(&self) -> bool {
        self.name.starts_with("mem")
    }

    /// Whether there is nothing in it but a fence.
    pub fn is_fence(&self) -> bool {
        self.name == "drain" || self.name == "persist" && self.granularity == "byte"
    }
}

/// Bytes, in few characters.
pub fn short(size: usize) -> String {
    match size {
        0..1024 => size.to_string(),
        1024..0x10_0000 => format!("{}K", size >> 10),
        _ => format!("{}M", size >> 20),
    }
}
