//! Brings an account in line with what the payment provider shows: what was paid is granted once (rules 4, 5, 10
//! and 11), and credits of money that is gone are taken back, or given again if the money returns (rules 7 to 9).
//!
//! The decision is a function of the account, the records and the facts. Facts are read after the records, and the
//! records' revisions guard the write, so an older look at the provider never overwrites a newer one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pricing::Credits;

use crate::{
    Account, Change, Decision, Event, Gone, Outflow, OutflowKind, Period, PlanPayment, Purchase, PurchaseId,
    Record, Refusal, Subscription, SubscriptionRecord,
    facts::{Facts, MoneyFacts, PaidFacts},
    journal::Journal,
};

/// How many subscriptions that are not over an account may have (rule 11).
pub const SUBSCRIPTIONS_MAX: usize = 4;
/// How many an entry carries, with those that are over and count for this month still.
const SUBSCRIPTIONS_LISTED_MAX: usize = 8;

/// The records of one subject, as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Records {
    /// The subscription's.
    pub subscription: Option<SubscriptionRecord>,
    /// The purchases'.
    pub purchases: Vec<Purchase>,
}

/// Decides what brings the account in line with the facts: nothing if it is.
///
/// # Errors
/// [`Refusal::TooManySubscriptions`] for a fifth subscription, [`Refusal::BalanceLimit`] if a balance would rise above
/// what one may hold.
pub fn decide(
    account: &Account,
    records: &Records,
    facts: &Facts,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let now = now.max(account.updated_at);
    let mut work = Work::new(records, facts, now);
    work.whole = work.with_all(facts);
    let mut journal = Journal::open(&work.before_the_month(account), now);
    let settled = journal.account().sequence;
    for paid in &facts.paid {
        work.record_payment(&mut journal, paid)?;
    }
    for money in &facts.money {
        if work.is_money_news(money) {
            work.record_money(&mut journal, &money.purchase_id, |purchase| {
                update_money(purchase, money, now);
            })?;
        }
    }
    work.show_subscription(&mut journal)?;
    let has_entries = journal.account().sequence != settled;
    let mut changed = work.into_records(records, journal.account().period);
    if !has_entries && changed.is_empty() {
        return Ok(Decision::default());
    }
    if facts.new_customer.is_some() && changed.iter().any(|record| matches!(record, Record::Purchase(_))) {
        changed.extend(facts.new_customer.clone().map(Record::Customer));
    }
    Ok(journal.close(changed))
}

/// The records while they are brought in line.
pub(crate) struct Work {
    subscription: Option<SubscriptionRecord>,
    /// The subscription's record as it will be once all facts are in it.
    whole: Option<SubscriptionRecord>,
    purchases: BTreeMap<PurchaseId, Purchase>,
    now: DateTime<Utc>,
}

impl Work {
    pub(crate) fn new(records: &Records, facts: &Facts, now: DateTime<Utc>) -> Self {
        let mut subscription = records.subscription.clone();
        if let Some(facts) = &facts.subscription {
            subscription.get_or_insert_with(|| SubscriptionRecord::new(facts.id.clone())).update(facts);
        }
        let purchases = records.purchases.iter().map(|purchase| (purchase.id.clone(), purchase.clone()));
        Self { subscription, whole: None, purchases: purchases.collect(), now }
    }

    /// The subscription's record with all facts in it.
    fn with_all(&self, facts: &Facts) -> Option<SubscriptionRecord> {
        let mut work = Self {
            subscription: self.subscription.clone(),
            whole: None,
            purchases: self.purchases.clone(),
            now: self.now,
        };
        for paid in &facts.paid {
            work.insert(paid);
        }
        for money in &facts.money {
            if let Some(purchase) = work.purchases.get_mut(&money.purchase_id) {
                update_money(purchase, money, self.now);
                if let Some(record) = &mut work.subscription {
                    record.update_gone(purchase);
                }
            }
        }
        work.subscription
    }

    /// The account with what was true of the subscription before this month began, so that the turn of the month,
    /// if it is still to come, goes by the facts.
    fn before_the_month(&self, account: &Account) -> Account {
        let month = Period::of(self.now);
        let mut before = account.clone();
        if month > account.period
            && let Some(summary) = self.whole.as_ref().and_then(|record| record.summary_before(month))
        {
            set_subscription(&mut before, summary);
        }
        before
    }

