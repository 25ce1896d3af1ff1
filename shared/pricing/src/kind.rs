//! The three kinds of credits.

use serde::{Deserialize, Serialize};

/// A kind of credits, in JSON `"playground"`, `"tune"` or `"tune_image"`. Kinds are ordered as in
/// [`Self::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// For generating or editing images.
    Playground,
    /// For training a Tune.
    Tune,
    /// For images from a trained Tune.
    TuneImage,
}

impl Kind {
    /// Every kind, in the order of the fields of [`Credits`](crate::Credits).
    pub const ALL: [Self; 3] = [Self::Playground, Self::Tune, Self::TuneImage];
}
