//! The operations that have a price, as callers write them (docs/api.md, Callers, ids, operations).
//!
//! Parsing checks only the shape of an operation; [`crate::Catalog::quote`] checks that its values are in
//! range. Fields that a caller may leave out get the defaults of the API. These never change, so a
//! request means the same forever.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Count;
use crate::defaults::{IMAGES_DEFAULT, STEPS_DEFAULT, TRAIN_TUNE_PROMPTS_DEFAULT};

/// One piece of work with a price. Its JSON has every default spelled out.
///
/// # Examples
///
/// ```
/// use scrip_pricing::Operation;
///
/// let operation: Operation = serde_json::from_str(r#"{"operation":"upscale","factor":4}"#)?;
/// assert_eq!(serde_json::to_string(&operation)?, r#"{"operation":"upscale","factor":4,"images":1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// Generate images from a prompt.
    TextToImage {
        /// The width, in pixels.
        width: Count,
        /// The height, in pixels.
        height: Count,
        /// Steps of the sampler.
        steps: Count,
        /// The number of images.
        images: Count,
    },
    /// Enlarge images.
    Upscale {
        /// The factor by which each side grows: 2 or 4.
        factor: Count,
        /// The number of images.
        images: Count,
    },
    /// Mend faces in images.
    FaceEnhance {
        /// The number of images.
        images: Count,
    },
    /// Cut the background out of images.
    RemoveBackground {
        /// The number of images.
        images: Count,
    },
    /// Download an image.
    Download {},
    /// Train a model of a person, pet or object, and generate its first images.
    TrainTune {
        /// The number of prompts whose images are generated at once.
        prompts: Count,
        /// The action if the balance doesn't cover the credits for those images.
        if_short: IfShort,
    },
    /// Generate images from a trained Tune.
    TuneImages {
        /// The number of prompts.
        prompts: Count,
    },
}

impl Operation {
    /// The operation's name in JSON.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(scrip_pricing::Operation::Download {}.name(), "download");
    /// ```
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TextToImage { .. } => "text_to_image",
            Self::Upscale { .. } => "upscale",
            Self::FaceEnhance { .. } => "face_enhance",
            Self::RemoveBackground { .. } => "remove_background",
            Self::Download {} => "download",
            Self::TrainTune { .. } => "train_tune",
            Self::TuneImages { .. } => "tune_images",
        }
    }
}

/// The form from which an [`Operation`] is read: the same fields, with their defaults.
#[derive(Deserialize)]
#[serde(remote = "Operation", tag = "operation", rename_all = "snake_case", deny_unknown_fields)]
enum Fields {
    TextToImage {
        width: Count,
        height: Count,
        #[serde(default = "steps_default")]
        steps: Count,
        #[serde(default = "images_default")]
        images: Count,
    },
    Upscale {
        factor: Count,
        #[serde(default = "images_default")]
        images: Count,
    },
    FaceEnhance {
        #[serde(default = "images_default")]
        images: Count,
    },
    RemoveBackground {
        #[serde(default = "images_default")]
        images: Count,
    },
    Download {},
    TrainTune {
        #[serde(default = "train_tune_prompts_default")]
        prompts: Count,
        #[serde(default)]
        if_short: IfShort,
    },
    TuneImages {
        prompts: Count,
    },
}

fn steps_default() -> Count {
    Count::new(STEPS_DEFAULT)
}

fn images_default() -> Count {
    Count::new(IMAGES_DEFAULT)
}

fn train_tune_prompts_default() -> Count {
    Count::new(TRAIN_TUNE_PROMPTS_DEFAULT)
}

impl<'de> Deserialize<'de> for Operation {
    /// Reads only an object whose `operation` is a string. A derived implementation would also accept an
    /// array and, inside a flattened struct, the number of a variant.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OperationVisitor)
    }
}

struct OperationVisitor;

impl<'de> Visitor<'de> for OperationVisitor {
    type Value = Operation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an `operation`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Operation, A::Error> {
        let named = NameCheck { map, at_name: false };
        Fields::deserialize(MapAccessDeserializer::new(named))
    }
}

/// The fields of an object. It refuses an `operation` that is not a string.
struct NameCheck<A> {
    map: A,
    at_name: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for NameCheck<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.map.next_key::<String>()? else {
            return Ok(None);
        };
        self.at_name = key == "operation";
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        if self.at_name {
            let name = self.map.next_value::<String>()?;
            seed.deserialize(name.into_deserializer())
        } else {
            self.map.next_value_seed(seed)
        }
    }
}

/// The action of a `train_tune` if the balance has too few `tune_image` credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IfShort {
    /// Train now, and leave all the images for later. This is the default of the API. Like the numbers
    /// in `defaults.rs`, it never changes.
    #[default]
    Defer,
    /// Do nothing.
    Refuse,
    /// Any other text. It parses so that [`crate::Catalog::quote`] can refuse it with the allowed values.
    Unsupported,
}

impl<'de> Deserialize<'de> for IfShort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "defer" => Self::Defer,
            "refuse" => Self::Refuse,
            _ => Self::Unsupported,
        })
    }
}
