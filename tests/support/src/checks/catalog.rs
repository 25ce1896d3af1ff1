//! The check of texts as `catalog.toml`, which proptest and the fuzzer (`tests/fuzz`) share.

use std::collections::BTreeSet;

use scrip_pricing::catalog_file::{self as build, Allowance, CatalogFile, Plan};

/// The most that a balance may be.
const CREDITS_MAX: i64 = 1_000_000_000_000;

/// Checks that a text is a sound catalog, or is refused with reasons. Returns whether it is a catalog.
pub fn check_catalog(text: &str) -> bool {
    match build::read(text) {
        Ok(file) => {
            assert_sizes(&file);
            assert_rates(&file);
            assert_sold(&file);
            true
        }
        Err(problems) => {
            assert!(!problems.is_empty() && problems.iter().all(|problem| !problem.trim().is_empty()));
            false
        }
    }
}

/// Every size has prices, and neither a longer side nor more steps lowers them. Sizes at which the tier
/// changes, and those next to them, stand for the rest.
fn assert_sizes(file: &CatalogFile) {
    let tiers = &file.text_to_image.tiers;
    let side = tiers.iter().map(|tier| tier.height).max().unwrap();
    let edges = tiers.iter().flat_map(|tier| [tier.width, tier.width + 1, tier.height, tier.height + 1]);
    let sides: BTreeSet<i64> = edges.chain([1]).filter(|edge| *edge <= side).collect();
    let prices = |width: i64, height: i64| {
        let holds = |tier: &&build::Tier| width.min(height) <= tier.width && width.max(height) <= tier.height;
        let area = |tier: &&build::Tier| i128::from(tier.width) * i128::from(tier.height);
        // The first that holds it is what pricing takes; it is also the smallest.
        let tier = tiers.iter().find(holds).unwrap_or_else(|| panic!("{width} × {height} has no price"));
        assert_eq!(Some(area(&tier)), tiers.iter().filter(holds).map(|tier| area(&tier)).min());
        &tier.playground
    };
    for height in &sides {
        for (narrow, wide) in sides.iter().zip(sides.iter().skip(1)) {
            let (less, more) = (prices(*narrow, *height), prices(*wide, *height));
            assert!(less.iter().zip(more).all(|(less, more)| less <= more), "{narrow} to {wide} × {height}");
            assert_eq!(less.len(), file.text_to_image.step_bands.len());
            assert!(less.is_sorted() && more.is_sorted());
        }
    }
    let bands = &file.text_to_image.step_bands;
    assert!(bands[0] >= 1 && bands.is_sorted_by(|band, next| band < next), "{bands:?}");
    assert!(bands[bands.len() - 1] >= 50, "the default number of steps has no price: {bands:?}");
}

/// Prices times the most that may be asked for fit.
fn assert_rates(file: &CatalogFile) {
    let images = &file.images;
    assert!(images.min == 1 && images.max >= 1, "{images:?}");
    let kinds = ["playground", "tune", "tune_image"];
    let train = &file.train_tune;
    assert!((train.prompts.min..=train.prompts.max).contains(&8), "{:?}", train.prompts);
    let mut rates = vec![
        (&file.face_enhance.per_image, images.max, true),
        (&file.remove_background.per_image, images.max, true),
        (&file.download.per_image, 1, false),
        (&train.per_prompt, train.prompts.max, true),
        (&train.once, 1, true),
        (&file.tune_images.per_prompt, file.tune_images.prompts.max, true),
    ];
    rates.extend(file.upscale.factors.iter().map(|factor| (&factor.per_image, images.max, true)));
    for (rate, most, is_paid) in rates {
        for (kind, credits) in rate {
            assert!(kinds.contains(&kind.as_str()) && *credits >= i64::from(is_paid), "{rate:?}");
            assert!(credits.checked_mul(most).is_some_and(|all| all <= CREDITS_MAX), "{rate:?} × {most}");
        }
        assert_eq!(rate.len(), 1, "{rate:?}");
    }
    for price in file.text_to_image.tiers.iter().flat_map(|tier| &tier.playground) {
        assert!(*price >= 1 && price.checked_mul(images.max).is_some_and(|all| all <= CREDITS_MAX));
    }
    let factors = &file.upscale.factors;
    assert!(factors.is_sorted_by(|low, high| {
        low.factor < high.factor && low.per_image["playground"] <= high.per_image["playground"]
    }));
}

/// Each SKU is sold once, and gives something.
fn assert_sold(file: &CatalogFile) {
    let plans = file.plans.iter().flat_map(Plan::skus).map(|(sku, _)| sku);
    let skus: Vec<String> = plans.chain(file.packs.iter().map(|pack| pack.sku.clone())).collect();
    assert_eq!(skus.iter().collect::<BTreeSet<_>>().len(), skus.len(), "{skus:?}");
    for plan in &file.plans {
        let is_priced = plan.monthly_price > Some(0) && plan.annual_price > Some(0);
        match &plan.playground {
            Some(Allowance::Credits(credits)) => assert!(*credits > 0 && is_priced, "{plan:?}"),
            Some(Allowance::Word(word)) => assert!(word == "agreed" && plan.monthly_price.is_none()),
            None => panic!("{plan:?}"),
        }
    }
    for pack in &file.packs {
        assert!(pack.credits.values().any(|credits| *credits > 0), "{pack:?}");
        assert!(pack.credits.values().all(|credits| *credits >= 0), "{pack:?}");
        assert!(!pack.credits.contains_key("playground"), "{pack:?}");
    }
}
