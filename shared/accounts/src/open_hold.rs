//! An open hold, as an account's newest entry carries it.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;
use serde::{Deserialize, Serialize};

use crate::Sequence;

/// A hold that is neither captured nor released, and has not expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHold {
    /// The sequence of the hold's entry, which identifies it. It is shorter than the id that the caller chose.
    pub sequence: Sequence,
    /// The credits that are set aside.
    #[serde(with = "nonzero_kinds")]
    pub credits: Credits,
    /// The time at which the hold expires. From then on its credits are back.
    pub expires_at: DateTime<Utc>,
}

/// The JSON of credits without the kinds that are zero, to keep an entry with sixteen holds small.
mod nonzero_kinds {
    use scrip_pricing::Credits;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Kinds {
        #[serde(default, skip_serializing_if = "is_zero")]
        playground: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        tune: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        tune_image: u64,
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_zero(count: &u64) -> bool {
        *count == 0
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: Serializer>(credits: &Credits, serializer: S) -> Result<S::Ok, S::Error> {
        let (playground, tune, tune_image) = (credits.playground(), credits.tune(), credits.tune_image());
        Kinds { playground, tune, tune_image }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Credits, D::Error> {
        let Kinds { playground, tune, tune_image } = Kinds::deserialize(deserializer)?;
        Ok(Credits::new(playground, tune, tune_image))
    }
}
