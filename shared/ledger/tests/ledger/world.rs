//! What the tests share: a ledger in a table of its own whose requests can be made to meet faults, and the
//! commands as the functions give them.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, Utc};
use credits::{
    AccountId, Buys, CustomerId, Debit, DebitId, Payment, PaymentId, PurchaseId, Reason, Reversal,
    ReversalId, Status, StatusChange, SubscriptionId, debit, purchase, reversal, status, withdrawal,
};
use ledger::{Error, Executed, Ledger, Operation, Outcome, Related, RequestHash, State};
use pricing::Credits;
use serde_json::{Value, json};

use crate::{
    engine,
    faults::{Fault, Faults},
    table,
};

pub const WRITE: &str = "TransactWriteItems";
pub const CONFIRM: &str = "TransactGetItems";
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
    client: Client,
    table: String,
}

impl World {
    /// An empty table.
    pub async fn empty() -> Self {
        let (faults, table) = (Faults::default(), engine::fresh_name());
        let client = Client::from_conf(engine::config(engine::endpoint()).build());
        table::create(&client, &table).await.unwrap();
        let ledger = Ledger::new(&engine::aws(engine::endpoint(), faults.connector()), &table);
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
        let client = Client::from_conf(engine::config(NOWHERE).build());
        let ledger = Ledger::new(&engine::aws(NOWHERE, faults.connector()), "nowhere");
        Self { ledger, faults, account, client, table: "nowhere".to_owned() }
    }

