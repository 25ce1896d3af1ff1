//! The defaults of the fields that a caller may leave out. They are a part of the API (docs/rules.md,
//! Work), so they are not in `catalog.toml`.
//!
//! They must never change. A retry is recognised by its whole request, with the defaults filled in. If a
//! default changed, the retry of an earlier request without that field would look like another request
//! and be refused. The same is true of the default of [`IfShort`](crate::IfShort).
//!
//! Both the crate and its build script include this file: the crate fills the defaults in, and the build
//! script writes them to the catalog and fails if a default is out of its range.

/// `images` of every operation that has the field.
pub const IMAGES_DEFAULT: i64 = 1;

/// `steps` of `text_to_image`.
pub const STEPS_DEFAULT: i64 = 50;

/// `prompts` of `train_tune`; `tune_images` has no default.
pub const TRAIN_TUNE_PROMPTS_DEFAULT: i64 = 8;
