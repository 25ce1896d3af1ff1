//! The 30-day money-back refund (docs/rules.md, The money-back guarantee). One write revokes the credits and
//! records the request; a second one records that Stripe carried the refund out, or that Stripe refused it.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;

use crate::{
    Account, Decision, MoneyBack, MoneyBackStatus, OutflowId, Purchase, PurchaseId, Reason, Record, Records,
    RefundId, Refusal, SubscriptionId,
    draft::Draft,
    facts::MoneyFacts,
    journal::Journal,
    outflows::{finish, give_up, set_outflows, update_money_back},
};

/// Decides a request for a money-back refund: the credits are revoked, and the purchase is `refund_pending`. The
/// decision is empty if the refund was requested before.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::NothingToRefund`] if no money was paid through Stripe,
/// [`Refusal::RefundWindowClosed`].
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Purchase, PurchaseId, Records, money_back};
/// use scrip_pricing::Credits;
///
/// let purchase: Purchase = serde_json::from_str(
///     r#"{"revision":1,"id":"pi_1","amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
///     "lines":[{"id":"li_1","sku":"tune_pack","quantity":1,"credits":{"playground":0,"tune":1,"tune_image":64}}],
///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0},
///     "payment_ids":["pi_1"]}"#,
/// )?;
/// let records = Records { purchases: vec![purchase], ..Records::default() };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account { balance: Credits::new(0, 1, 100), ..Account::unseen(now) };
/// let decision = money_back::request(&account, &records, &PurchaseId::parse("pi_1")?, None, now).unwrap();
/// assert_eq!(decision.entries[0].account.balance, Credits::new(0, 0, 36));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn request(
    account: &Account,
    records: &Records,
    id: &PurchaseId,
    reason: Option<&Reason>,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let purchase = find(records, id)?;
    if purchase.money_back.is_some() {
        return Ok(Decision::default());
    }
    if purchase.amount == 0 || purchase.payment_ids.is_empty() {
        return Err(Refusal::NothingToRefund);
    }
    let closed_at = purchase.refundable_until();
    if now > closed_at {
        return Err(Refusal::RefundWindowClosed { closed_at });
    }
    let refund = MoneyBack {
        requested_at: now.max(account.updated_at),
        reason: reason.cloned(),
        amount: purchase.amount.saturating_sub(purchase.gone().amount),
        revoked: Credits::ZERO,
        spent: Credits::ZERO,
        status: MoneyBackStatus::Pending,
        refund_ids: Vec::new(),
    };
    let mut decision = change(account, records, id, now, |purchase| purchase.money_back = Some(refund))?;
    for record in &mut decision.records {
        if let Record::Purchase(purchase) = record
            && let Some(refund) = &mut purchase.money_back
        {
            (refund.revoked, refund.spent) = (purchase.revoked, purchase.spent);
        }
    }
    Ok(decision)
}

/// Decides that Stripe refused an attempt: the revoked credits come back, and the purchase is as before. The decision
/// is empty unless that attempt is pending.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::BalanceLimit`].
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Purchase, PurchaseId, Records, money_back};
/// use scrip_pricing::Credits;
///
/// let purchase: Purchase = serde_json::from_str(
///     r#"{"revision":1,"id":"pi_1","amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
///     "lines":[{"id":"li_1","sku":"tune_pack","quantity":1,"credits":{"playground":0,"tune":1,"tune_image":64}}],
///     "revoked":{"playground":0,"tune":1,"tune_image":64},"spent":{"playground":0,"tune":0,"tune_image":0},
///     "money_back":{"requested_at":"2026-11-21T10:00:00Z","amount":900,"status":"pending",
///     "revoked":{"playground":0,"tune":1,"tune_image":64},"spent":{"playground":0,"tune":0,"tune_image":0}}}"#,
/// )?;
/// let records = Records { purchases: vec![purchase], ..Records::default() };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let id = PurchaseId::parse("pi_1")?;
/// let decision = money_back::refused(&Account::unseen(now), &records, &id, 0, now).unwrap();
/// assert_eq!(decision.entries[0].account.balance, Credits::new(0, 1, 64));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn refused(
    account: &Account,
    records: &Records,
    id: &PurchaseId,
    attempt: u32,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    if !is_pending(find(records, id)?, attempt) {
        return Ok(Decision::default());
    }
    change(account, records, id, now, give_up)
}

