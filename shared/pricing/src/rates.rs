//! The rate tables, laid out as in `GET /v1/catalog`, and the lookups in them. The build has checked that
//! every operation in range has a price, and that no product of two of these numbers overflows.

use serde::Serialize;

use crate::quote::{Price, Tier, UnsupportedOperation};
use crate::{Count, Credits};

/// The rates of each operation, and the allowed ranges of its values.
#[derive(Debug, Serialize)]
pub(crate) struct Rates {
    pub(crate) text_to_image: TextToImage,
    pub(crate) upscale: Upscale,
    pub(crate) face_enhance: PerImage,
    pub(crate) remove_background: PerImage,
    pub(crate) download: Download,
    pub(crate) train_tune: TrainTune,
    pub(crate) tune_images: TuneImages,
}

#[derive(Debug, Serialize)]
pub(crate) struct TextToImage {
    pub(crate) side: Range,
    pub(crate) steps: Setting,
    pub(crate) images: Setting,
    /// Smallest area first.
    pub(crate) tiers: &'static [TierRates],
}

#[derive(Debug, Serialize)]
pub(crate) struct TierRates {
    /// The short side.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Fewest steps first.
    pub(crate) step_bands: &'static [StepBand],
}

#[derive(Debug, Serialize)]
pub(crate) struct StepBand {
    pub(crate) steps_max: u32,
    pub(crate) credits_per_image: Credits,
}

#[derive(Debug, Serialize)]
pub(crate) struct Upscale {
    pub(crate) factors: &'static [FactorRate],
    pub(crate) images: Setting,
}

#[derive(Debug, Serialize)]
pub(crate) struct FactorRate {
    pub(crate) factor: u32,
    pub(crate) credits_per_image: Credits,
}

#[derive(Debug, Serialize)]
pub(crate) struct PerImage {
    pub(crate) credits_per_image: Credits,
    pub(crate) images: Setting,
}

#[derive(Debug, Serialize)]
pub(crate) struct Download {
    pub(crate) credits: Credits,
}

#[derive(Debug, Serialize)]
pub(crate) struct TrainTune {
    pub(crate) credits: Credits,
    pub(crate) credits_per_prompt: Credits,
    pub(crate) prompts: Setting,
}

#[derive(Debug, Serialize)]
pub(crate) struct TuneImages {
    pub(crate) credits_per_prompt: Credits,
    pub(crate) prompts: Range,
}

impl TextToImage {
    /// The smallest tier that contains this size, in either orientation, and its price per image.
    pub(crate) fn tier(
        &self,
        width: Count,
        height: Count,
        steps: Count,
    ) -> Result<(Tier, Credits), UnsupportedOperation> {
        let width = self.side.of("width", width)?;
        let height = self.side.of("height", height)?;
        let steps = self.steps.of("steps", steps)?;
        let (short, long) = (width.min(height), width.max(height));
        self.tiers
            .iter()
            .find(|tier| short <= tier.width.into() && long <= tier.height.into())
            .and_then(|tier| {
                let band = tier.step_bands.iter().find(|band| steps <= band.steps_max.into())?;
                let &TierRates { width, height, .. } = tier;
                Some((Tier { width, height, steps_max: band.steps_max }, band.credits_per_image))
            })
            .ok_or_else(|| UnsupportedOperation { detail: "this size has no price".to_owned() })
    }
}

impl PerImage {
    /// The price of a number of images.
    pub(crate) fn price(&self, images: Count) -> Result<Price, UnsupportedOperation> {
        Ok(Price::of_units(self.credits_per_image, self.images.of("images", images)?))
    }
}

impl Upscale {
    /// The price per image for a factor.
    pub(crate) fn credits_per_image(&self, factor: Count) -> Result<Credits, UnsupportedOperation> {
        self.factors
            .iter()
            .find(|row| i64::from(row.factor) == factor.get())
            .map(|row| row.credits_per_image)
            .ok_or_else(|| {
                let allowed: Vec<_> = self.factors.iter().map(|row| row.factor.to_string()).collect();
                let allowed = allowed.join(" or ");
                UnsupportedOperation { detail: format!("factor must be {allowed}{}", factor.you_sent()) }
            })
    }
}

/// The allowed values of a field, both ends included.
#[derive(Debug, Serialize)]
pub(crate) struct Range {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

impl Range {
    /// The number, if it is in range.
    pub(crate) fn of(&self, field: &str, count: Count) -> Result<u64, UnsupportedOperation> {
        let Self { min, max } = *self;
        u64::try_from(count.get())
            .ok()
            .filter(|number| (min.into()..=max.into()).contains(number))
            .ok_or_else(|| UnsupportedOperation {
                detail: format!("{field} must be {min} to {max}{}", count.you_sent()),
            })
    }
}

/// A field's range and its default in the API. The catalog only shows the default; it is filled in when
/// an operation is read.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    #[serde(flatten)]
    pub(crate) range: Range,
    pub(crate) default: u32,
}

impl Setting {
    /// The number, if it is in range, as [`Range::of`].
    pub(crate) fn of(&self, field: &str, count: Count) -> Result<u64, UnsupportedOperation> {
        self.range.of(field, count)
    }
}
