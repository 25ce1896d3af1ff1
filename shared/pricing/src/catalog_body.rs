//! The catalog as JSON, which is the body of `GET /v1/catalog`. Callers build price lists and sliders
//! on these field names, so they never change.

use serde::{Serialize, Serializer};

use crate::catalog::{Catalog, Grant, Interval, Offer, Pack, Plan};
use crate::rates::Rates;

impl Serialize for Catalog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = Body {
            catalog_version: self.version(),
            currency: self.currency(),
            plans: self.plans().iter().map(|plan| PlanBody::of(plan, self)).collect(),
            packs: self.packs(),
            rates: self.rates(),
        };
        body.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    catalog_version: &'a str,
    currency: &'a str,
    plans: Vec<PlanBody>,
    packs: &'a [Pack],
    rates: &'a Rates,
}

#[derive(Serialize)]
struct PlanBody {
    plan: &'static str,
    /// Null if support agrees on it with each account.
    playground_credits: Option<u64>,
    extended_tune_storage: bool,
    skus: Vec<SkuBody>,
}

impl PlanBody {
    fn of(plan: &Plan, catalog: &Catalog) -> Self {
        let listed = catalog.offers().iter().copied();
        Self {
            plan: plan.name,
            playground_credits: plan.allowance,
            extended_tune_storage: plan.extended_tune_storage,
            skus: listed.chain(plan.agreed_offer()).filter_map(|offer| SkuBody::of(offer, plan)).collect(),
        }
    }
}

#[derive(Serialize)]
struct SkuBody {
    sku: &'static str,
    /// Null, like the price, if support agrees on it with each account.
    interval: Option<Interval>,
    price: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_per_month: Option<u64>,
}

impl SkuBody {
    /// The body of an offer; `None` if it is not an offer of this plan.
    fn of(offer: Offer, of_plan: &Plan) -> Option<Self> {
        let Offer { sku, price, grant } = offer;
        let Grant::Plan { plan, interval, .. } = grant else {
            return None;
        };
        let price_per_month = match interval {
            Some(Interval::Year) => price.map(|price| price / 12),
            Some(Interval::Month) | None => None,
        };
        (plan == of_plan.name).then_some(Self { sku, interval, price, price_per_month })
    }
}
