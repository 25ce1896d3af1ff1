//! Writes a checked catalog as the Rust source of `scrip_pricing::CATALOG`, in the order of the
//! structs in `src/catalog.rs`, `src/rates.rs` and `src/low_balance.rs`. It decides only
//! the order of offers.

use std::collections::BTreeMap;

use crate::catalog_file::{
    Allowance, CatalogFile, Credits, Mark, Pack, Plan, Range, TextToImage, Tool, Upscale,
};
use crate::defaults::{IMAGES_DEFAULT, STEPS_DEFAULT, TRAIN_TUNE_PROMPTS_DEFAULT};

/// The source of one `static`.
pub fn source(file: &CatalogFile) -> String {
    let images = setting(&file.images, IMAGES_DEFAULT);
    let fields = [
        format!("version: {:?}", file.version),
        format!("currency: {:?}", file.currency),
        format!("plans: {}", slice(file.plans.iter().map(plan))),
        format!("packs: {}", slice(file.packs.iter().map(pack))),
        format!("offers: {}", slice(offers(file))),
        format!("rates: Rates {{ {} }}", rates(file, &images)),
        format!("low_balance: {}", low_balance(&file.low_balance)),
    ];
    format!(
        "/// The catalog of this build, from `catalog.toml`.\n\
         pub static CATALOG: Catalog = Catalog {{ {} }};\n",
        fields.join(",\n"),
    )
}

fn rates(file: &CatalogFile, images: &str) -> String {
    let train = &file.train_tune;
    let tune = &file.tune_images;
    [
        format!("text_to_image: {}", text_to_image(&file.text_to_image, images)),
        format!("upscale: {}", upscale(&file.upscale, images)),
        format!("face_enhance: {}", tool(&file.face_enhance, images)),
        format!("remove_background: {}", tool(&file.remove_background, images)),
        format!("download: Download {{ credits: {} }}", credits(&file.download.per_image)),
        format!(
            "train_tune: TrainTune {{ credits: {}, credits_per_prompt: {}, prompts: {} }}",
            credits(&train.once),
            credits(&train.per_prompt),
            setting(&train.prompts, TRAIN_TUNE_PROMPTS_DEFAULT),
        ),
        format!(
            "tune_images: TuneImages {{ credits_per_prompt: {}, prompts: {} }}",
            credits(&tune.per_prompt),
            range(&tune.prompts),
        ),
    ]
    .join(",\n")
}

fn text_to_image(rates: &TextToImage, images: &str) -> String {
    let side = Range { min: 1, max: rates.tiers.iter().map(|tier| tier.height).max().unwrap_or(0) };
    let steps = Range { min: 1, max: rates.step_bands.last().copied().unwrap_or(0) };
    let tiers = slice(rates.tiers.iter().map(|tier| {
        let bands = rates.step_bands.iter().zip(&tier.playground);
        let bands = slice(bands.map(|(end, price)| {
            format!("StepBand {{ steps_max: {end}, credits_per_image: Credits::new({price}, 0, 0) }}")
        }));
        let (width, height) = (tier.width, tier.height);
        format!("TierRates {{ width: {width}, height: {height}, step_bands: {bands} }}")
    }));
    format!(
        "TextToImage {{ side: {}, steps: {}, images: {images}, tiers: {tiers} }}",
        range(&side),
        setting(&steps, STEPS_DEFAULT),
    )
}

fn upscale(rates: &Upscale, images: &str) -> String {
    let factors = slice(rates.factors.iter().map(|row| {
        let (factor, price) = (row.factor, credits(&row.per_image));
        format!("FactorRate {{ factor: {factor}, credits_per_image: {price} }}")
    }));
    format!("Upscale {{ factors: {factors}, images: {images} }}")
}

fn tool(rates: &Tool, images: &str) -> String {
    let price = credits(&rates.per_image);
    format!("PerImage {{ credits_per_image: {price}, images: {images} }}")
}

fn plan(plan: &Plan) -> String {
    format!(
        "Plan {{ name: {:?}, allowance: {:?}, monthly_price: {:?}, annual_price: {:?}, \
         extended_tune_storage: {} }}",
        plan.name,
        allowance(plan),
        plan.monthly_price,
        plan.annual_price,
        plan.extended_tune_storage,
    )
}

fn pack(pack: &Pack) -> String {
    format!("Pack {{ sku: {:?}, credits: {} }}", pack.sku, credits(&pack.credits))
}

/// The plans' SKUs that have a price, cheapest first, then the packs in the order of the file.
fn offers(file: &CatalogFile) -> Vec<String> {
    let mut priced = Vec::new();
    for plan in &file.plans {
        for ((sku, price), interval) in plan.skus().into_iter().zip(["Month", "Year"]) {
            if let Some(price) = price {
                let offer = format!(
                    "Offer {{ sku: {sku:?}, price: Some({price}), grant: Grant::Plan {{ plan: {:?}, \
                     interval: Some(Interval::{interval}), allowance: {:?} }} }}",
                    plan.name,
                    allowance(plan),
                );
                priced.push((price, offer));
            }
        }
    }
    priced.sort_by_key(|(price, _)| *price);
    let packs = file.packs.iter().map(|pack| {
        let given = credits(&pack.credits);
        format!("Offer {{ sku: {:?}, price: None, grant: Grant::Pack({given}) }}", pack.sku)
    });
    priced.into_iter().map(|(_, offer)| offer).chain(packs).collect()
}

fn low_balance(marks: &BTreeMap<String, Mark>) -> String {
    let numbers: Credits = marks
        .iter()
        .filter_map(|(kind, mark)| match mark {
            Mark::Credits(credits) => Some((kind.clone(), *credits)),
            Mark::Share(_) => None,
        })
        .collect();
    let percent = marks.get("playground").and_then(Mark::percent);
    format!("LowBalance {{ credits: {}, playground_percent: {percent:?} }}", credits(&numbers))
}

fn allowance(plan: &Plan) -> Option<i64> {
    match plan.playground {
        Some(Allowance::Credits(credits)) => Some(credits),
        Some(Allowance::Word(_)) | None => None,
    }
}

fn credits(table: &Credits) -> String {
    let of = |kind| table.get(kind).copied().unwrap_or(0);
    format!("Credits::new({}, {}, {})", of("playground"), of("tune"), of("tune_image"))
}

fn range(range: &Range) -> String {
    let Range { min, max } = *range;
    format!("Range {{ min: {min}, max: {max} }}")
}

fn setting(of: &Range, default: i64) -> String {
    format!("Setting {{ range: {}, default: {default} }}", range(of))
}

fn slice(rows: impl IntoIterator<Item = String>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    format!("&[{}]", rows.join(",\n"))
}
