//! What the cases are made of: commands and the moments of November and December at which they come.

use chrono::{DateTime, Utc};
use credits::{Buys, Debit, DebitId, Payment, PurchaseId, Status, StatusChange, SubscriptionId, Word};
use pricing::Credits;

use crate::{
    table::Who,
    task::{Command, Task},
};

pub const NOVEMBER: &str = "2026-11-20T00:00:00Z";
pub const RENEWED: &str = "2026-12-18T00:00:00Z";
pub const DECEMBER: &str = "2026-12-01T00:00:01Z";

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub fn task(name: &'static str, account: Who, now: &str, command: Command) -> Task {
    Task::new(name, account, time(now), command)
}

pub fn debit(key: &str, operation: &str) -> Command {
    let id = DebitId::parse(key).expect("an id");
    let body: Debit = serde_json::from_str(operation).expect("a debit");
    Command::Debit(id, body)
}

/// Takes 8 images of a Tune.
pub const ONE: &str = r#"{"operation":"tune_images","prompts":1}"#;
/// Takes 16.
pub const TWO: &str = r#"{"operation":"tune_images","prompts":2}"#;
/// Takes 1000 playground credits: the whole allowance of the basic plan.
pub const ALL: &str = r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":100}"#;
/// Takes 1.
pub const LITTLE: &str = r#"{"operation":"face_enhance"}"#;

pub fn payment(id: &str, paid_at: &str, buys: Buys) -> Command {
    Command::Paid(Payment {
        id: PurchaseId::parse(id).expect("an id"),
        sku: "sku".to_owned(),
        amount: 1000,
        currency: "usd".to_owned(),
        paid_at: time(paid_at),
        invoiced_at: None,
        payment_id: None,
        customer_id: None,
        buys,
    })
}

pub fn pack(id: &str, tune_images: u64) -> Command {
    payment(id, NOVEMBER, Buys::Pack(Credits::new(0, 0, tune_images)))
}

pub fn subscription() -> SubscriptionId {
    SubscriptionId::parse("sub").expect("an id")
}

pub fn plan(id: &str, paid_at: &str, paid_until: &str) -> Command {
    let plan = Buys::Plan {
        subscription_id: subscription(),
        plan: "basic".to_owned(),
        allowance: 1000,
        paid_until: time(paid_until),
    };
    payment(id, paid_at, plan)
}

pub fn status(status: Status, at: &str) -> Command {
    Command::Status(StatusChange { subscription_id: subscription(), at: time(at), status, terms: None })
}

pub fn refund(purchase: &str) -> Command {
    Command::Refund(PurchaseId::parse(purchase).expect("an id"))
}

pub fn money(purchase: &str, word: Word, at: &str) -> Command {
    Command::Money(PurchaseId::parse(purchase).expect("an id"), word, time(at))
}
