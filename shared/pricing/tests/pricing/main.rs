//! Prices, plans, packs and the ranges of operations, as tables. Numbers are written out here and
//! never read from the catalog, so a price can't change without a test that says so.

#![expect(clippy::inconsistent_digit_grouping, reason = "money reads as dollars_cents")]

mod catalog_body;
mod catalog_file;
mod charges;
mod credits;
mod hostile;
mod low_balance;
mod offers;
mod operation_json;
mod pieces;
mod prices;
mod properties;

use scrip_pricing::{CATALOG, Count, Credits, IfShort, Operation, Price, UnsupportedOperation};

fn quote(operation: &Operation) -> Result<Price, UnsupportedOperation> {
    CATALOG.quote(operation)
}

/// The price of an operation that must be supported.
fn price(operation: &Operation) -> Price {
    quote(operation).unwrap_or_else(|refused| panic!("{operation:?}: {refused}"))
}

/// The refusal of an operation that must not be supported, as the caller reads it.
fn refusal(operation: &Operation) -> String {
    match quote(operation) {
        Ok(price) => panic!("{operation:?} costs {:?}", price.credits()),
        Err(refused) => refused.to_string(),
    }
}

fn playground(credits: u64) -> Credits {
    Credits::new(credits, 0, 0)
}

fn text_to_image(width: i64, height: i64, steps: i64, images: i64) -> Operation {
    Operation::TextToImage {
        width: Count::new(width),
        height: Count::new(height),
        steps: Count::new(steps),
        images: Count::new(images),
    }
}

fn upscale(factor: i64, images: i64) -> Operation {
    Operation::Upscale { factor: Count::new(factor), images: Count::new(images) }
}

fn face_enhance(images: i64) -> Operation {
    Operation::FaceEnhance { images: Count::new(images) }
}

fn remove_background(images: i64) -> Operation {
    Operation::RemoveBackground { images: Count::new(images) }
}

fn train_tune(prompts: i64, if_short: IfShort) -> Operation {
    Operation::TrainTune { prompts: Count::new(prompts), if_short }
}

fn tune_images(prompts: i64) -> Operation {
    Operation::TuneImages { prompts: Count::new(prompts) }
}
