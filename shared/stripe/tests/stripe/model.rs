//! The client over HTTP against the model of Stripe (`tests/stripe`): whole situations of a shop, read into facts, and
//! how many calls that takes.

use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::{OutflowKind, PaymentId, PurchaseId};
use scrip_pricing::Credits;
use scrip_stripe::{
    Api, Client, ConfiguredPrices, Error,
    facts::{self, PaymentContents, PriceSources, Prices},
    objects::Invoice,
};
use scrip_stripe_model::{
    CartSpec, Change, DisputeSpec, Generation, ItemChange, PriceSpec, Receipt, Stripe, server,
};
use tokio::time::Instant;

const KEY: &str = "rk_test_local";

fn start() -> DateTime<Utc> {
    "2026-11-03T09:00:00Z".parse().unwrap()
}

/// A shop at Stripe, and the client that asks it.
struct Shop {
    stripe: Stripe,
    client: Client,
    configured: ConfiguredPrices,
    basic: String,
    standard: String,
    business: String,
    tune: String,
    avatar: String,
    _server: server::Server,
}

impl Shop {
    async fn open() -> Self {
        // The account's own version is an old one: the client asks for the one that it is written for.
        let stripe = Stripe::new("shop", Generation::Acacia, start());
        let price = |spec: PriceSpec| stripe.add_price(&spec);
        let [basic, standard, business] = [1900, 2900, 3900].map(|cents| price(PriceSpec::monthly(cents)));
        let [tune, avatar] = [900, 1500].map(|cents| price(PriceSpec::once(cents)));
        let configured = serde_json::json!({
            basic.as_str(): "basic_monthly", standard.as_str(): "standard_monthly",
            business.as_str(): "business_monthly", tune.as_str(): "tune_pack", avatar.as_str(): "avatar_pack",
        });
        let server = stripe.serve(server::loopback(0).await.unwrap(), KEY).unwrap();
        let client = Client::new(&format!("http://{}", server.address()));
        let configured = configured.to_string().parse().unwrap();
        Self { stripe, client, configured, basic, standard, business, tune, avatar, _server: server }
    }

    fn api(&self) -> Api<'_> {
        self.client.api(KEY, Instant::now() + std::time::Duration::from_mins(1))
    }

    fn sources<'a>(&'a self, prices: &'a Prices) -> PriceSources<'a> {
        PriceSources { configured: &self.configured, prices }
    }

    fn subscribe(&self, items: &[(&str, i64)]) -> Receipt {
        self.stripe.checkout(&CartSpec::subscription("alice", items).naming("alice"))
    }

    fn change(&self, subscription: &str, price: &str, change: fn(Vec<ItemChange>) -> Change) -> Receipt {
        let (item, ..) = self.stripe.items(subscription).remove(0);
        let item = ItemChange::Set { item, price: price.to_owned(), quantity: 1 };
        self.stripe.change(subscription, &change(vec![item]))
    }

    /// The paid invoices of a subscription as facts, oldest first.
    async fn paid(&self, subscription: &str) -> Vec<PaymentContents> {
        let api = self.api();
        let shown = api.subscription(subscription).await.unwrap();
        let mut invoices = api.paid_invoices_of_subscription(subscription, |_| false).await.unwrap();
        invoices.sort_by_key(|invoice: &Invoice| invoice.created);
        let prices = Prices::new();
        let sources = self.sources(&prices);
        invoices.iter().filter_map(|invoice| facts::invoice(invoice, Some(&shown), sources)).collect()
    }
}

/// One call shows the invoices and the subscription, which is the same as by itself.
#[tokio::test]
async fn the_list_of_invoices_shows_the_subscription() {
    let shop = Shop::open().await;
    let subscription = shop.subscribe(&[(&shop.basic, 1), (&shop.tune, 2)]).subscription.unwrap();
    let api = shop.api();
    let invoices = api.paid_invoices_of_subscription(&subscription, |_| false).await.unwrap();
    assert_eq!((invoices.len(), api.calls()), (1, 1));
    let shown = invoices[0].subscription().unwrap().subscription.as_ref().unwrap().object().unwrap();
    let alone = api.subscription(&subscription).await.unwrap();
    assert!(facts::is_shown_whole(shown, &shop.configured));
    let prices = Prices::new();
    let read = |subscription| facts::subscription(subscription, Vec::new(), shop.sources(&prices)).unwrap();
    assert_eq!(read(shown), read(&alone));
    // The products are shown by the subscription alone.
    let unknown = scrip_stripe::ConfiguredPrices::default();
    assert!(!facts::is_shown_whole(shown, &unknown));
}

