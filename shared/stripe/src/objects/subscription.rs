//! Subscriptions.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{List, Metadata, Price, Reference, impl_has_id, nullable, time};

/// A subscription as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Subscription {
    /// `sub_…`
    pub id: String,
    /// `incomplete`, `incomplete_expired`, `trialing`, `active`, `past_due`, `canceled`, `unpaid` or `paused`.
    pub status: String,
    /// The customer.
    pub customer: Option<Reference>,
    /// Its metadata.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// Its items, at most 20.
    pub items: List<SubscriptionItem>,
    /// Its newest invoice, paid or not.
    pub latest_invoice: Option<Reference>,
    /// Whether it ends when its period does.
    #[serde(default)]
    pub cancel_at_period_end: bool,
    /// When it was canceled, though it may run on until its period ends.
    #[serde(default, deserialize_with = "time::optional")]
    pub canceled_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, deserialize_with = "time::optional")]
    pub ended_at: Option<DateTime<Utc>>,
    /// When its trial began.
    #[serde(default, deserialize_with = "time::optional")]
    pub trial_start: Option<DateTime<Utc>>,
    /// When its trial ends or ended.
    #[serde(default, deserialize_with = "time::optional")]
    pub trial_end: Option<DateTime<Utc>>,
    /// The pause of its collection; `None` unless it is paused.
    pub pause_collection: Option<PauseCollection>,
    /// A change that waits until it is paid; `None` without one.
    pub pending_update: Option<PendingUpdate>,
    /// When it was made.
    #[serde(deserialize_with = "time::required")]
    pub created: DateTime<Utc>,
}

/// An item of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubscriptionItem {
    /// `si_…`
    pub id: String,
    /// How many; `None` for one that is metered.
    pub quantity: Option<u64>,
    /// Its price. Stripe always shows the whole object.
    pub price: Price,
    /// When its period began. Since 2025-03-31 items have periods of their own.
    #[serde(deserialize_with = "time::required")]
    pub current_period_start: DateTime<Utc>,
    /// When its period ends.
    #[serde(deserialize_with = "time::required")]
    pub current_period_end: DateTime<Utc>,
}

/// A pause of collection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PauseCollection {
    /// The treatment of its invoices: `keep_as_draft`, `mark_uncollectible` or `void`.
    pub behavior: String,
}

/// A change that waits until it is paid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PendingUpdate {
    /// When Stripe discards it.
    #[serde(deserialize_with = "time::required")]
    pub expires_at: DateTime<Utc>,
}

impl_has_id!(Subscription, SubscriptionItem);