    /// The same table, past the faults.
    pub fn plain(&self) -> Self {
        let connector = Faults::default().connector();
        let ledger = Ledger::new(&engine::aws(engine::endpoint(), connector), &self.table);
        Self { ledger, faults: Faults::default(), ..self.clone() }
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

    /// Before the next write passes, somebody else's debit is made.
    pub fn debit_meanwhile(&self, key: &'static str, images: u64) {
        self.meanwhile(WRITE, async move |world| {
            assert_eq!(name(&world.take(key, images).await).0, "appended");
        });
    }

    pub async fn take(&self, key: &str, images: u64) -> Result<Executed, Error> {
        self.take_at(key, images, NOW).await
    }

    /// Debits a credit for each image.
    pub async fn take_at(&self, key: &str, images: u64, now: &str) -> Result<Executed, Error> {
        let (id, now) = (DebitId::parse(key).unwrap(), time(now));
        let debit: Debit =
            serde_json::from_value(json!({"operation": "upscale", "factor": 2, "images": images})).unwrap();
        let identity = (&Operation::Debit(id.clone()), &RequestHash::of(&debit).unwrap());
        let decide = |state: &State| debit::decide(&state.account, &id, &debit, now);
        self.ledger.execute(&self.account, identity, Related::Nothing, now, decide).await
    }

    /// Takes 1000 credits, in debits `all-0` to `all-9`.
    pub async fn take_all(&self) {
        for number in 0..10 {
            assert_eq!(name(&self.take(&format!("all-{number}"), 100).await).0, "appended");
        }
        self.faults.asked();
    }

    pub async fn reverse(&self, key: &str, debit_id: &str, credits: u64) -> Result<Executed, Error> {
        let (id, debit_id) = (ReversalId::parse(key).unwrap(), DebitId::parse(debit_id).unwrap());
        let reversal = Reversal { credits: Some(Credits::new(credits, 0, 0)), reason: None };
        let identity = (&Operation::Reversal(id.clone()), &RequestHash::of(&(&debit_id, &reversal)).unwrap());
        let decide = |state: &State| {
            reversal::decide(&state.account, &id, &debit_id, state.debit.as_ref(), &reversal, time(NOW))
        };
        self.ledger.execute(&self.account, identity, Related::Debit(&debit_id), time(NOW), decide).await
    }

    /// Grants what was paid for, as of then.
    pub async fn buy(&self, payment: &Payment) -> Result<Executed, Error> {
        let now = payment.paid_at;
        let identity = (&Operation::Purchase(payment.id.clone()), &RequestHash::of(payment).unwrap());
        let decide = |state: &State| purchase::decide(&state.account, state.standing.as_ref(), payment, now);
        self.ledger.execute(&self.account, identity, Related::to_payment(payment), now, decide).await
    }

    /// A word on a subscription.
    pub async fn say(&self, subscription: &str, status: Status) -> Result<Executed, Error> {
        let subscription_id = SubscriptionId::parse(subscription).unwrap();
        let change = StatusChange { subscription_id, at: time(NOW), status, terms: None };
        let related = Related::Subscription(&change.subscription_id);
        let decide =
            |state: &State| status::decide(&state.account, state.standing.as_ref(), &change, time(NOW));
        self.ledger.apply(&self.account, related, time(NOW), decide).await
    }

    /// Asks for a purchase's money back.
    pub async fn ask_back(&self, purchase: &str) -> Result<Executed, Error> {
        let id = PurchaseId::parse(purchase).unwrap();
        let reason = Reason::try_from("changed their mind".to_owned()).unwrap();
        let decide = |state: &State| {
            withdrawal::request(&state.account, state.purchase.as_ref(), Some(&reason), time(NOW))
        };
        self.ledger.apply(&self.account, Related::Purchase(&id), time(NOW), decide).await
    }

    /// The money is back.
    pub async fn sent_back(&self, purchase: &str) -> Result<Executed, Error> {
        let id = PurchaseId::parse(purchase).unwrap();
        let decide = |state: &State| withdrawal::confirmed(state.purchase.as_ref(), 0, None);
        self.ledger.apply(&self.account, Related::Purchase(&id), time(NOW), decide).await
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

    /// The keys of every item in the table, in order.
    pub async fn keys(&self) -> Vec<String> {
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).send();
        let items = scan.await.unwrap().items.unwrap_or_default();
        let text = |value: &AttributeValue| value.as_s().unwrap().clone();
        let mut keys: Vec<_> =
            items.iter().map(|item| format!("{} {}", text(&item["pk"]), text(&item["sk"]))).collect();
        keys.sort();
        keys
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

/// A payment for the basic plan, 1000 credits a month.
pub fn plan(id: &str, subscription: &str, paid_at: &str, paid_until: &str) -> Payment {
    Payment {
        buys: Buys::Plan {
            subscription_id: SubscriptionId::parse(subscription).unwrap(),
            plan: "basic".to_owned(),
            allowance: 1000,
            paid_until: time(paid_until),
        },
        paid_at: time(paid_at),
        ..pack(id)
    }
}

/// A payment for a pack: one Tune, 64 images. It is named after the purchase, and so is nobody's.
pub fn pack(id: &str) -> Payment {
    Payment {
        id: PurchaseId::parse(id).unwrap(),
        sku: "sku".to_owned(),
        amount: 1900,
        currency: "usd".to_owned(),
        paid_at: time("2026-11-20T00:00:00Z"),
        invoiced_at: None,
        payment_id: Some(PaymentId::parse(format!("pay-{id}")).unwrap()),
        customer_id: Some(CustomerId::parse("cus_1").unwrap()),
        buys: Buys::Pack(Credits::new(0, 1, 64)),
    }
}

/// What came of a command, and at which attempt.
pub fn name(executed: &Result<Executed, Error>) -> (&'static str, u32) {
    match executed {
        Ok(Executed { outcome, attempts }) => (
            match outcome {
                Outcome::Appended(_) => "appended",
                Outcome::Replayed(_) => "replayed",
                Outcome::Recorded => "recorded",
                Outcome::Unchanged(_) => "unchanged",
                Outcome::Refused(_) => "refused",
            },
            *attempts,
        ),
        Err(Error::KeyReused) => ("key reused", 1),
        Err(Error::TryAgain { attempts, .. }) => ("try again", *attempts),
        Err(Error::Internal { .. }) => ("internal", 1),
    }
}

/// An item in DynamoDB's JSON.
fn wire_item(item: &std::collections::HashMap<String, AttributeValue>) -> Value {
    item.iter().map(|(name, value)| (name.clone(), wire_value(value))).collect()
}

fn wire_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::M(map) => json!({"M": wire_item(map)}),
        other => panic!("{other:?}"),
    }
}
