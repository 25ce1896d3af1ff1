//! The shape of `catalog.toml`, which product managers edit.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Credits of each kind, such as `{ tune = 1, tune_image = 64 }`. A kind that is left out is zero.
pub type Credits = BTreeMap<String, i64>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogFile {
    pub version: String,
    pub currency: String,
    pub images: Range,
    pub plans: Vec<Plan>,
    pub packs: Vec<Pack>,
    pub text_to_image: TextToImage,
    pub upscale: Upscale,
    pub face_enhance: Tool,
    pub remove_background: Tool,
    pub download: Tool,
    pub train_tune: TrainTune,
    pub tune_images: TuneImages,
    pub low_balance: BTreeMap<String, Mark>,
}

/// The range of a number that callers send. Its default is in `src/defaults.rs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    pub min: i64,
    pub max: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub name: String,
    pub playground: Option<Allowance>,
    pub monthly_price: Option<i64>,
    pub annual_price: Option<i64>,
    pub extended_tune_storage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "`playground` must be a number of credits or \"agreed\"")]
pub enum Allowance {
    Credits(i64),
    Word(String),
}

impl Plan {
    /// The plan's SKUs and their prices. A plan that support agrees on has one SKU without a price.
    pub fn skus(&self) -> Vec<(String, Option<i64>)> {
        match self.playground {
            Some(Allowance::Word(_)) => vec![(self.name.clone(), None)],
            Some(Allowance::Credits(_)) | None => vec![
                (format!("{}_monthly", self.name), self.monthly_price),
                (format!("{}_annual", self.name), self.annual_price),
            ],
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    pub sku: String,
    pub credits: Credits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextToImage {
    pub step_bands: Vec<i64>,
    pub tiers: Vec<Tier>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    pub width: i64,
    pub height: i64,
    pub playground: Vec<i64>,
}

impl Tier {
    /// The order of tiers: by area, then by the short side.
    pub fn size(&self) -> (i64, i64) {
        (self.width.saturating_mul(self.height), self.width)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upscale {
    pub factors: Vec<Factor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    pub factor: i64,
    pub per_image: Credits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    pub per_image: Credits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainTune {
    pub once: Credits,
    pub per_prompt: Credits,
    pub prompts: Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuneImages {
    pub per_prompt: Credits,
    pub prompts: Range,
}

/// The low-balance mark of a kind, such as `8` or `"10%"`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a low-balance mark must be a number of credits or a share like \"10%\"")]
pub enum Mark {
    Credits(i64),
    Share(String),
}

impl Mark {
    /// The percentage of a share, from 1 to 100; `None` if the text is no percentage, and for a number of
    /// credits.
    pub fn percent(&self) -> Option<u8> {
        let Self::Share(share) = self else {
            return None;
        };
        let digits = share.strip_suffix('%')?;
        let percent: u8 = digits.parse().ok()?;
        // "+10" and "010" are refused.
        ((1..=100).contains(&percent) && percent.to_string() == digits).then_some(percent)
    }
}
