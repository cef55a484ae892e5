//! Who took how long.

/// The contenders, by their place.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    /// kpmem by function pointers.
    Kpmem,
    /// kpmem at compile time.
    Fixed,
    /// The plain instructions for the case.
    Raw,
    /// The others that may be faster.
    OtherRaw,
    /// libpmem2.
    Peer,
    /// kpmem's copies by vectors.
    Vector,
    /// Bare vectors.
    RawVector,
}

/// How many there are: a prime, so that they can take turns in any stride.
pub const COUNT: usize = 7;

/// Nanoseconds, one number for each round.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub fn push(&mut self, time: f64) {
        self.0.push(time);
    }

    pub fn median(&self) -> Option<f64> {
        self.sorted_at(0.5)
    }

    /// The distance between the quartiles, as a part of the median.
    pub fn spread(&self) -> f64 {
        let spread = || Some((self.sorted_at(0.75)? - self.sorted_at(0.25)?) / self.median()?);
        spread().unwrap_or(0.0)
    }

    /// With each round of another.
    pub fn with(&self, other: &Self, figure: impl Fn(f64, f64) -> f64) -> Self {
        Self(
            self.0
                .iter()
                .zip(&other.0)
                .map(|(&a, &b)| figure(a, b))
                .collect(),
        )
    }

    /// What the median exceeds with 97.5 % confidence, whatever the distribution: the order
    /// statistic that many standard deviations of a binomial below it.
    pub fn at_least(&self) -> Option<f64> {
        let rounds = self.0.len() as f64;
        self.sorted_at(0.5 - 0.98 / rounds.sqrt())
    }

    /// The number below which this part of them lies.
    fn sorted_at(&self, part: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
            .get((sorted.len() as f64 * part.max(0.0)) as usize)
            .copied()
    }
}
