//! The findings about a subject: facts for the ledger, names of the account, and payments that can't be granted.

use std::collections::BTreeSet;

use scrip_accounts::{CustomerId, PurchaseId, SubscriptionId, facts::Facts};
use scrip_stripe::objects::Metadata;

use crate::subject::Subject;

/// The result of reading a subject.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// Stripe shows it.
    Found(Box<Findings>),
    /// Another object tells more about it, and is read in its place.
    Redirect(Subject),
    /// Nothing was paid, so there is nothing to do.
    NothingPaid,
    /// Stripe doesn't show it to our key, or it is about nothing of ours.
    Foreign,
}

/// What Stripe shows about a subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    /// The facts that the account is brought in line with.
    pub(crate) facts: Facts,
    /// The subscription that the subject belongs to.
    pub(crate) subscription_id: Option<SubscriptionId>,
    /// The names of the account.
    pub(crate) hints: AccountHints,
    /// The payments that can't be granted whole.
    pub(crate) ungranted: Vec<UngrantedPayment>,
    /// The recorded purchases whose refunds and disputes were checked, even if there are none.
    pub(crate) checked_purchases: Vec<PurchaseId>,
    /// Whether an object names a SKU of the catalog.
    pub(crate) is_ours: bool,
    /// The ids of the invoices that were read.
    pub(crate) invoices: Vec<String>,
    /// Whether the subscription has more invoices, which the next lookup reads.
    pub(crate) has_more: bool,
}

impl Findings {
    /// The purchases that the facts are about.
    pub(crate) fn purchase_ids(&self) -> BTreeSet<&PurchaseId> {
        let paid = self.facts.paid.iter().map(|paid| &paid.purchase_id);
        paid.chain(self.facts.money.iter().map(|money| &money.purchase_id)).collect()
    }

    /// The purchases that the facts are about, and the recorded ones whose money is unchanged.
    pub(crate) fn all_purchase_ids(&self) -> Vec<PurchaseId> {
        let mut ids = self.purchase_ids();
        ids.extend(&self.checked_purchases);
        ids.into_iter().cloned().collect()
    }
}

/// The names by which Stripe's objects identify the account, in order of precedence.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountHints {
    /// The `metadata.account_id` of each object, then the session's `client_reference_id`.
    pub(crate) names: Vec<String>,
    /// The customer who paid.
    pub(crate) customer_id: Option<CustomerId>,
}

impl AccountHints {
    /// The hint that a customer is, without names yet.
    pub(crate) fn from_customer(customer_id: Option<CustomerId>) -> Self {
        Self { customer_id, names: Vec::new() }
    }

    /// Adds the `account_id` of an object's metadata, if it has one.
    pub(crate) fn add_metadata(&mut self, metadata: &Metadata) {
        self.add_name(metadata.get("account_id").cloned());
    }

    /// Adds a name, unless it is empty.
    pub(crate) fn add_name(&mut self, name: Option<String>) {
        self.names.extend(name.filter(|name| !name.is_empty()));
    }
}

/// A payment that can't be granted whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UngrantedPayment {
    /// The kind and the id of Stripe's object.
    pub(crate) object: (&'static str, String),
    /// The purchase. A recovery reads the object again by this id.
    pub(crate) purchase_id: PurchaseId,
    /// The reasons: a sentence for each line.
    pub(crate) reasons: Vec<String>,
}
