//! The pieces of an operation. A hold is set aside for all of them, and may be captured for fewer
//! (docs/rules.md, Holds and reversals).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Count, Operation};

/// The images or prompts of an operation. Each has the same price and can be paid for by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pieces {
    /// The unit of one piece.
    pub unit: Unit,
    /// The number of pieces.
    pub count: u64,
}

/// The unit of one piece. Its JSON and its text are the name of the operation's field: `images` or
/// `prompts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// One image.
    Images,
    /// The images of one prompt.
    Prompts,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Images => "images",
            Self::Prompts => "prompts",
        })
    }
}

impl Operation {
    /// The images or prompts that can be paid for one by one.
    ///
    /// `None` for `download`; for `train_tune`, because a part of its price is taken once; and for a
    /// negative number of pieces.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{Count, Operation, Pieces, Unit};
    ///
    /// let operation = Operation::TuneImages { prompts: Count::new(3) };
    /// assert_eq!(operation.pieces(), Some(Pieces { unit: Unit::Prompts, count: 3 }));
    /// assert_eq!(operation.with_pieces(2), Operation::TuneImages { prompts: Count::new(2) });
    /// assert_eq!(Operation::Download {}.pieces(), None);
    /// ```
    #[must_use]
    pub fn pieces(&self) -> Option<Pieces> {
        let (unit, count) = match *self {
            Self::TextToImage { images, .. }
            | Self::Upscale { images, .. }
            | Self::FaceEnhance { images }
            | Self::RemoveBackground { images } => (Unit::Images, images),
            Self::TuneImages { prompts } => (Unit::Prompts, prompts),
            Self::Download {} | Self::TrainTune { .. } => return None,
        };
        let count = u64::try_from(count.get()).ok()?;
        Some(Pieces { unit, count })
    }

    /// The same operation with another number of pieces; unchanged if [`Self::pieces`] is `None`. A
    /// number beyond `i64` is reduced to the largest `i64`, as when a [`Count`] is read.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{Count, Operation};
    ///
    /// let operation = Operation::FaceEnhance { images: Count::new(4) };
    /// assert_eq!(operation.with_pieces(3), Operation::FaceEnhance { images: Count::new(3) });
    /// assert_eq!(Operation::Download {}.with_pieces(3), Operation::Download {});
    /// ```
    #[must_use]
    pub fn with_pieces(&self, count: u64) -> Self {
        let mut operation = self.clone();
        if self.pieces().is_none() {
            return operation;
        }
        match &mut operation {
            Self::TextToImage { images: pieces, .. }
            | Self::Upscale { images: pieces, .. }
            | Self::FaceEnhance { images: pieces }
            | Self::RemoveBackground { images: pieces }
            | Self::TuneImages { prompts: pieces } => {
                *pieces = Count::new(i64::try_from(count).unwrap_or(i64::MAX));
            }
            Self::Download {} | Self::TrainTune { .. } => {}
        }
        operation
    }
}
