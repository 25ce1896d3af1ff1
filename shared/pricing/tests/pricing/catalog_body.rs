//! The body of `GET /v1/catalog`, whole.

use scrip_pricing::CATALOG;
use serde_json::{Value, json};

fn playground(credits: u64) -> Value {
    json!({"playground": credits, "tune": 0, "tune_image": 0})
}

fn tier(width: u64, height: u64, prices: [u64; 3]) -> Value {
    json!({"width": width, "height": height, "step_bands": [
        {"steps_max": 50, "credits_per_image": playground(prices[0])},
        {"steps_max": 100, "credits_per_image": playground(prices[1])},
        {"steps_max": 150, "credits_per_image": playground(prices[2])},
    ]})
}

fn plan(name: &str, playground: u64, extended_tune_storage: bool, prices: [u64; 3]) -> Value {
    let [monthly, annual, per_month] = prices;
    json!({
        "plan": name,
        "playground_credits": playground,
        "extended_tune_storage": extended_tune_storage,
        "skus": [
            {"sku": format!("{name}_monthly"), "interval": "month", "price": monthly},
            {
                "sku": format!("{name}_annual"), "interval": "year", "price": annual,
                "price_per_month": per_month,
            },
        ],
    })
}

#[test]
fn the_body_is_complete() -> Result<(), serde_json::Error> {
    let images = json!({"min": 1, "max": 100, "default": 1});
    let expected = json!({
        "catalog_version": CATALOG.version(),
        "currency": "usd",
        "plans": [
            plan("basic", 1000, false, [19_00, 192_00, 16_00]),
            plan("standard", 2500, true, [29_00, 294_00, 24_50]),
            plan("business", 6000, true, [39_00, 390_00, 32_50]),
            {
                "plan": "custom", "playground_credits": null, "extended_tune_storage": true,
                "skus": [{"sku": "custom", "interval": null, "price": null}],
            },
        ],
        "packs": [
            {"sku": "tune_pack", "credits": {"playground": 0, "tune": 1, "tune_image": 64}},
            {"sku": "avatar_pack", "credits": {"playground": 0, "tune": 0, "tune_image": 104}},
        ],
        "rates": {
            "text_to_image": {
                "side": {"min": 1, "max": 1024},
                "steps": {"min": 1, "max": 150, "default": 50},
                "images": images,
                "tiers": [
                    tier(512, 512, [1, 2, 4]),
                    tier(512, 768, [1, 2, 4]),
                    tier(512, 1024, [1, 2, 6]),
                    tier(768, 768, [1, 2, 6]),
                    tier(768, 1024, [1, 2, 8]),
                    tier(1024, 1024, [2, 4, 10]),
                ],
            },
            "upscale": {
                "factors": [
                    {"factor": 2, "credits_per_image": playground(1)},
                    {"factor": 4, "credits_per_image": playground(2)},
                ],
                "images": images,
            },
            "face_enhance": {"credits_per_image": playground(1), "images": images},
            "remove_background": {"credits_per_image": playground(1), "images": images},
            "download": {"credits": playground(0)},
            "train_tune": {
                "credits": {"playground": 0, "tune": 1, "tune_image": 0},
                "credits_per_prompt": {"playground": 0, "tune": 0, "tune_image": 8},
                "prompts": {"min": 0, "max": 8, "default": 8},
            },
            "tune_images": {
                "credits_per_prompt": {"playground": 0, "tune": 0, "tune_image": 8},
                "prompts": {"min": 1, "max": 100},
            },
        },
    });
    assert_eq!(serde_json::to_value(&CATALOG)?, expected);
    Ok(())
}
