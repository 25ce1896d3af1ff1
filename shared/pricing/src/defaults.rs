//! The numbers meant by a caller who leaves them out: part of the API (contract, section 3,
//! "Operations"), and so not in `catalog.toml`, whose editing can't change them.
//!
//! None of them must ever change. A retry is recognised by its whole request, with what was left
//! out filled in: after another default, the retry of an earlier request that left the field out
//! would look like another request, and be refused instead of answered as before. The same goes
//! for the default of [`IfShort`](crate::IfShort).
//!
//! Included by the crate, which fills them in, and by the build, which shows them in the catalog
//! and stops where a range no longer contains one.

/// `images`, wherever an operation has them.
pub const IMAGES_DEFAULT: i64 = 1;

/// `steps` of `text_to_image`.
pub const STEPS_DEFAULT: i64 = 50;

/// `prompts` of `train_tune`; `tune_images` has no default.
pub const TRAIN_TUNE_PROMPTS_DEFAULT: i64 = 8;
