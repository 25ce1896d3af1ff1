//! What work costs (docs/rules.md, Work), and both sides of each boundary.

use scrip_pricing::{Credits, IfShort, Operation, Tier};

use crate::{
    face_enhance, playground, price, refusal, remove_background, text_to_image, train_tune, tune_images,
    upscale,
};

#[test]
fn text_to_image_in_every_tier_and_band_either_way_round() {
    // Short side, long side; credits per image for 1–50, 51–100 and 101–150 steps.
    let table = [
        (512, 512, [1, 2, 4]),
        (512, 768, [1, 2, 4]),
        (512, 1024, [1, 2, 6]),
        (768, 768, [1, 2, 6]),
        (768, 1024, [1, 2, 8]),
        (1024, 1024, [2, 4, 10]),
    ];
    let bands = [([1, 50], 50), ([51, 100], 100), ([101, 150], 150)];
    for (short, long, prices) in table {
        for ((both_ends, steps_max), credits) in bands.into_iter().zip(prices) {
            for steps in both_ends {
                for (width, height) in [(short, long), (long, short)] {
                    let price = price(&text_to_image(width.into(), height.into(), steps, 1));
                    assert_eq!(price.credits(), playground(credits), "{width} × {height}, {steps} steps");
                    let tier = Tier { width: short, height: long, steps_max };
                    assert_eq!(price.tier(), Some(tier), "{width} × {height}, {steps} steps");
                }
            }
        }
    }
}

#[test]
fn a_size_between_tiers_costs_as_the_smallest_that_contains_it() {
    let table = [
        ((600, 600), (768, 768)),
        ((640, 900), (768, 1024)),
        ((900, 640), (768, 1024)),
        ((300, 300), (512, 512)),
        ((1, 1), (512, 512)),
        ((512, 513), (512, 768)),
        ((513, 513), (768, 768)),
        ((512, 768), (512, 768)),
        ((512, 769), (512, 1024)),
        ((1, 1024), (512, 1024)),
        ((513, 769), (768, 1024)),
        ((768, 769), (768, 1024)),
        ((769, 769), (1024, 1024)),
        ((1024, 769), (1024, 1024)),
    ];
    for ((width, height), expected) in table {
        let tier = price(&text_to_image(width, height, 50, 1)).tier();
        let tier = tier.map(|tier| (tier.width, tier.height));
        assert_eq!(tier, Some(expected), "{width} × {height}");
    }
}

#[test]
fn images_multiply_the_price() {
    let table = [
        (text_to_image(768, 512, 80, 2), playground(4)),
        (text_to_image(1024, 1024, 150, 1), playground(10)),
        (text_to_image(1024, 1024, 150, 100), playground(1000)),
        (upscale(2, 1), playground(1)),
        (upscale(4, 1), playground(2)),
        (upscale(2, 100), playground(100)),
        (upscale(4, 100), playground(200)),
        (face_enhance(1), playground(1)),
        (face_enhance(100), playground(100)),
        (remove_background(1), playground(1)),
        (remove_background(100), playground(100)),
    ];
    for (operation, credits) in table {
        assert_eq!(price(&operation).credits(), credits, "{operation:?}");
    }
}

#[test]
fn tune_work() {
    let table = [
        (train_tune(0, IfShort::Defer), Credits::new(0, 1, 0)),
        (train_tune(1, IfShort::Defer), Credits::new(0, 1, 8)),
        (train_tune(8, IfShort::Defer), Credits::new(0, 1, 64)),
        (train_tune(8, IfShort::Refuse), Credits::new(0, 1, 64)),
        (tune_images(1), Credits::new(0, 0, 8)),
        (tune_images(13), Credits::new(0, 0, 104)),
        (tune_images(100), Credits::new(0, 0, 800)),
    ];
    for (operation, credits) in table {
        assert_eq!(price(&operation).credits(), credits, "{operation:?}");
    }
}