/// Cases 1 and 2, in one call each.
#[tokio::test]
async fn a_sessions_line_items_and_charge_are_read_in_one_call() {
    let shop = Shop::open().await;
    let c = Credits::new;
    for (items, credits) in [
        (vec![(shop.tune.as_str(), 3)], vec![c(0, 3, 192)]),
        (vec![(shop.tune.as_str(), 2), (shop.avatar.as_str(), 1)], vec![c(0, 2, 128), c(0, 0, 104)]),
    ] {
        let bought = shop.stripe.checkout(&CartSpec::payment("alice", &items).referring("alice"));
        let api = shop.api();
        let session = api.session(&bought.session.unwrap()).await.unwrap();
        assert_eq!(api.calls(), 1);
        assert_eq!(session.client_reference_id.as_deref(), Some("alice"));
        let charge =
            session.payment_intent.as_ref().unwrap().object().unwrap().latest_charge.as_ref().unwrap();
        assert!(charge.object().is_some_and(|charge| !charge.disputed));
        let prices = Prices::new();
        let paid = facts::session(&session, shop.sources(&prices)).unwrap();
        let lines: Vec<_> = paid.facts.packs.iter().map(|line| line.credits).collect();
        assert_eq!((lines, paid.ungranted), (credits, Vec::new()));
        assert_eq!(paid.facts.purchase_id.as_str(), bought.payment_intent.unwrap());
    }
}

/// Cases 3 and 4.
#[tokio::test]
async fn a_first_invoice_has_the_plans_quantity_and_the_pack_beside_it() {
    let shop = Shop::open().await;
    for (items, allowance, packs) in [
        (vec![(shop.basic.as_str(), 3)], 3000, vec![]),
        (vec![(shop.basic.as_str(), 1), (shop.tune.as_str(), 1)], 1000, vec![Credits::new(0, 1, 64)]),
        (vec![(shop.tune.as_str(), 1), (shop.basic.as_str(), 1)], 1000, vec![Credits::new(0, 1, 64)]),
    ] {
        let bought = shop.subscribe(&items);
        let paid = shop.paid(&bought.subscription.unwrap()).await;
        let [paid] = &paid[..] else { panic!("{paid:?}") };
        assert_eq!(paid.facts.purchase_id.as_str(), bought.invoice.unwrap());
        assert_eq!(paid.facts.payment_ids[0].as_str(), bought.payment_intent.unwrap());
        let plan = paid.facts.plan.as_ref().unwrap();
        assert_eq!((plan.terms.allowance, plan.is_change), (allowance, false));
        let given: Vec<_> = paid.facts.packs.iter().map(|line| line.credits).collect();
        assert_eq!(given, packs);
    }
}

/// Case 5: standard without an invoice, two days later business with one.
#[tokio::test]
async fn pending_prorations_come_with_the_change_that_is_invoiced() {
    let shop = Shop::open().await;
    let id = shop.subscribe(&[(&shop.basic, 1)]).subscription.unwrap();
    let end = shop.stripe.period_end(&id);
    shop.change(&id, &shop.standard, Change::prorated);
    shop.stripe.advance(TimeDelta::days(2));
    shop.change(&id, &shop.business, Change::invoiced);
    let paid = shop.paid(&id).await;
    let plans: Vec<_> = paid.iter().map(|paid| paid.facts.plan.clone().unwrap()).collect();
    let found: Vec<_> =
        plans.iter().map(|plan| (plan.terms.plan.as_str(), plan.is_change, plan.paid_until.time())).collect();
    assert_eq!(found, [("basic", false, end), ("business", true, end)]);
}

