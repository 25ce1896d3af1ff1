//! Any text as `catalog.toml`: the build says what is wrong with it, or everything in range has a price that
//! doesn't fall as work grows and doesn't overflow.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree};

use super::at_least;
use crate::catalog_file::{
    CATALOG,
    build::{self, Allowance, CatalogFile, Plan},
};

/// The most that a balance may be.
const CREDITS_MAX: i64 = 1_000_000_000_000;

/// The check of any text; whether it is a catalog.
fn is_sound_or_refused(text: &str) -> bool {
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

/// The catalog's text in tokens, none of them lost: words, numbers, marks and what is between.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let is_alike = |c: char| if is_word(first) { is_word(c) } else { first == ' ' && c == ' ' };
        let length = rest.find(|c| !is_alike(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// The catalog without its comments, so that slips hit what counts.
fn plain() -> String {
    let lines = CATALOG.lines().map(|line| line.split('#').next().unwrap_or_default().trim_end());
    lines.filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..=12_i64).prop_map(|number| number.to_string()),
        3 => (-1..=2_000_i64).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        2 => select(vec!["1000000", "1000001", "1000000000", "1000000001", "99999999999999999999", "1e3", "1.0",
            "nan", "inf", "0x10", "1_000", "-0", "true", "2026-11-01", "\"agreed\"", "\"\"", "{}", "[]", "[[]]",
            "{ tune = 1 }", "{ playground = 1 }", "\"\\u0000\"", "'''x'''"])
            .prop_map(str::to_owned),
        1 => select(vec!["width", "height", "playground", "tune", "tune_image", "basic", "basic_monthly",
            "tune_pack", "[images]", "[[plans]]", "=", ",", "\n", "]", "}", "\""])
            .prop_map(str::to_owned),
        1 => ".{0,6}",
    ]
}

/// The catalog with up to three slips: a number that is another, a token that is missing, is another, or is
/// there twice, a line that is moved or is there twice.
fn slipped() -> impl Strategy<Value = String> {
    let slip = (0..10_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), value());
    vec(slip, 0..=3).prop_map(|slips| {
        let mut text = plain();
        for (kind, at, other, value) in slips {
            let mut tokens: Vec<String> = tokens(&text).into_iter().map(str::to_owned).collect();
            let is_number = |token: &str| token.bytes().all(|byte| byte.is_ascii_digit());
            let numbers: Vec<usize> = (0..tokens.len()).filter(|index| is_number(&tokens[*index])).collect();
            if tokens.is_empty() || numbers.is_empty() {
                break;
            }
            let place = at.index(tokens.len());
            match kind {
                0..=4 => tokens[numbers[at.index(numbers.len())]] = value,
                5 => tokens[place].clear(),
                6 => tokens[place] = value,
                7 => tokens.insert(place, value),
                _ => {
                    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
                    let line = lines[at.index(lines.len())].clone();
                    if kind == 8 {
                        lines.retain(|other| *other != line);
                    }
                    lines.insert(other.index(lines.len() + 1), line);
                    tokens = lines;
                }
            }
            text = tokens.concat();
        }
        text
    })
}

proptest! {
    #![proptest_config(at_least(8_000))]

    #[test]
    fn eight_thousand_slips_in_the_catalog_are_sound_or_refused(text in slipped()) {
        is_sound_or_refused(&text);
    }
}

proptest! {
    #![proptest_config(at_least(2_000))]

    #[test]
    fn two_thousand_texts_are_no_catalog(text in prop_oneof![
        ".{0,60}",
        "[a-z=\\[\\]{}\"',.0-9\n# -]{0,80}",
        (1..5_000_usize, select(vec!["[", "a=[", "a={b=", "a.", "[[", "\"\"\"", "a=[{a="]))
            .prop_map(|(depth, open)| open.repeat(depth)),
    ]) {
        prop_assert!(!is_sound_or_refused(&text));
    }
}

/// Some slips do no harm, and many do.
#[test]
fn both_are_drawn() {
    let mut drawn = proptest::test_runner::TestRunner::deterministic();
    let mut draw = || is_sound_or_refused(&slipped().new_tree(&mut drawn).unwrap().current());
    let sound = (0..500).filter(|_| draw()).count();
    assert!((25..475).contains(&sound), "{sound} of 500");
}
