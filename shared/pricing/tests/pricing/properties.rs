//! What holds of every operation that has a price.

use proptest::prelude::*;
use scrip_pricing::{Credits, IfShort, Operation, Pieces};

use crate::{face_enhance, price, remove_background, text_to_image, train_tune, tune_images, upscale};

/// Every tier there is, short side first.
const TIERS: [(i64, i64); 6] = [(512, 512), (512, 768), (512, 1024), (768, 768), (768, 1024), (1024, 1024)];

fn any_operation() -> impl Strategy<Value = Operation> {
    let images = || 1..=100_i64;
    let if_short = prop_oneof![Just(IfShort::Defer), Just(IfShort::Refuse)];
    prop_oneof![
        (1..=1024_i64, 1..=1024_i64, 1..=150_i64, images())
            .prop_map(|(width, height, steps, images)| text_to_image(width, height, steps, images)),
        (prop_oneof![Just(2_i64), Just(4)], images()).prop_map(|(factor, images)| upscale(factor, images)),
        images().prop_map(face_enhance),
        images().prop_map(remove_background),
        Just(Operation::Download {}),
        (0..=8_i64, if_short).prop_map(|(prompts, if_short)| train_tune(prompts, if_short)),
        (1..=100_i64).prop_map(tune_images),
    ]
}

fn any_balance() -> impl Strategy<Value = Credits> {
    (0..=2000_u64, 0..=3_u64, 0..=900_u64).prop_map(|(p, t, i)| Credits::new(p, t, i))
}

proptest! {
    #[test]
    fn more_never_costs_less(
        (width, height) in (1..=1024_i64, 1..=1024_i64),
        (steps, images) in (1..=150_i64, 1..=100_i64),
        more in (0..=1023_i64, 0..=1023_i64, 0..=149_i64, 0..=99_i64),
    ) {
        let less = price(&text_to_image(width, height, steps, images)).credits();
        let more = price(&text_to_image(
            (width + more.0).min(1024),
            (height + more.1).min(1024),
            (steps + more.2).min(150),
            (images + more.3).min(100),
        ))
        .credits();
        prop_assert!(more.covers(less), "{:?} after {:?}", more, less);
    }

    #[test]
    fn turning_an_image_changes_nothing(
        (width, height) in (1..=1024_i64, 1..=1024_i64),
        (steps, images) in (1..=150_i64, 1..=100_i64),
    ) {
        let upright = price(&text_to_image(width, height, steps, images));
        prop_assert_eq!(upright, price(&text_to_image(height, width, steps, images)));
    }

    #[test]
    fn images_cost_the_same_one_by_one(
        (width, height) in (1..=1024_i64, 1..=1024_i64),
        (steps, images) in (1..=150_i64, 1..=100_u32),
    ) {
        let one = price(&text_to_image(width, height, steps, 1)).credits();
        let all = price(&text_to_image(width, height, steps, images.into())).credits();
        prop_assert_eq!(one.checked_mul(images.into()), Some(all));
    }

    #[test]
    fn the_price_is_the_number_of_pieces_times_the_price_of_one(operation in any_operation()) {
        if let Some(Pieces { count, .. }) = operation.pieces() {
            let one = price(&operation.with_pieces(1)).credits();
            prop_assert_eq!(one.checked_mul(count), Some(price(&operation).credits()));
            prop_assert_eq!(operation.with_pieces(count), operation);
        }
    }

    #[test]
    fn the_tier_contains_the_size_and_no_smaller_one_does(
        (width, height, steps) in (1..=1024_i64, 1..=1024_i64, 1..=150_i64),
    ) {
        let tier = price(&text_to_image(width, height, steps, 1)).tier();
        let tier = tier.expect("text_to_image has a tier");
        let (short, long) = (width.min(height), width.max(height));
        let contains = |(w, h): (i64, i64)| short <= w && long <= h;
        let smallest = TIERS.into_iter().filter(|&size| contains(size)).min_by_key(|(w, h)| w * h);
        prop_assert_eq!(Some((tier.width.into(), tier.height.into())), smallest);
        prop_assert!(steps <= tier.steps_max.into() && i64::from(tier.steps_max) - steps < 50);
    }

    #[test]
    fn a_charge_and_the_deferred_images_never_exceed_the_price(
        operation in any_operation(),
        balance in any_balance(),
    ) {
        let price = price(&operation);
        let charge = price.charge(balance);
        let deferred = Credits::new(0, 0, charge.deferred_images);
        prop_assert_eq!(charge.credits.checked_add(deferred), Some(price.credits()));
        // Whoever can pay the full price is charged it.
        if balance.covers(price.credits()) {
            prop_assert_eq!(charge.credits, price.credits());
        }
    }

    #[test]
    fn affordable_units_are_covered_and_one_more_is_not(
        prompts in 1..=99_i64,
        balance in any_balance(),
    ) {
        for of in [face_enhance as fn(i64) -> Operation, tune_images] {
            let affordable = price(&of(1)).affordable_units(balance);
            let affordable = affordable.expect("neither is free");
            let asked = u64::try_from(prompts)?;
            let covered = balance.covers(price(&of(prompts)).credits());
            prop_assert_eq!(covered, asked <= affordable);
        }
    }

    #[test]
    fn an_operation_round_trips_through_json(operation in any_operation()) {
        let json = serde_json::to_string(&operation)?;
        prop_assert_eq!(serde_json::from_str::<Operation>(&json)?, operation);
    }
}
