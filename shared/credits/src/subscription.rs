//! A subscription, folded from what the payment provider says of it, in whatever order it is said.
//!
//! Each part keeps the provider's newest word by the provider's time, or the largest value, so events that
//! come late, twice or in another order end in the same subscription.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    PurchaseId, SubscriptionId,
    status::{Status, StatusChange},
};

/// A plan that was subscribed to, and how long it is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The provider's id.
    pub id: SubscriptionId,
    /// The plan's name in the catalog.
    pub plan: String,
    /// Playground credits a month: the plan's, or what was agreed for a custom one.
    pub allowance: u64,
    /// The purchase that pays for it now.
    pub purchase_id: PurchaseId,
    /// When that was paid.
    pub paid_at: DateTime<Utc>,
    /// When the one before was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_paid_at: Option<DateTime<Utc>>,
    /// The end of the last period that was paid.
    pub paid_until: DateTime<Utc>,
    /// When it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// When the money of the purchase that pays for it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Whether the last renewal failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_due: bool,
    /// The provider's time of its last word on the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<DateTime<Utc>>,
}

impl Subscription {
    /// The moment from which on nothing is paid (`paid_through` of the contract).
    #[must_use]
    pub fn paid_through(&self) -> DateTime<Utc> {
        let ends = [self.ended_at, self.withdrawn_at];
        ends.into_iter().flatten().fold(self.paid_until, std::cmp::min)
    }

    /// The subscription after one more payment for it, whether that is the newest or comes late.
    #[must_use]
    pub(crate) fn after(self, payment: Self) -> Self {
        if payment.id != self.id {
            // Subscribed anew; what comes late for an older subscription changes nothing of the newer.
            return if payment.order() > self.order() { payment } else { self };
        }
        let paid_until = self.paid_until.max(payment.paid_until);
        let (newer, older) = if payment.order() > self.order() { (payment, self) } else { (self, payment) };
        if newer.purchase_id == older.purchase_id {
            return Self { paid_until, ..newer };
        }
        // An end that came before the newer payment is over: it was paid again.
        let stands = |end: Option<DateTime<Utc>>| end.filter(|end| *end >= newer.paid_at);
        let status_at = newer.status_at.max(older.status_at);
        Self {
            paid_until,
            previous_paid_at: newer.previous_paid_at.max(Some(older.paid_at)),
            ended_at: stands(newer.ended_at.max(older.ended_at)),
            withdrawn_at: stands(newer.withdrawn_at.max(older.withdrawn_at)),
            past_due: (newer.past_due || older.past_due) && status_at >= Some(newer.paid_at),
            status_at,
            ..newer
        }
    }

    /// The subscription after a word on its status; `None` where that is older than what is known.
    #[must_use]
    pub(crate) fn hear(&self, change: &StatusChange) -> Option<Self> {
        let rank = |status: &Status| match status {
            Status::Active => 0,
            Status::PastDue => 1,
            Status::Ended(_) => 2,
        };
        let known = if self.ended_at.is_some() { 2 } else { u8::from(self.past_due) };
        let is_newer = match self.status_at {
            None => true,
            // Within a second the provider's order isn't known; the graver word stands.
            Some(heard) if heard == change.at => rank(&change.status) > known,
            Some(heard) => change.at > heard,
        };
        if !is_newer {
            return None;
        }
        let mut heard = Self { status_at: Some(change.at), ..self.clone() };
        match change.status {
            Status::Active => heard.past_due = false,
            // A payment that came since has settled it.
            Status::PastDue => heard.past_due = change.at >= self.paid_at,
            Status::Ended(at) => heard.ended_at = Some(at),
        }
        Some(heard)
    }

    /// Payments in the order they were made, equal times told apart the same way by everyone.
    fn order(&self) -> (DateTime<Utc>, DateTime<Utc>, &PurchaseId) {
        (self.paid_at, self.paid_until, &self.purchase_id)
    }
}

#[cfg(test)]
impl Subscription {
    /// A basic plan, paid on the 1st of November 2026 through a moment.
    pub(crate) fn of_basic(paid_until: DateTime<Utc>) -> Self {
        Self {
            id: SubscriptionId::parse("sub").unwrap(),
            plan: "basic".into(),
            allowance: 1000,
            purchase_id: PurchaseId::parse("in").unwrap(),
            paid_at: "2026-11-01T00:00:00Z".parse().unwrap(),
            previous_paid_at: None,
            paid_until,
            ended_at: None,
            withdrawn_at: None,
            past_due: false,
            status_at: None,
        }
    }
}