    /// Adds what is new of a payment to the records; the packs that are new, and whether a plan is.
    fn insert(&mut self, paid: &PaidFacts) -> (Credits, bool) {
        let now = self.now;
        let purchase = self.purchases.entry(paid.purchase_id.clone()).or_insert_with(|| Purchase {
            revision: 0,
            id: paid.purchase_id.clone(),
            lines: Vec::new(),
            amount: paid.amount,
            currency: paid.currency.clone(),
            paid_at: paid.paid_at,
            subscription_id: None,
            payment_ids: paid.payment_ids.clone(),
            customer_id: paid.customer_id.clone(),
            outflows: Vec::new(),
            revoked: Credits::ZERO,
            spent: Credits::ZERO,
            money_back: None,
            refunds_failed: 0,
        });
        for id in &paid.payment_ids {
            if !purchase.payment_ids.contains(id) {
                purchase.payment_ids.push(id.clone());
            }
        }
        let mut packs = Credits::ZERO;
        for line in &paid.packs {
            if !purchase.lines.iter().any(|known| known.id == line.id) {
                purchase.lines.push(line.clone());
                packs = packs.checked_add(line.credits).unwrap_or(packs);
            }
        }
        let plan = paid.plan.as_ref().filter(|_| !purchase.has_plan());
        if let (Some(plan), Some(record)) = (plan, &mut self.subscription) {
            purchase.lines.insert(0, plan.line.clone());
            purchase.subscription_id = Some(record.id.clone());
            record.insert(PlanPayment {
                purchase_id: paid.purchase_id.clone(),
                terms: plan.terms.clone(),
                invoiced_at: paid.invoiced_at,
                paid_at: paid.paid_at.min(now),
                paid_until: plan.paid_until,
                is_change: plan.is_change,
                amount: paid.amount,
                gone: purchase.gone_before(plan.paid_until),
            });
        }
        (packs, plan.is_some())
    }

    /// Grants what a payment brings.
    fn record_payment(&mut self, journal: &mut Journal, paid: &PaidFacts) -> Result<(), Refusal> {
        let is_first = self.subscription.as_ref().is_none_or(|record| record.payments.is_empty());
        let known_lines = self.purchases.get(&paid.purchase_id).map_or(0, |purchase| purchase.lines.len());
        let (packs, has_new_plan) = self.insert(paid);
        let lines = self.purchases.get(&paid.purchase_id).map_or(0, |purchase| purchase.lines.len());
        if lines == known_lines {
            if lines == 0 {
                // Nothing of it could be granted: it stays unrecorded.
                self.purchases.remove(&paid.purchase_id);
            }
            return Ok(());
        }
        let reference = paid.purchase_id.as_str();
        let mut gains = 0;
        let mut after = journal.account().clone();
        if has_new_plan {
            let before = after.granted();
            if let Some(summary) = self.summary(&after, Refill::Raise) {
                if is_first
                    && after.subscription(&summary.id).is_none()
                    && after.running().count() >= SUBSCRIPTIONS_MAX
                {
                    return Err(Refusal::TooManySubscriptions);
                }
                set_subscription(&mut after, summary);
            }
            gains = after.granted().saturating_sub(before);
            let is_change = paid.plan.as_ref().is_some_and(|plan| plan.is_change);
            if gains > 0 && before == 0 && !is_first && !is_change {
                // Who pays late gets the month's refill with it (rule 4).
                let level = after.granted();
                let subscriptions = std::mem::take(&mut after.subscriptions);
                journal.refill(level, |account| account.subscriptions = subscriptions);
                if packs.is_zero() {
                    return Ok(());
                }
                (after, gains) = (journal.account().clone(), 0);
            }
        }
        let credits = packs.with_playground(gains);
        let event = if credits.is_zero() { Event::Subscription } else { Event::Purchase };
        let change = Change::give(credits).ok_or(Refusal::BalanceLimit)?;
        journal.post(event, change, reference, |account| account.subscriptions = after.subscriptions)
    }

    fn is_money_news(&self, money: &MoneyFacts) -> bool {
        self.purchases.get(&money.purchase_id).is_some_and(|purchase| {
            let mut after = purchase.clone();
            update_money(&mut after, money, self.now);
            after != *purchase
        })
    }