/// Decides that Stripe sent the money back at a pending attempt, by the refunds in `refund_ids`.
///
/// `money` must have been read after these refunds were made. If it lacks one of them, it is older, the decision is
/// empty, and the refund stays pending. The credits count as gone from the time of the request.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::BalanceLimit`].
///
/// # Examples
///
/// ```
/// use scrip_accounts::{
///     Account, Decision, Purchase, PurchaseId, Records, RefundId, facts::MoneyFacts, money_back,
/// };
///
/// let purchase: Purchase = serde_json::from_str(
///     r#"{"revision":1,"id":"pi_1","lines":[],"amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0},
///     "money_back":{"requested_at":"2026-11-21T10:00:00Z","amount":900,"status":"pending",
///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0}}}"#,
/// )?;
/// let money = MoneyFacts {
///     purchase_id: PurchaseId::parse("pi_1")?,
///     outflows: Vec::new(),
///     failed: Vec::new(),
///     attempts: [].into(),
/// };
/// let records = Records { purchases: vec![purchase], ..Records::default() };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// // The facts lack the refund, so the purchase stays as it is.
/// let made = [RefundId::parse("re_1")?];
/// let decision = money_back::confirmed(&Account::unseen(now), &records, &money, 0, &made, now).unwrap();
/// assert_eq!(decision, Decision::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn confirmed(
    account: &Account,
    records: &Records,
    money: &MoneyFacts,
    attempt: u32,
    refund_ids: &[RefundId],
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let id = &money.purchase_id;
    if !is_pending(find(records, id)?, attempt) {
        return Ok(Decision::default());
    }
    let is_shown = |id: &RefundId| {
        money.outflows.iter().any(|shown| shown.id == OutflowId::from(id)) || money.failed.contains(id)
    };
    if !refund_ids.iter().all(is_shown) {
        return Ok(Decision::default());
    }
    change(account, records, id, now, |purchase| {
        set_outflows(purchase, money, now.max(account.updated_at));
        finish(purchase, money, refund_ids);
        update_money_back(purchase, money);
    })
}

/// The subscription that ends when a purchase is refunded, and the time of its end; `None` if none ends.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{PurchaseId, Records, SubscriptionRecord, money_back};
///
/// let record: SubscriptionRecord = serde_json::from_str(
///     r#"{"revision":1,"id":"sub_1","payments":[{"purchase_id":"in_1","terms":{"allowance":1000,"plan":"basic"},
///     "invoiced_at":"2026-11-03T09:00:00Z","paid_at":"2026-11-03T09:00:00Z","paid_until":"2026-12-03T09:00:00Z",
///     "amount":1900}]}"#,
/// )?;
/// let records = Records { subscription: Some(record), ..Records::default() };
/// let (id, ending) = money_back::ending(&records, &PurchaseId::parse("in_1")?).unwrap();
/// assert_eq!((id.as_str(), ending), ("sub_1", money_back::Ending::Now));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn ending<'a>(records: &'a Records, id: &PurchaseId) -> Option<(&'a SubscriptionId, Ending)> {
    let record = records.subscription.as_ref()?;
    let payment = record.payment(id)?;
    // A later payment for a period of its own keeps the subscription.
    let goes_on =
        record.payments.iter().any(|other| !other.is_change && other.invoiced_at > payment.invoiced_at);
    let ending = if payment.is_change { Ending::WithPeriod } else { Ending::Now };
    (!goes_on).then_some((&record.id, ending))
}

/// The time at which a refunded subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At once, because no payment is left.
    Now,
    /// At the end of its period, because the payment before the upgrade still covers it.
    WithPeriod,
}

fn is_pending(purchase: &Purchase, attempt: u32) -> bool {
    purchase.is_refund_pending() && purchase.refunds_failed == attempt
}

fn find<'a>(records: &'a Records, id: &PurchaseId) -> Result<&'a Purchase, Refusal> {
    records.purchase(id).ok_or(Refusal::PurchaseNotFound)
}

fn change(
    account: &Account,
    records: &Records,
    id: &PurchaseId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Purchase),
) -> Result<Decision, Refusal> {
    let mut draft = Draft::new(records, now.max(account.updated_at));
    let mut journal = Journal::open(account, now);
    draft.record_money(&mut journal, id, change)?;
    let month = journal.account().period;
    Ok(journal.close(draft.into_records(records, month)))
}
