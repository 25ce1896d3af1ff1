//! What is done in a history, and the stories that it is put together of.

use serde_json::Value;

use crate::{
    entry::Amounts,
    offers::{Grant, offer},
};

/// Something that a user, support, the provider or a schedule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The account buys plans and packs.
    Buy(Cart),
    /// It moves to a larger plan, and pays the difference.
    Upgrade(&'static str),
    /// It moves to a larger plan, and pays the difference with the next invoice.
    Prorate(&'static str),
    /// It moves to a smaller one, which it pays from the next renewal on.
    Downgrade(&'static str),
    /// It ends its plan.
    Cancel,
    /// It ends its plan with the period that is paid.
    CancelAtEnd,
    /// The next renewal's payment is declined.
    Decline,
    /// The provider renews what is due, and collects what was drafted an hour before.
    Bill,
    /// A declined invoice is paid after all.
    PayLate,
    /// Work is paid with credits.
    Debit { key: String, work: Work },
    /// Credits are set aside for work, for so many seconds.
    Hold { key: String, work: Work, seconds: i64 },
    /// A hold is captured or released.
    End { hold: String, end: End, when: When },
    /// The user looks at a hold.
    LookAtHold { hold: String },
    /// Some of a debit or captured hold, or all that is left, comes back.
    Reverse { key: String, debit: String, playground: Option<u64> },
    /// Support gives or takes credits.
    Adjust { key: String, credits: Amounts },
    /// The user looks at balance and history.
    Look,
    /// Support gives the money of a purchase back.
    MoneyBack(PurchaseKind),
    /// The merchant refunds a purchase at the provider, in percent of it.
    Refund(PurchaseKind, i64),
    /// That refund fails after all.
    RefundFails,
    /// The buyer's bank takes the money back, in percent of it.
    Dispute(PurchaseKind, i64),
    /// It only asks.
    Inquire(PurchaseKind),
    /// It returns the money.
    WinDispute,
    /// It keeps the money.
    LoseDispute,
    /// The scheduler says that the month has turned.
    Turn,
    /// The schedule of pending refunds.
    Sweep,
    /// The schedule of events that weren't delivered.
    Recover,
}

/// The items of one checkout: SKUs and how many of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    pub items: Vec<(&'static str, i64)>,
    pub naming: Naming,
    /// Whether the payment of a pack makes an invoice.
    pub has_invoice: bool,
    /// Whether there is no checkout session, but a payment intent of one's own.
    pub is_alone: bool,
}

/// The field by which a purchase names its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The metadata of the session, and of its payment or subscription.
    Metadata,
    /// The session's `client_reference_id` alone.
    Reference,
    /// The session's `client_reference_id` alone, and the paying customer is the other account's.
    OfOtherCustomer,
}

impl Cart {
    /// The plan's SKU, if there is one.
    pub fn plan(&self) -> Option<&'static str> {
        let is_plan = |sku: &&&'static str| matches!(offer(sku).gives, Grant::Plan(_));
        self.items.iter().map(|(sku, _)| sku).find(is_plan).copied()
    }
}

/// The purchase that an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseKind {
    Plan,
    Pack,
}

/// Work, and what it costs by the pricing page: playground, tune and tune image credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    pub operation: &'static str,
    pub price: [i64; 3],
}

impl Work {
    /// Whether an operation, with every default spelled out, is this work.
    pub fn is_of(&self, operation: &Value) -> bool {
        let asked: Value = serde_json::from_str(self.operation).expect("it is JSON");
        let asked = asked.as_object().expect("it is an object");
        asked.iter().all(|(name, value)| operation[name] == *value)
    }
}

/// How a caller ends a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It captures all of it.
    Whole,
    /// It captures so many images or prompts.
    Part(&'static str, i64),
    /// It releases it.
    Release,
}

/// When a caller ends a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At the action's own time.
    Now,
    /// So many milliseconds after the hold is over by the clock before the function, or before that. At the action's own
    /// time, if there is no such hold by then, or it lasts for hours.
    AtExpiry(i64),
}