    /// Moves credits from what is gone of a purchase to what should be, once its record was changed.
    pub(crate) fn record_money(
        &mut self,
        journal: &mut Journal,
        id: &PurchaseId,
        change: impl FnOnce(&mut Purchase),
    ) -> Result<(), Refusal> {
        let Some(before) = self.purchases.get(id).cloned() else { return Err(Refusal::PurchaseNotFound) };
        let mut after = before.clone();
        change(&mut after);
        let (was, gone) = (before.gone().amount, after.gone().amount);
        let plan_was = self.plan_gone(id);
        if let Some(record) = &mut self.subscription {
            record.update_gone(&after);
        }
        let plan_gone = self.plan_gone(id);
        if was == gone && plan_was == plan_gone {
            // The money went another way: no credits follow.
            self.purchases.insert(id.clone(), after);
            return Ok(());
        }
        let mut account = journal.account().clone();
        let level = account.granted();
        let is_back = gone < was || plan_gone.amount < plan_was.amount;
        let refill = if is_back { Refill::Raise } else { Refill::Keep };
        if before.has_plan()
            && let Some(summary) = self.summary(&account, refill)
        {
            set_subscription(&mut account, summary);
        }
        let (packs_were, packs_are) = (before.packs_gone(), after.packs_gone());
        let level_is = account.granted();
        let lost = packs_were.shortfall(packs_are).with_playground(level.saturating_sub(level_is));
        let returned = packs_are.shortfall(packs_were).with_playground(level_is.saturating_sub(level));
        let balance = account.balance;
        take_back(&mut account, &mut after, lost)?;
        give_again(&mut account, &mut after, returned)?;
        let event =
            money_event(&before, &after, if was == gone { lost.playground() > 0 } else { gone > was });
        let change = Change::between(balance, account.balance);
        journal.post(event, change, id.as_str(), |now| {
            now.subscriptions = account.subscriptions;
            now.owed = account.owed;
        })?;
        self.purchases.insert(id.clone(), after);
        Ok(())
    }

    /// How much of a plan's payment is gone, as far as that counts for the plan.
    fn plan_gone(&self, id: &PurchaseId) -> Gone {
        let payment = self.subscription.as_ref().and_then(|record| record.payment(id));
        payment.map_or(Gone::default(), |payment| payment.gone)
    }

    /// Makes the entry of what else changed of the subscription: its plan, status or paid time.
    fn show_subscription(&self, journal: &mut Journal) -> Result<(), Refusal> {
        let Some(summary) = self.summary(journal.account(), Refill::Keep) else { return Ok(()) };
        let listed = journal.account().subscription(&summary.id);
        // One that is over was left out when a month turned.
        let is_past = summary.is_over() && summary.backed == 0 && !journal.account().subscriptions.is_empty();
        if listed == Some(&summary) || (listed.is_none() && is_past) {
            return Ok(());
        }
        let reference = summary.id.to_string();
        journal
            .post(Event::Subscription, Change::NONE, reference, |account| set_subscription(account, summary))
    }

    /// What the account's entries carry of the subscription from now on.
    fn summary(&self, account: &Account, refill: Refill) -> Option<Subscription> {
        let record = self.subscription.as_ref()?;
        let known = account.subscription(&record.id);
        let refilled = known.map_or(0, |known| known.refilled);
        let refilled = match refill {
            Refill::Keep => refilled,
            // The month's turn may have come before the payment became known, or while its money was gone.
            Refill::Raise => {
                let whole = self.whole.as_ref().unwrap_or(record);
                refilled.max(whole.refill_of(account.period))
            }
        };
        let summary = record.summary(account.period, refilled)?;
        let backed = match refill {
            Refill::Raise => summary.backed.max(known.map_or(0, |known| known.backed)),
            Refill::Keep => summary.backed,
        };
        Some(Subscription { backed, ..summary })
    }

    /// The records that changed, each one revision on.
    pub(crate) fn into_records(self, known: &Records, month: Period) -> Vec<Record> {
        let mut changed = Vec::new();
        if let Some(mut record) = self.subscription {
            record.forget_before(month);
            // What nothing was ever paid for needs no record.
            if !record.payments.is_empty() && known.subscription.as_ref() != Some(&record) {
                record.revision = record.revision.saturating_add(1);
                changed.push(Record::Subscription(Box::new(record)));
            }
        }
        for (id, mut purchase) in self.purchases {
            let before = known.purchases.iter().find(|before| before.id == id);
            if before != Some(&purchase) {
                purchase.revision = purchase.revision.saturating_add(1);
                changed.push(Record::Purchase(Box::new(purchase)));
            }
        }
        changed
    }
}

