//! What the cases are made of: commands, payments, and the moments of November and December at which they come.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scrip_accounts::{
    Adjustment, AdjustmentId, CallerId, Debit, DebitId, DebitRequest, Hold, HoldId, HoldRequest,
    ReleaseRequest, Reversal, ReversalId, ReversalRequest, Settlement, SettlementRequest, SubscriptionId,
};
use scrip_pricing::Credits;

use crate::{
    item::AccountNumber,
    keyed_command::Keyed,
    payment::{Buys, Payment},
    provider::Change,
    task::{Command, Subject, Task},
    world::World,
};

pub const NOVEMBER: &str = "2026-11-20T00:00:00Z";
pub const LATER: &str = "2026-11-21T00:00:00Z";
/// While a hold of November's moment is open, and the moment at which it expires.
pub const IN_TIME: &str = "2026-11-20T00:00:30Z";
pub const EXPIRED: &str = "2026-11-20T00:01:00Z";
pub const DECEMBER: &str = "2026-12-01T00:00:01Z";

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub fn task(name: &'static str, account: AccountNumber, now: &str, command: Command) -> Task {
    Task::new(name, account, time(now), command)
}

/// The same by a program from before claims.
pub fn old_task(name: &'static str, account: AccountNumber, now: &str, command: Command) -> Task {
    Task { is_old: true, ..task(name, account, now, command) }
}

pub fn debit(key: &str, operation: &str) -> Command {
    let request: DebitRequest = serde_json::from_str(operation).expect("a debit");
    keyed(Debit { id: debit_id(key), request })
}

fn keyed(command: impl Keyed + 'static) -> Command {
    Command::Keyed(Arc::new(command))
}

/// Sets credits aside for a minute.
pub fn hold(key: &str, operation: &str) -> Command {
    let mut request: serde_json::Value = serde_json::from_str(operation).expect("an operation");
    request["expires_in"] = 60.into();
    let request: HoldRequest = serde_json::from_value(request).expect("a hold");
    keyed(Hold { id: hold_id(key), request })
}

/// Captures what a request says of a hold.
pub fn capture(hold: &str, request: &str) -> Command {
    let request = SettlementRequest::Capture(serde_json::from_str(request).expect("a capture"));
    keyed(Settlement { hold_id: hold_id(hold), request })
}

pub fn release(hold: &str) -> Command {
    let request = SettlementRequest::Release(ReleaseRequest {});
    keyed(Settlement { hold_id: hold_id(hold), request })
}

fn hold_id(key: &str) -> HoldId {
    HoldId::parse(key).expect("an id")
}

/// Gives or takes images of Tunes.
pub fn adjustment(key: &str, images: i64) -> Command {
    let request = serde_json::json!({
        "credits": {"playground": 0, "tune": 0, "tune_image": images}, "reason": "goodwill",
    });
    let request = serde_json::from_value(request).expect("an adjustment");
    let (id, by) = (AdjustmentId::parse(key).expect("an id"), CallerId::parse("support").expect("an id"));
    keyed(Adjustment { id, by, request })
}

/// Gives back all that a debit took.
pub fn reversal(key: &str, debit: &str) -> Command {
    reversal_of(key, debit, None)
}

/// Gives back some images of Tunes that a debit took.
pub fn part_reversal(key: &str, debit: &str, images: u64) -> Command {
    reversal_of(key, debit, Some(Credits::new(0, 0, images)))
}

fn reversal_of(key: &str, debit: &str, credits: Option<Credits>) -> Command {
    let (id, debit_id) = (ReversalId::parse(key).expect("an id"), debit_id(debit));
    keyed(Reversal { id, debit_id, request: ReversalRequest { credits, reason: None } })
}

fn debit_id(key: &str) -> DebitId {
    DebitId::parse(key).expect("an id")
}

/// Takes 8 images of a Tune.
pub const ONE: &str = r#"{"operation":"tune_images","prompts":1}"#;
/// Takes 16.
pub const TWO: &str = r#"{"operation":"tune_images","prompts":2}"#;
/// Takes 1000 playground credits: the whole allowance of the basic plan.
pub const ALL: &str = r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":100}"#;
/// Takes 1.
pub const LITTLE: &str = r#"{"operation":"face_enhance"}"#;

pub fn look(payment: &'static str) -> Command {
    Command::Look(Subject::Payment(payment))
}

pub fn look_at_subscription() -> Command {
    Command::Look(Subject::Subscription)
}

pub fn subscription() -> SubscriptionId {
    SubscriptionId::parse("sub").expect("an id")
}

/// A payment of packs that is yet to be made.
pub fn packs(id: &'static str, named: Option<AccountNumber>, quantity: u64) -> Payment {
    Payment::new(id, named, (NOVEMBER, "2026-11-20T01:00:00Z"), Buys::Packs { quantity })
}

/// An invoice of the subscription that is yet to be paid.
pub fn invoice(id: &'static str, at: &'static str, until: &'static str) -> Payment {
    Payment::new(id, Some(0), (at, "2026-11-20T01:00:00Z"), Buys::Plan { until })
}

/// A provider with these payments, and nothing in the table.
pub fn provider(payments: &[Payment]) -> World {
    let mut world = World::default();
    world.provider_mut(|provider| provider.payments = payments.to_vec());
    world
}

/// The same world once these were paid.
pub fn paid(mut world: World, ids: &[&'static str]) -> World {
    for id in ids {
        let topic = world.provider_mut(|provider| provider.change(Change::Pay(id)));
        world.note_change(topic);
    }
    world
}

/// The same world before something happens at the provider.
pub fn before(mut world: World, coming: &[Change]) -> World {
    world.coming = coming.to_vec();
    world
}
