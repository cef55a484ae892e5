//! Which crash images are tried.

/// Recoveries of one moment with more than 4,096 images, before the rest of it is sampled.
const RECOVERIES: u64 = 1 << 16;

/// Which crash images are tried. A few of a moment are all of them if they are not more than 32;
/// else none, all, each line alone, all but one, and eight random ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tried {
    /// All of each moment up to thousands; of more, those that differ in what recovery reads.
    #[default]
    All,
    /// The same, and of crashes while recovery runs.
    Nested,
    /// All of each moment up to thousands; of more, none, all, each line alone, all but one, and
    /// random ones.
    Sampled,
    /// A few before each barrier and at each mark.
    Few,
    /// A few at each claim, crash point and end.
    FewAtMarks,
}

impl Tried {
    /// As the plugin takes it.
    pub(super) fn words(self) -> String {
        match self {
            Self::All => format!(",recoveries={RECOVERIES}"),
            Self::Nested => format!(",recoveries={RECOVERIES},nested=1"),
            Self::Sampled => String::new(),
            Self::Few => ",limit=32,random=8".to_owned(),
            Self::FewAtMarks => ",limit=32,random=8,at=marks".to_owned(),
        }
    }
}