/// Case 18: a renewal after many changes has more lines than an invoice shows.
#[tokio::test]
async fn a_renewal_with_many_lines_is_read_whole() {
    let shop = Shop::open().await;
    let id = shop.subscribe(&[(&shop.basic, 1)]).subscription.unwrap();
    for price in [&shop.standard, &shop.basic, &shop.standard, &shop.basic, &shop.standard, &shop.basic] {
        shop.stripe.advance(TimeDelta::days(1));
        shop.change(&id, price, Change::prorated);
    }
    let _ = shop.stripe.renew(&id);
    let paid = shop.paid(&id).await;
    let renewal = paid.last().unwrap().facts.plan.as_ref().unwrap();
    assert_eq!(renewal.terms.plan, "basic");
    assert_eq!((renewal.paid_until.time(), renewal.is_change), (shop.stripe.period_end(&id), false));
}

/// Cases 13 to 17.
#[tokio::test]
async fn refunds_and_disputes_are_read_by_their_payment_in_two_calls() {
    let shop = Shop::open().await;
    let buy =
        || shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.tune, 1)])).payment_intent.unwrap();
    let money = async |payment: &str| {
        let api = shop.api();
        let ids = (PurchaseId::parse(payment).unwrap(), [PaymentId::parse(payment).unwrap()]);
        let money = api.money(&ids.0, &ids.1).await.unwrap();
        assert_eq!(api.calls(), 2);
        money.outflows.iter().map(|outflow| (outflow.kind, outflow.amount)).collect::<Vec<_>>()
    };
    let payment = buy();
    assert_eq!(money(&payment).await, []);
    let (refund, _) = shop.stripe.refund_in_dashboard(&payment, Some(300)).unwrap();
    assert_eq!(money(&payment).await, [(OutflowKind::Refund, 300)]);
    let _ = shop.stripe.fail_refund(&refund);
    assert_eq!(money(&payment).await, []);
    let (dispute, _) =
        shop.stripe.dispute_with(&payment, DisputeSpec { amount: Some(250), ..DisputeSpec::default() });
    assert_eq!(money(&payment).await, [(OutflowKind::Dispute, 250)]);
    let _ = shop.stripe.win_dispute(&dispute);
    assert_eq!(money(&payment).await, []);
    let inquired = buy();
    let _ = shop.stripe.dispute_with(&inquired, DisputeSpec { inquiry: true, ..DisputeSpec::default() });
    assert_eq!(money(&inquired).await, []);
}

#[tokio::test]
async fn what_made_a_payment_or_a_subscription_is_found() {
    let shop = Shop::open().await;
    let pack = shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.tune, 1)]).referring("alice"));
    let plan = shop.stripe.checkout(&CartSpec::subscription("bob", &[(&shop.basic, 1)]).referring("bob"));
    let api = shop.api();
    let of_pack = api.session_of_payment(&pack.payment_intent.clone().unwrap()).await.unwrap();
    assert_eq!(of_pack.map(|session| session.id), pack.session);
    let of_plan = api.session_of_subscription(&plan.subscription.clone().unwrap()).await.unwrap().unwrap();
    assert_eq!((Some(of_plan.id), of_plan.client_reference_id.as_deref()), (plan.session, Some("bob")));
    let invoice = api.invoice_of_payment(&plan.payment_intent.unwrap()).await.unwrap();
    assert_eq!(invoice.map(|invoice| invoice.id().to_owned()), plan.invoice);
    assert_eq!(api.invoice_of_payment(&pack.payment_intent.unwrap()).await.unwrap(), None);
    let missing = api.subscription("sub_none").await;
    assert!(matches!(missing, Err(Error::Missing)), "{missing:?}");
}

/// Case 30: what was not delivered is listed.
#[tokio::test]
async fn undelivered_events_are_listed() {
    let shop = Shop::open().await;
    let bought = shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.tune, 1)]));
    for event in &bought.events {
        if event.kind() != "checkout.session.completed" {
            shop.stripe.mark_delivered(event.id());
        }
    }
    let missed = shop.api().undelivered_events(start() - TimeDelta::days(7)).await.unwrap();
    let kinds: Vec<_> = missed.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["checkout.session.completed"]);
    assert_eq!(missed[0].object.id, bought.session);
}
