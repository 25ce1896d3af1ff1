//! How a history must end: once nothing goes wrong any more, everybody has an answer, the credits follow the
//! money, and every retry is told what the first was.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use chrono::{DateTime, Datelike, TimeZone, Utc};
use futures_util::FutureExt;
use scrip_tests::{stack::API_KEY, stripe::Generation};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    audit::{allowance, amounts, plain, sum},
    functions::{Asked, Function},
    memory::Sale,
    plan::Action,
    request::Request,
    scheduler::lock,
    world::World,
};

/// How often pending refunds are asked for again, a day apart: the provider repeats an answer for a day.
const SWEEPS_MAX: usize = 4;
/// How long a draft of the provider's lies, and then some.
const DRAFTED: Duration = Duration::from_mins(70);
/// A day of the provider's, and then some.
const DAY: Duration = Duration::from_hours(25);

impl World {
    /// What operators do in the end: parked events are applied, pending refunds asked for, the month's turn is
    /// made up for. All of it comes to rest before [`World::check_ending`].
    pub async fn tidy_up(self: &Arc<Self>) {
        self.calm_down();
        // What the provider drafted is collected.
        sleep(DRAFTED).await;
        self.bill();
        sleep(DRAFTED).await;
        self.replay_parked().await;
        for _ in 0..SWEEPS_MAX {
            if self.pending_refunds() == 0 {
                break;
            }
            sleep(DAY).await;
            self.sweep().await;
        }
        let now = self.now();
        let month = Utc.with_ymd_and_hms(now.year(), now.month(), 1, 0, 0, 0).single();
        let month = month.expect("a month's first moment");
        if !self.has_turned(month) {
            self.turn(month).await;
        }
    }

    /// Whether every account has made its turn of that month, as far as there was one to make.
    fn has_turned(&self, month: DateTime<Utc>) -> bool {
        let (audit, period) = (lock(&self.audit), month.format("%Y-%m").to_string());
        let heads = self.plan.accounts.iter().filter_map(|account| audit.book(account).head());
        heads.into_iter().all(|head| head.period == period)
    }

    async fn replay_parked(self: &Arc<Self>) {
        for item in self.engine.items().iter().map(plain) {
            if item["sk"] == "PARKED" {
                let request = Request::plain(
                    Function::Webhook,
                    "REPLAY parked-event",
                    json!({"event_id": item["event_id"]}).to_string(),
                );
                let made = request.made(self.now(), 0);
                self.invoke(Function::Webhook, Asked::Http(Box::new(made))).await;
            }
        }
    }

    fn pending_refunds(&self) -> usize {
        let items = self.engine.items();
        items.iter().map(plain).filter(|item| item["refund"]["status"] == "refund_pending").count()
    }

    /// Asks everything once more.
    pub async fn ask_again(self: &Arc<Self>) {
        let answered = lock(&self.memory).answered.clone();
        for ((_, _, key, _), (request, first)) in answered {
            let again = self.ask(&request).await;
            assert_eq!((again.status, again.is_replay), (201, true), "a retry is told something else: {key}");
            assert_eq!(again.body, first, "a retry is told something else: {key}");
        }
    }

    /// # Panics
    /// Where something is lost, doubled or left.
    pub fn check_ending(&self) {
        let items: Vec<_> = self.engine.items().iter().map(plain).collect();
        let of = |name: &str, value: &str| {
            let (name, value) = (name.to_owned(), value.to_owned());
            items.iter().filter(move |item| item[&name] == *value)
        };
        let parked = of("sk", "PARKED").next();
        let why = parked.map(|parked| (&parked["event_type"], &parked["reason"]));
        assert_eq!(why, None, "parked, and can't be applied");
        for (number, account) in self.plan.accounts.iter().enumerate() {
            let partition = format!("ACCOUNT#{account}");
            let kept: Vec<_> = of("pk", &partition).collect();
            self.check_entries(account, &kept, &items);
            let sales: Vec<_> =
                lock(&self.memory).sales.iter().filter(|sale| sale.account == number).cloned().collect();
            let gone: Vec<_> = sales.iter().map(|sale| self.check_sale(account, sale, &kept)).collect();
            let newest = sales.iter().zip(gone).rfind(|(sale, _)| sale.subscription.is_some());
            if let Some((sale, gone)) = newest {
                self.check_plan(account, sale, gone, &kept);
            }
        }
    }

    /// What lies in the table is what was seen being written, and every debit can be retried for ever.
    fn check_entries(&self, account: &str, kept: &[&Value], items: &[Value]) {
        let audit = lock(&self.audit);
        let book = audit.book(account);
        let mut entries: Vec<_> = kept
            .iter()
            .filter(|item| item["sk"].as_str().is_some_and(|sk| sk.starts_with("ENTRY#")))
            .collect();
        entries.sort_by_key(|item| item["sequence"].as_i64());
        let seen: Vec<_> = book.entries.iter().map(|(_, entry)| &entry.item).collect();
        assert_eq!(entries.iter().map(|item| **item).collect::<Vec<_>>(), seen, "the table of {account}");
        for (_, entry) in &book.entries {
            let kind = entry.kind.as_str();
            if ["debit", "reversal"].contains(&kind) {
                let pk = format!("OPERATION#{account}#{kind}#{}", entry.reference);
                let row = items.iter().find(|item| item["pk"] == pk);
                let row = row.unwrap_or_else(|| panic!("nothing makes a retry safe of {entry:?}"));
                assert_eq!(row["sequence"], entry.sequence, "{row} {entry:?}");
            }
        }
    }

