//! What can be bought: plans and packs.

use scrip_pricing::{CATALOG, Credits, Grant, Interval, Offer, Pack, Plan};

const fn plan(
    name: &'static str,
    allowance: u64,
    monthly_price: u64,
    annual_price: u64,
    extended_tune_storage: bool,
) -> Plan {
    Plan {
        name,
        allowance: Some(allowance),
        monthly_price: Some(monthly_price),
        annual_price: Some(annual_price),
        extended_tune_storage,
    }
}

const PLANS: [Plan; 4] = [
    plan("basic", 1000, 19_00, 192_00, false),
    plan("standard", 2500, 29_00, 294_00, true),
    plan("business", 6000, 39_00, 390_00, true),
    Plan {
        name: "custom",
        allowance: None,
        monthly_price: None,
        annual_price: None,
        extended_tune_storage: true,
    },
];

#[test]
fn version_and_currency() {
    assert_eq!(CATALOG.version(), "2026-11-01");
    assert_eq!(CATALOG.currency(), "usd");
}

#[test]
fn plans() {
    assert_eq!(CATALOG.plans(), PLANS);
    for plan in PLANS {
        assert_eq!(CATALOG.plan(plan.name), Some(&plan));
    }
    for unknown in ["", "Basic", "basic_monthly", "tune_pack"] {
        assert_eq!(CATALOG.plan(unknown), None, "{unknown}");
    }
}

#[test]
fn packs() {
    let expected = [
        Pack { sku: "tune_pack", credits: Credits::new(0, 1, 64) },
        Pack { sku: "avatar_pack", credits: Credits::new(0, 0, 104) },
    ];
    assert_eq!(CATALOG.packs(), expected);
}

#[test]
fn offers_are_listed_cheapest_first() {
    use Interval::{Month, Year};
    let of_plan = |sku, price, plan, interval, allowance| Offer {
        sku,
        price: Some(price),
        grant: Grant::Plan { plan, interval: Some(interval), allowance: Some(allowance) },
    };
    let of_pack = |sku, credits| Offer { sku, price: None, grant: Grant::Pack(credits) };
    let expected = [
        of_plan("basic_monthly", 19_00, "basic", Month, 1000),
        of_plan("standard_monthly", 29_00, "standard", Month, 2500),
        of_plan("business_monthly", 39_00, "business", Month, 6000),
        of_plan("basic_annual", 192_00, "basic", Year, 1000),
        of_plan("standard_annual", 294_00, "standard", Year, 2500),
        of_plan("business_annual", 390_00, "business", Year, 6000),
        of_pack("tune_pack", Credits::new(0, 1, 64)),
        of_pack("avatar_pack", Credits::new(0, 0, 104)),
    ];
    assert_eq!(CATALOG.offers(), expected);
    for offer in expected {
        assert_eq!(CATALOG.offer(offer.sku), Some(offer));
    }
}

#[test]
fn custom_is_sold_but_not_listed() {
    let grant = Grant::Plan { plan: "custom", interval: None, allowance: None };
    assert_eq!(CATALOG.offer("custom"), Some(Offer { sku: "custom", price: None, grant }));
    assert!(CATALOG.offers().iter().all(|offer| offer.sku != "custom"));
}

#[test]
fn no_other_name_is_a_sku() {
    for unknown in ["", "basic", "BASIC_MONTHLY", "custom_monthly", "basic_monthly ", "gold_pack"] {
        assert_eq!(CATALOG.offer(unknown), None, "{unknown:?}");
    }
}
