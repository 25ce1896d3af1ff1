//! Reconciliation: brings an account in line with Stripe.
//!
//! Each payment is granted once (docs/rules.md, rules 4, 5, 10 and 11). Credits of refunded or disputed money are taken
//! back, and given again if the money returns (rules 7 to 9).
//!
//! The decision is a function of the account, the records and the facts. Facts are read after the records, and the
//! write fails if a record's revision has changed since. Each look at Stripe raises the revision of every record that
//! it read, also of unchanged ones. So an older look never overwrites a newer one.

use chrono::{DateTime, Utc};

pub use crate::draft::SUBSCRIPTIONS_MAX;
use crate::{
    Account, Decision, Period, PurchaseId, Record, Records, Refusal,
    draft::{Draft, is_past, set_subscription},
    facts::Facts,
    journal::Journal,
};

/// Decides a look at Stripe, whose facts were read after the records in `before`.
///
/// The decision brings the account in line with the facts, and raises the revision of every record that was read, also
/// of unchanged ones. So no other look, which read Stripe earlier, can overwrite it.
///
/// # Errors
/// [`Refusal::OutdatedFacts`] if the records have changed since `before`: then the records must be read again, and
/// Stripe after them. Otherwise the errors of [`decide`].
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Purchase, Record, Records, facts::Facts, reconcile};
///
/// let purchase: Purchase = serde_json::from_str(
///     r#"{"revision":1,"id":"pi_1","lines":[],"amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0}}"#,
/// )?;
/// let id = purchase.id.clone();
/// let records = Records { purchases: vec![purchase], ..Records::default() };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// // Nothing has changed, so only the revision rises.
/// let facts = Facts::default();
/// let decision = reconcile::look(&Account::unseen(now), &records, &records, &facts, now).unwrap();
/// assert_eq!(decision.records, [Record::SeenPurchase(id, 2)]);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn look(
    account: &Account,
    records: &Records,
    before: &Records,
    facts: &Facts,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let mut decision = match decide(account, records, facts, now) {
        Ok(decision) if decision == Decision::default() && records.has_same_content_as(before) => decision,
        _ if !records.are_at_revisions_of(before) => return Err(Refusal::OutdatedFacts),
        decided => decided?,
    };
    let written = &decision.records;
    let writes_subscription = written.iter().any(|record| matches!(record, Record::Subscription(_)));
    let writes = |id: &PurchaseId| {
        written.iter().any(|record| matches!(record, Record::Purchase(purchase) if purchase.id == *id))
    };
    let is_seen = facts.subscription.is_some() && !writes_subscription;
    let subscription = records.subscription.iter().filter(|_| is_seen);
    let subscription = subscription
        .map(|known| Record::SeenSubscription(known.id.clone(), known.revision.saturating_add(1)));
    let purchases = records.purchases.iter().filter(|known| !writes(&known.id));
    let purchases =
        purchases.map(|known| Record::SeenPurchase(known.id.clone(), known.revision.saturating_add(1)));
    let seen: Vec<_> = subscription.chain(purchases).collect();
    decision.records.extend(seen);
    Ok(decision)
}

/// Decides the entries and records that bring the account in line with the facts. The decision is empty if it already
/// is.
///
/// # Errors
/// [`Refusal::TooManySubscriptions`] for a fifth subscription; [`Refusal::BalanceLimit`] if a balance would rise above
/// its limit.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{
///     Account, Line, ProviderTime, PurchaseId, Records,
///     facts::{Facts, PaidFacts},
///     reconcile,
/// };
/// use scrip_pricing::Credits;
///
/// // A payment of $9 for a tune_pack.
/// let credits = Credits::new(0, 1, 64);
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let paid = PaidFacts {
///     purchase_id: PurchaseId::parse("pi_1")?,
///     amount: 900,
///     currency: "usd".into(),
///     paid_at: ProviderTime::from(now),
///     invoiced_at: ProviderTime::from(now),
///     customer_id: None,
///     payment_ids: Vec::new(),
///     packs: vec![Line { id: "li_1".to_owned(), sku: "tune_pack".into(), quantity: 1, credits }],
///     plan: None,
/// };
/// let facts = Facts { paid: vec![paid], ..Facts::default() };
/// let account = Account::unseen(now);
/// let decision = reconcile::decide(&account, &Records::default(), &facts, now).unwrap();
/// assert_eq!(decision.entries[0].account.balance, credits);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide(
    account: &Account,
    records: &Records,
    facts: &Facts,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let now = now.max(account.updated_at);
    let month = account.period.max(Period::of(now));
    let (draft, target) = Draft::begin(records, facts, month, now)?;
    if draft.is_one_too_many(account, target.as_ref()) {
        return Err(Refusal::TooManySubscriptions);
    }
    let mut turning = account.clone();
    let earlier = target.as_ref().filter(|_| month > account.period).and_then(|record| {
        let summary = record.before(month).summary(month.previous())?;
        (!is_past(account, &summary) || summary.is_paid(month.start())).then_some(summary)
    });
    if let Some(summary) = earlier {
        // If the month's turn is still to be written, it follows the facts.
        set_subscription(&mut turning, summary);
    }
    let mut journal = Journal::open(&turning, now);
    let turned = journal.account().sequence;
    let draft = draft.record_all(&mut journal, facts, target)?;
    draft.show_subscription(account, &mut journal)?;
    let has_entries = journal.account().sequence != turned;
    let mut changed = draft.into_records(records, journal.account().period);
    if !has_entries && changed.is_empty() {
        return Ok(Decision::default());
    }
    if facts.new_customer.is_some() && changed.iter().any(|record| matches!(record, Record::Purchase(_))) {
        changed.extend(facts.new_customer.clone().map(Record::Customer));
    }
    Ok(journal.close(changed))
}
