//! What the tests share: a ledger in a table of its own whose requests can be made to meet faults, and the
//! commands as the functions give them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, Utc};
use scrip_accounts::{
    AccountId, CaptureRequest, Debit, DebitId, Decision, Hold, HoldId, PurchaseId, Reason, RefundId, Refusal,
    ReleaseRequest, Reversal, ReversalId, ReversalRequest, Settlement, SettlementRequest, SubscriptionId,
    facts::Facts, money_back, reconcile,
};
use scrip_ledger::{DebitStatus, Error, HoldStatus, Ledger, State, Subjects};
use scrip_pricing::Credits;
use serde_json::{Value, json};

use crate::{
    engine,
    facts::{money, outflow, plan, subjects},
    outcome::{Executed, applied, carried_out, name},
};
use scrip_test_support::{
    faults::{Fault, Faults},
    table,
};

/// A command's first put, before its entry.
pub const CLAIM: &str = "PutItem";
/// Its second put, or a further one: an entry by itself.
pub const APPEND: &str = "PutItem";
/// Several items at once: a command without a key, a reversal, a month's turn.
pub const WRITE: &str = "TransactWriteItems";
/// What a refusal stands on.
pub const CONFIRM: &str = "TransactGetItems";
/// A claim behind which much was read.
pub const RAISE: &str = "UpdateItem";
/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";
pub const NOW: &str = "2026-11-22T10:00:00Z";

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A ledger in a table of its own. Its requests meet the faults that the script has.
#[derive(Debug, Clone)]
pub struct World {
    pub ledger: Ledger,
    pub faults: Faults,
    /// Whose commands the functions below give.
    pub account: AccountId,
    pub client: Client,
    pub table: String,
}

impl World {
    /// An empty table.
    pub async fn empty() -> Self {
        let (faults, table) = (Faults::default(), engine::fresh_name());
        let client = engine::client(engine::endpoint());
        table::create(&client, &table).await.unwrap();
        let ledger = Ledger::new(&engine::config(engine::endpoint(), faults.http_client()), &table);
        Self { ledger, faults, account: AccountId::parse("alice").unwrap(), client, table }
    }

    /// An account with 1000 playground credits, bought on the 20th of November for a year.
    pub async fn new() -> Self {
        let world = Self::empty().await;
        let plan = plan("in_1", "sub_1", "2026-11-20T00:00:00Z", "2027-11-20T00:00:00Z");
        assert_eq!(name(&world.buy(&plan).await), ("appended", 1));
        world.faults.asked();
        let _ = world.ledger.take_usage();
        world
    }

    /// No table and no engine: nothing but the script answers.
    pub fn nowhere() -> Self {
        let (faults, account) = (Faults::default(), AccountId::parse("alice").unwrap());
        let client = engine::client(NOWHERE);
        let ledger = Ledger::new(&engine::config(NOWHERE, faults.http_client()), "nowhere");
        Self { ledger, faults, account, client, table: "nowhere".to_owned() }
    }

    /// The same table, past the faults: with a script of its own.
    pub fn plain(&self) -> Self {
        let faults = Faults::default();
        let ledger = Ledger::new(&engine::config(engine::endpoint(), faults.http_client()), &self.table);
        Self { ledger, faults, ..self.clone() }
    }

    /// The same table, another account.
    pub fn of(&self, account: &str) -> Self {
        Self { account: AccountId::parse(account).unwrap(), ..self.clone() }
    }

    /// Before a request passes, something else is done in the same table, past the faults.
    pub fn meanwhile<F>(&self, operation: &str, act: impl FnOnce(Self) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let world = self.plain();
        // Spawned: the fault's future must be shareable, and a ledger's are only sendable.
        let act = async move { tokio::spawn(act(world)).await.unwrap() };
        self.faults.next(operation, Fault::meanwhile(act));
    }