    /// A purchase was granted once, and what is gone of its money is gone of its credits. How much is gone, in
    /// percent.
    fn check_sale(&self, account: &str, sale: &Sale, kept: &[&Value]) -> i64 {
        let key = format!("PURCHASE#{}", sale.purchase);
        let record = kept.iter().find(|item| item["sk"] == key);
        let record = record.unwrap_or_else(|| panic!("paid, and never granted: {sale:?}"));
        let (amount, refunded, disputed) = self.charged(&sale.charge);
        let gone = if disputed { amount } else { refunded };
        let audit = lock(&self.audit);
        let book = audit.book(account);
        let granted = book.entries.iter().map(|(_, entry)| entry);
        let granted = granted.filter(|entry| entry.kind == "purchase" && entry.reference == sale.purchase);
        let granted = granted.map(|entry| entry.credits).fold([0; 3], sum);
        assert_eq!(granted, amounts(&record["granted"]), "{sale:?} {record}");
        let is_refunded = record["refund"]["status"] == "refunded";
        assert_ne!(record["refund"]["status"], "refund_pending", "never confirmed: {sale:?} {record}");
        assert!(!is_refunded || refunded == amount, "no money went back: {sale:?} {record}");
        let pack = match sale.sku {
            "tune_pack" => [0, 1, 64],
            "avatar_pack" => [0, 0, 104],
            sku => {
                let (plan, bought) = (&record["payment"]["buys"]["plan"], sku.trim_end_matches("_monthly"));
                assert_eq!(plan["plan"], bought, "{sale:?} {record}");
                assert_eq!(plan["allowance"], allowance(&plan["plan"]), "{sale:?} {record}");
                return gone * 100 / amount;
            }
        };
        assert_eq!(granted, pack, "{sale:?}");
        let share = pack.map(|granted| granted * gone / amount);
        let taken = sum(amounts(&record["revoked"]), amounts(&record["spent"]));
        assert_eq!(taken, share, "{gone} of {amount} are gone: {sale:?} {record}");
        let moved = book.moved_by(&sale.purchase).fold([0; 3], sum);
        assert_eq!(moved, amounts(&record["revoked"]).map(|revoked| -revoked), "{sale:?} {record}");
        gone * 100 / amount
    }

    /// The plan is what the provider says, and the month has its allowance.
    fn check_plan(&self, account: &str, sale: &Sale, gone: i64, kept: &[&Value]) {
        let subscription = sale.subscription.as_deref().unwrap_or_default();
        let (_, provider) = self.provider_says(&format!("/v1/subscriptions/{subscription}"));
        let audit = lock(&self.audit);
        let head = audit.book(account).head().unwrap_or_else(|| panic!("never granted: {sale:?}"));
        let plan = &head.item["subscription"];
        let newest = provider["latest_invoice"].as_str().unwrap_or_default();
        let key = format!("PURCHASE#{newest}");
        let is_known = kept.iter().any(|item| item["sk"] == key);
        assert!(is_known || !self.is_paid(newest), "a renewal was paid, and never granted: {provider}");
        let is_canceled = provider["status"] == "canceled";
        let ended = !plan["ended_at"].is_null() || !plan["withdrawn_at"].is_null();
        if is_canceled {
            assert!(ended, "ended at the provider, and goes on: {provider} {head:?}");
            let is_wanted =
                self.plan.actions.iter().any(|timed| {
                    timed.action == Action::Cancel && self.plan.accounts[timed.account] == account
                });
            assert!(is_wanted || self.is_paid_back(&provider), "paid for, and ended: {provider} {head:?}");
        }
        if gone == 100 && newest == sale.purchase {
            assert!(ended, "its money is gone, and it goes on: {provider} {head:?}");
        }
        if provider["status"] == "active" && gone == 0 {
            let price = provider["items"]["data"][0]["price"]["lookup_key"].as_str().unwrap_or_default();
            assert_eq!(plan["plan"], price.trim_end_matches("_monthly"), "another plan: {provider} {head:?}");
            assert!(!ended, "goes on at the provider, and ended: {provider} {head:?}");
            assert_eq!(
                head.period,
                self.now().format("%Y-%m").to_string(),
                "the month never turned: {head:?}"
            );
            assert_eq!(head.item["granted"], allowance(&plan["plan"]), "not the month's allowance: {head:?}");
        }
    }

    fn is_paid(&self, invoice: &str) -> bool {
        self.provider_says(&format!("/v1/invoices/{invoice}")).1["status"] == "paid"
    }

    /// Whether the money of what a subscription was last charged is back, or never came.
    fn is_paid_back(&self, subscription: &Value) -> bool {
        let newest = subscription["latest_invoice"].as_str().unwrap_or_default();
        if !self.is_paid(newest) {
            return true;
        }
        let (_, paid) = self.provider_says(&format!("/v1/invoice_payments?invoice={newest}&status=paid"));
        let intent =
            paid["data"][0]["payment"]["payment_intent"].as_str().expect("what is paid is paid by something");
        let (_, intent) = self.provider_says(&format!("/v1/payment_intents/{intent}"));
        let (amount, refunded, _) = self.charged(intent["latest_charge"].as_str().unwrap_or_default());
        refunded == amount
    }

    /// What the provider's API shows.
    pub fn provider_says(&self, path: &str) -> (u16, Value) {
        let key = format!("Bearer {API_KEY}");
        let request = axum::extract::Request::get(path).header("authorization", &key);
        let request = request.header("stripe-version", Generation::Basil.api_version());
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.stripe.answer(request, &key).now_or_never().expect("it answers at once");
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).now_or_never();
        let body = body.expect("it is whole").expect("it is whole");
        (status, serde_json::from_slice(&body).expect("it is JSON"))
    }
}