#[test]
fn a_download_is_free() {
    assert_eq!(price(&Operation::Download {}).credits(), Credits::ZERO);
}

#[test]
fn only_text_to_image_has_a_tier() {
    for operation in [
        upscale(2, 1),
        face_enhance(1),
        remove_background(1),
        Operation::Download {},
        train_tune(8, IfShort::Defer),
        tune_images(1),
    ] {
        assert_eq!(price(&operation).tier(), None, "{operation:?}");
    }
}

#[test]
fn a_value_outside_its_range_is_refused_with_the_range() {
    let table = [
        (text_to_image(512, 512, 151, 1), "steps must be 1 to 150; you sent 151"),
        (text_to_image(512, 512, 0, 1), "steps must be 1 to 150; you sent 0"),
        (text_to_image(512, 512, -1, 1), "steps must be 1 to 150; you sent -1"),
        (text_to_image(1025, 512, 50, 1), "width must be 1 to 1024; you sent 1025"),
        (text_to_image(512, 1025, 50, 1), "height must be 1 to 1024; you sent 1025"),
        (text_to_image(0, 512, 50, 1), "width must be 1 to 1024; you sent 0"),
        (text_to_image(512, 0, 50, 1), "height must be 1 to 1024; you sent 0"),
        (text_to_image(512, -512, 50, 1), "height must be 1 to 1024; you sent -512"),
        (text_to_image(512, 512, 50, 0), "images must be 1 to 100; you sent 0"),
        (text_to_image(512, 512, 50, 101), "images must be 1 to 100; you sent 101"),
        (text_to_image(512, 512, 50, -1), "images must be 1 to 100; you sent -1"),
        (upscale(1, 1), "factor must be 2 or 4; you sent 1"),
        (upscale(3, 1), "factor must be 2 or 4; you sent 3"),
        (upscale(0, 1), "factor must be 2 or 4; you sent 0"),
        (upscale(-2, 1), "factor must be 2 or 4; you sent -2"),
        (upscale(2, 0), "images must be 1 to 100; you sent 0"),
        (upscale(2, 101), "images must be 1 to 100; you sent 101"),
        (face_enhance(0), "images must be 1 to 100; you sent 0"),
        (face_enhance(101), "images must be 1 to 100; you sent 101"),
        (remove_background(0), "images must be 1 to 100; you sent 0"),
        (remove_background(101), "images must be 1 to 100; you sent 101"),
        (train_tune(-1, IfShort::Defer), "prompts must be 0 to 8; you sent -1"),
        (train_tune(9, IfShort::Defer), "prompts must be 0 to 8; you sent 9"),
        (train_tune(8, IfShort::Unsupported), "if_short must be \"defer\" or \"refuse\""),
        (tune_images(0), "prompts must be 1 to 100; you sent 0"),
        (tune_images(101), "prompts must be 1 to 100; you sent 101"),
        // At the ends of i64 it may be another number that was sent.
        (text_to_image(i64::MAX, i64::MIN, 50, 1), "width must be 1 to 1024"),
        (text_to_image(512, i64::MIN, 50, 1), "height must be 1 to 1024"),
        (text_to_image(512, 512, i64::MAX - 1, 1), "steps must be 1 to 150; you sent 9223372036854775806"),
        (text_to_image(512, 512, i64::MIN + 1, 1), "steps must be 1 to 150; you sent -9223372036854775807"),
        (upscale(i64::MAX, 1), "factor must be 2 or 4"),
        (upscale(i64::MIN, 1), "factor must be 2 or 4"),
        (face_enhance(i64::MAX), "images must be 1 to 100"),
        (train_tune(i64::MIN, IfShort::Defer), "prompts must be 0 to 8"),
        (tune_images(i64::MAX), "prompts must be 1 to 100"),
    ];
    for (operation, detail) in table {
        assert_eq!(refusal(&operation), detail, "{operation:?}");
    }
}