/// What is done about the part of the month's refill that a subscription stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refill {
    /// It stays what the month's turn made it.
    Keep,
    /// It is what the payments say, if that is more.
    Raise,
}

/// Sets what an account shows of a subscription. A list that is full loses one that is over and counts least.
fn set_subscription(account: &mut Account, summary: Subscription) {
    let subscriptions = &mut account.subscriptions;
    if let Some(known) = subscriptions.iter_mut().find(|known| known.id == summary.id) {
        *known = summary;
        return;
    }
    subscriptions.push(summary);
    if subscriptions.len() > SUBSCRIPTIONS_LISTED_MAX {
        let over = subscriptions.iter().enumerate().filter(|(_, known)| known.is_over());
        let least = over.min_by_key(|(_, known)| (known.backed, known.paid_through)).map(|(at, _)| at);
        least.map(|at| subscriptions.remove(at));
    }
}

/// Takes over what became of a purchase's money, and with it what became of a money-back refund.
fn update_money(purchase: &mut Purchase, money: &MoneyFacts, now: DateTime<Utc>) {
    set_outflows(purchase, money, now);
    crate::money_back::update(purchase, &money.failed);
}

/// Takes over the refunds and disputes that hold money of a purchase now.
pub(crate) fn set_outflows(purchase: &mut Purchase, money: &MoneyFacts, now: DateTime<Utc>) {
    // A clock that is behind must not see money go in a month that hasn't begun.
    let outflow = |outflow: &Outflow| Outflow { at: outflow.at.min(now), ..outflow.clone() };
    let known = |id| purchase.outflows.iter().find(|known: &&Outflow| known.id == id).map(|known| known.at);
    let outflows = money.outflows.iter().map(outflow).map(|outflow| {
        let at = known(outflow.id.clone()).unwrap_or(outflow.at);
        Outflow { at, ..outflow }
    });
    purchase.outflows = outflows.collect();
}

/// Takes credits back of a purchase; what isn't there any more is owed (rules 7 and 9).
fn take_back(account: &mut Account, purchase: &mut Purchase, credits: Credits) -> Result<(), Refusal> {
    let taken = credits.min(account.balance);
    let missing = taken.shortfall(credits);
    account.balance = account.balance.checked_sub(taken).unwrap_or_default();
    account.owed = account.owed.checked_add(missing).ok_or(Refusal::BalanceLimit)?;
    purchase.revoked = purchase.revoked.checked_add(taken).ok_or(Refusal::BalanceLimit)?;
    purchase.spent = purchase.spent.checked_add(missing).ok_or(Refusal::BalanceLimit)?;
    Ok(())
}

/// Gives credits of a purchase again, once what is owed is paid.
fn give_again(account: &mut Account, purchase: &mut Purchase, credits: Credits) -> Result<(), Refusal> {
    let (given, owed) = pay_owed(account.owed, credits);
    let forgiven = given.shortfall(credits);
    account.owed = owed;
    account.balance = account.balance.checked_add(given).ok_or(Refusal::BalanceLimit)?;
    purchase.revoked = purchase.revoked.checked_sub(purchase.revoked.min(given)).unwrap_or_default();
    purchase.spent = purchase.spent.checked_sub(purchase.spent.min(forgiven)).unwrap_or_default();
    Ok(())
}

/// What of the credits that come back is given, after what is owed was paid; and what is still owed.
pub(crate) fn pay_owed(owed: Credits, credits: Credits) -> (Credits, Credits) {
    let offset = owed.min(credits);
    (credits.checked_sub(offset).unwrap_or_default(), owed.checked_sub(offset).unwrap_or_default())
}

/// The entry of money that went or came back.
fn money_event(before: &Purchase, after: &Purchase, is_more_gone: bool) -> Event {
    let disputes = |purchase: &Purchase| purchase.outflow(OutflowKind::Dispute);
    let spent = after.spent;
    match (is_more_gone, disputes(before), disputes(after)) {
        (true, was, is) if is > was => Event::Dispute { spent },
        (true, ..) => Event::Refund { spent },
        (false, was, is) if is < was => Event::DisputeWon,
        (false, ..) => Event::RefundFailed,
    }
}