pub const WORK: [Work; 7] = [
    Work { operation: r#"{"operation":"upscale","factor":4,"images":100}"#, price: [200, 0, 0] },
    Work { operation: r#"{"operation":"upscale","factor":2,"images":100}"#, price: [100, 0, 0] },
    Work {
        operation: r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":90}"#,
        price: [900, 0, 0],
    },
    Work {
        operation: r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":50}"#,
        price: [500, 0, 0],
    },
    Work { operation: r#"{"operation":"face_enhance"}"#, price: [1, 0, 0] },
    Work { operation: r#"{"operation":"train_tune","if_short":"refuse"}"#, price: [0, 1, 64] },
    Work { operation: r#"{"operation":"tune_images","prompts":8}"#, price: [0, 0, 64] },
];

/// The moves of an account's money: actions in the third moment, and actions after the month's turn.
pub const STORIES: [(&[Action], &[Action]); 31] = [
    (&[], &[]),
    (&[], &[Action::MoneyBack(PurchaseKind::Plan)]),
    (&[Action::MoneyBack(PurchaseKind::Plan)], &[Action::MoneyBack(PurchaseKind::Plan)]),
    (&[Action::MoneyBack(PurchaseKind::Pack)], &[]),
    (&[Action::Refund(PurchaseKind::Pack, 100)], &[Action::MoneyBack(PurchaseKind::Pack)]),
    (&[Action::Refund(PurchaseKind::Pack, 30)], &[Action::Refund(PurchaseKind::Pack, 70)]),
    (&[Action::Dispute(PurchaseKind::Pack, 100)], &[Action::WinDispute]),
    (&[Action::Dispute(PurchaseKind::Plan, 100)], &[]),
    (&[Action::Dispute(PurchaseKind::Plan, 100)], &[Action::WinDispute]),
    (&[Action::Upgrade("standard_monthly")], &[]),
    (&[Action::Upgrade("business_monthly")], &[Action::MoneyBack(PurchaseKind::Plan)]),
    (&[Action::Downgrade("basic_monthly")], &[]),
    (&[Action::Downgrade("basic_monthly")], &[Action::Upgrade("business_monthly")]),
    (&[Action::Cancel], &[]),
    (&[Action::Refund(PurchaseKind::Plan, 100)], &[]),
    (&[Action::Refund(PurchaseKind::Pack, 100)], &[Action::RefundFails]),
    (&[Action::Refund(PurchaseKind::Plan, 40)], &[Action::Refund(PurchaseKind::Plan, 60)]),
    (&[Action::Refund(PurchaseKind::Plan, 40), Action::Upgrade("business_monthly")], &[]),
    (&[], &[Action::Refund(PurchaseKind::Plan, 25), Action::RefundFails]),
    (
        &[Action::Dispute(PurchaseKind::Pack, 25)],
        &[Action::LoseDispute, Action::Dispute(PurchaseKind::Pack, 50)],
    ),
    (
        &[Action::Dispute(PurchaseKind::Pack, 40), Action::Dispute(PurchaseKind::Pack, 60)],
        &[Action::WinDispute],
    ),
    (
        &[Action::Dispute(PurchaseKind::Plan, 20)],
        &[Action::MoneyBack(PurchaseKind::Plan), Action::WinDispute],
    ),
    (&[Action::Inquire(PurchaseKind::Pack)], &[Action::MoneyBack(PurchaseKind::Pack)]),
    (&[Action::Prorate("standard_monthly")], &[Action::Upgrade("business_monthly")]),
    (&[Action::Prorate("business_monthly")], &[]),
    (
        &[Action::Upgrade("standard_monthly")],
        &[Action::Upgrade("business_monthly"), Action::MoneyBack(PurchaseKind::Plan)],
    ),
    (
        &[Action::Refund(PurchaseKind::Pack, 50)],
        &[Action::MoneyBack(PurchaseKind::Pack), Action::RefundFails],
    ),
    (&[Action::Refund(PurchaseKind::Plan, 100)], &[Action::RefundFails]),
    (&[Action::Decline, Action::Upgrade("business_monthly")], &[Action::PayLate]),
    (&[Action::CancelAtEnd], &[Action::MoneyBack(PurchaseKind::Plan)]),
    (&[Action::CancelAtEnd], &[]),
];

/// Whether an action needs a pack.
pub fn is_of_a_pack(action: &Action) -> bool {
    matches!(
        action,
        Action::MoneyBack(PurchaseKind::Pack)
            | Action::Refund(PurchaseKind::Pack, _)
            | Action::Dispute(PurchaseKind::Pack, _)
            | Action::Inquire(PurchaseKind::Pack)
    )
}