    /// The same before a later request of the operation: so many pass first.
    pub fn meanwhile_after<F>(
        &self,
        count: usize,
        operation: &str,
        act: impl FnOnce(Self) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        for _ in 0..count {
            self.faults.next(operation, Fault::None);
        }
        self.meanwhile(operation, act);
    }

    /// Before a debit's append passes, another debit is made: before each append that follows, the next one.
    pub fn debits_meanwhile(&self, debits: &[(&'static str, u64)]) {
        self.faults.next(CLAIM, Fault::None);
        for (key, images) in debits.iter().copied() {
            self.meanwhile(APPEND, async move |world| {
                assert_eq!(name(&world.take(key, images).await).0, "appended");
            });
        }
    }

    pub async fn take(&self, key: &str, images: u64) -> Result<Executed, Error> {
        self.take_at(key, images, NOW).await
    }

    /// Debits a credit for each image.
    pub async fn take_at(&self, key: &str, images: u64, now: &str) -> Result<Executed, Error> {
        carried_out(self.ledger.execute(&self.account, &upscale(key, images), time(now)).await)
    }

    /// Takes 1000 credits, in debits `all-0` to `all-9`.
    pub async fn take_all(&self) {
        for number in 0..10 {
            assert_eq!(name(&self.take(&format!("all-{number}"), 100).await).0, "appended");
        }
        self.faults.asked();
    }

    pub async fn reverse(&self, key: &str, debit_id: &str, credits: u64) -> Result<Executed, Error> {
        carried_out(self.ledger.execute(&self.account, &reversal(key, debit_id, credits), time(NOW)).await)
    }

    pub async fn hold(&self, key: &str, images: u64) -> Result<Executed, Error> {
        self.hold_at(key, images, NOW).await
    }

    /// Holds a credit for each image for a quarter of an hour.
    pub async fn hold_at(&self, key: &str, images: u64, now: &str) -> Result<Executed, Error> {
        carried_out(self.ledger.execute(&self.account, &hold(key, images), time(now)).await)
    }

    /// Captures so many images of a hold.
    pub async fn capture(&self, id: &str, images: u64) -> Result<Executed, Error> {
        self.settle_at(id, Some(images), NOW).await
    }

    pub async fn release(&self, id: &str) -> Result<Executed, Error> {
        self.settle_at(id, None, NOW).await
    }

    /// Captures so many images of a hold, or releases it.
    pub async fn settle_at(&self, id: &str, images: Option<u64>, now: &str) -> Result<Executed, Error> {
        carried_out(self.ledger.execute(&self.account, &settlement(id, images), time(now)).await)
    }

    /// A hold and its state.
    pub async fn held(&self, id: &str) -> Option<HoldStatus> {
        self.ledger.hold(&self.account, &HoldId::parse(id).unwrap()).await.unwrap()
    }

    /// A debit, and what came back of it.
    pub async fn debit(&self, id: &str) -> Option<DebitStatus> {
        self.ledger.debit(&self.account, &DebitId::parse(id).unwrap()).await.unwrap()
    }

    pub async fn turn_month(&self, moment: &str) -> Result<Executed, Error> {
        applied(self.ledger.turn_month(&self.account, time(moment)).await)
    }

    /// Applies what `decide` decides on a subscription and purchases.
    pub async fn apply(
        &self,
        subscription: Option<&SubscriptionId>,
        purchases: &[PurchaseId],
        now: &str,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<Executed, Error> {
        let subjects = Subjects { subscription, purchases };
        applied(self.ledger.apply(&self.account, subjects, time(now), decide).await)
    }

    /// Brings the account in line with what the provider shows, as of a moment.
    pub async fn reconcile_at(&self, facts: &Facts, now: &str) -> Result<Executed, Error> {
        let (subscription, purchases) = subjects(facts);
        let decide = |state: &State| reconcile::decide(&state.account, &state.records, facts, time(now));
        self.apply(subscription.as_ref(), &purchases, now, decide).await
    }

    pub async fn reconcile(&self, facts: &Facts) -> Result<Executed, Error> {
        self.reconcile_at(facts, NOW).await
    }

    /// The same without a write.
    pub async fn preview(&self, facts: &Facts) -> Result<Result<Decision, Refusal>, Error> {
        let (subscription, purchases) = subjects(facts);
        let subjects = Subjects { subscription: subscription.as_ref(), purchases: &purchases };
        let decide = |state: &State| reconcile::decide(&state.account, &state.records, facts, time(NOW));
        match self.ledger.preview(&self.account, subjects, time(NOW), decide).await {
            Err(Error::Refused { refusal, attempts: 1 }) => Ok(Err(*refusal)),
            decided => decided.map(Ok),
        }
    }

    /// Grants what was paid for, as of the last payment.
    pub async fn buy(&self, facts: &Facts) -> Result<Executed, Error> {
        let paid_at = facts.paid.iter().map(|paid| paid.paid_at).max().unwrap();
        self.reconcile_at(facts, &paid_at.time().to_rfc3339()).await
    }

    /// Adds a refund of 190 to those that are recorded of a purchase: a tenth of what a plan costs. Nothing if it is
    /// among them.
    pub async fn add_refund(
        &self,
        subscription: Option<&str>,
        purchase: &str,
        refund: &str,
    ) -> Result<Executed, Error> {
        let subscription = subscription.map(|id| SubscriptionId::parse(id).unwrap());
        let purchases = [PurchaseId::parse(purchase).unwrap()];
        let decide = |state: &State| {
            let mut outflows = state.records.purchases[0].outflows.clone();
            if !outflows.iter().any(|known| known.id.as_str() == refund) {
                outflows.push(outflow(refund, 190));
            }
            let facts = Facts { money: vec![money(purchase, outflows)], ..Facts::default() };
            reconcile::decide(&state.account, &state.records, &facts, time(NOW))
        };
        self.apply(subscription.as_ref(), &purchases, NOW, decide).await
    }

    /// Asks for a purchase's money back.
    pub async fn ask_back(&self, purchase: &str) -> Result<Executed, Error> {
        let reason = Reason::try_from("changed their mind".to_owned()).unwrap();
        self.change_purchase(purchase, |state, id| {
            money_back::request(&state.account, &state.records, id, Some(&reason), time(NOW))
        })
        .await
    }

    /// The provider sent the money back: all of what was paid.
    pub async fn sent_back(&self, purchase: &str) -> Result<Executed, Error> {
        let refund = format!("re_{purchase}");
        let refunds = [RefundId::parse(refund.as_str()).unwrap()];
        let money = money(purchase, vec![outflow(&refund, 1900)]);
        self.change_purchase(purchase, |state, _| {
            money_back::confirmed(&state.account, &state.records, &money, 0, &refunds, time(NOW))
        })
        .await
    }

    /// The provider declined to send the money back.
    pub async fn declined(&self, purchase: &str) -> Result<Executed, Error> {
        self.change_purchase(purchase, |state, id| {
            money_back::refused(&state.account, &state.records, id, 0, time(NOW))
        })
        .await
    }

    async fn change_purchase(
        &self,
        purchase: &str,
        decide: impl Fn(&State, &PurchaseId) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<Executed, Error> {
        let purchases = [PurchaseId::parse(purchase).unwrap()];
        let known = self.plain().ledger.purchase(&self.account, &purchases[0]).await.unwrap();
        let subscription = known.and_then(|known| known.subscription_id);
        self.apply(subscription.as_ref(), &purchases, NOW, |state| decide(state, &purchases[0])).await
    }

    /// The playground balance, once the history was checked: no gaps, and it adds up.
    pub async fn balance(&self) -> u64 {
        let page = self.plain().ledger.entries(&self.account, None, 100).await.unwrap();
        let mut balance = Credits::ZERO;
        for (index, entry) in page.entries.iter().rev().enumerate() {
            assert_eq!(entry.account.sequence.get(), index as u64 + 1);
            balance = entry.change.apply(balance).unwrap();
            assert_eq!(entry.account.balance, balance);
        }
        balance.playground()
    }

    /// Every item in the table, in the order of their keys.
    pub async fn items(&self) -> Vec<(String, Value)> {
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).send();
        let items = scan.await.unwrap().items.unwrap_or_default();
        let text = |value: &AttributeValue| value.as_s().unwrap().clone();
        let key = |item: &HashMap<_, _>| format!("{} {}", text(&item["pk"]), text(&item["sk"]));
        let item = |item| (key(&item), serde_dynamo::from_item(item).unwrap());
        let mut items: Vec<_> = items.into_iter().map(item).collect();
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        items
    }

    /// The keys of every item in the table, in order.
    pub async fn keys(&self) -> Vec<String> {
        self.items().await.into_iter().map(|(key, _)| key).collect()
    }

    /// An item as plain JSON, without its key; `null` where there is none.
    pub async fn row(&self, pk: &str, sk: &str) -> Value {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = get.key("pk", text(pk)).key("sk", text(sk)).send().await.unwrap();
        let Some(mut item) = answer.item else { return Value::Null };
        item.retain(|name, _| name != "pk" && name != "sk");
        serde_dynamo::from_item(item).unwrap()
    }

    /// The account's entries as a query answers them, newest first.
    pub async fn raw_entries(&self) -> Vec<Value> {
        let text = |value: String| AttributeValue::S(value);
        let query = self.client.query().table_name(&self.table).scan_index_forward(false);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :entry)");
        let query = query.expression_attribute_values(":pk", text(format!("ACCOUNT#{}", self.account)));
        let query = query.expression_attribute_values(":entry", text("ENTRY#".to_owned()));
        let items = query.send().await.unwrap().items.unwrap_or_default();
        items.iter().map(wire_item).collect()
    }
}

/// A debit of a credit for each image.
pub fn upscale(key: &str, images: u64) -> Debit {
    let request = serde_json::from_value(json!({"operation": "upscale", "factor": 2, "images": images}));
    Debit { id: DebitId::parse(key).unwrap(), request: request.unwrap() }
}

/// A hold of a credit for each image.
pub fn hold(key: &str, images: u64) -> Hold {
    let request = serde_json::from_value(json!({"operation": "upscale", "factor": 2, "images": images}));
    Hold { id: HoldId::parse(key).unwrap(), request: request.unwrap() }
}

/// The capture of so many images of a hold, or its release.
pub fn settlement(id: &str, images: Option<u64>) -> Settlement {
    let capture = |images| -> CaptureRequest { serde_json::from_value(json!({"images": images})).unwrap() };
    let release = SettlementRequest::Release(ReleaseRequest {});
    let request = images.map_or(release, |images| SettlementRequest::Capture(capture(images)));
    Settlement { hold_id: HoldId::parse(id).unwrap(), request }
}

/// A reversal of some credits of a debit.
pub fn reversal(key: &str, debit_id: &str, credits: u64) -> Reversal {
    let request = ReversalRequest { credits: Some(Credits::new(credits, 0, 0)), reason: None };
    let (id, debit_id) = (ReversalId::parse(key).unwrap(), DebitId::parse(debit_id).unwrap());
    Reversal { id, debit_id, request }
}

/// An item in DynamoDB's JSON.
pub fn wire_item(item: &HashMap<String, AttributeValue>) -> Value {
    item.iter().map(|(name, value)| (name.clone(), wire_value(value))).collect()
}

fn wire_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Bool(flag) => json!({"BOOL": flag}),
        AttributeValue::M(map) => json!({"M": wire_item(map)}),
        AttributeValue::L(list) => json!({"L": list.iter().map(wire_value).collect::<Vec<_>>()}),
        other => panic!("{other:?}"),
    }
}
