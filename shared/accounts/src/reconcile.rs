//! Brings an account in line with what the payment provider shows: what was paid is granted once (rules 4, 5, 10
//! and 11), and credits of money that is gone are taken back, or given again if the money returns (rules 7 to 9).
//!
//! The decision is a function of the account, the records and the facts. Facts are read after the records, and the
//! records' revisions guard the write. Each look raises them, those of records that it finds unchanged too: so an older
//! look at the provider never overwrites a newer one.

use std::{cmp::Ordering, collections::BTreeMap};

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;

use crate::{
    Account, Change, Decision, Event, Gone, Period, PlanPayment, Purchase, PurchaseId, Record, Refusal,
    Subscription, SubscriptionRecord, clawback,
    facts::{Facts, MoneyFacts, PaidFacts},
    journal::Journal,
    outflows::update_money,
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

impl Records {
    /// Whether the revisions are those of other records, which were read before; a record that these don't have was at
    /// none.
    fn are_at_revisions_of(&self, before: &Self) -> bool {
        let revision =
            |record: &Option<SubscriptionRecord>| record.as_ref().map_or(0, |record| record.revision);
        let known = |purchase: &Purchase| before.purchase(&purchase.id).map_or(0, |known| known.revision);
        revision(&self.subscription) == revision(&before.subscription)
            && self.purchases.iter().all(|purchase| purchase.revision == known(purchase))
    }

    /// Whether the records say what others say that were read before, at whatever revisions.
    fn say_the_same_as(&self, before: &Self) -> bool {
        let is_same = |now: &SubscriptionRecord, then: &SubscriptionRecord| {
            *now == SubscriptionRecord { revision: now.revision, ..then.clone() }
        };
        let subscription = match (&self.subscription, &before.subscription) {
            (Some(now), Some(then)) => is_same(now, then),
            (now, _) => now.is_none(),
        };
        subscription
            && self.purchases.iter().all(|now| {
                let then = before.purchase(&now.id);
                then.is_some_and(|then| *now == Purchase { revision: now.revision, ..then.clone() })
            })
    }

    pub(crate) fn purchase(&self, id: &PurchaseId) -> Option<&Purchase> {
        self.purchases.iter().find(|purchase| purchase.id == *id)
    }
}

/// Decides what a look comes to whose facts were read after the records in `before`: what brings the account in line
/// with the facts, and that every record that was looked at goes a revision on, though it says nothing new: so no look
/// writes over what another saw that read the provider later.
///
/// # Errors
/// [`Refusal::OutdatedFacts`] if the records have changed since: then the records must be read again, and after them the
/// provider. As [`decide`] otherwise.
pub fn look(
    account: &Account,
    records: &Records,
    before: &Records,
    facts: &Facts,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let mut decision = match decide(account, records, facts, now) {
        Ok(decision) if decision == Decision::default() && records.say_the_same_as(before) => decision,
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
    let month = account.period.max(Period::of(now));
    let (work, target) = Work::begin(records, facts, month, now)?;
    if work.is_one_too_many(account, target.as_ref()) {
        return Err(Refusal::TooManySubscriptions);
    }
    let mut turning = account.clone();
    let earlier = target.as_ref().filter(|_| month > account.period).and_then(|record| {
        let summary = record.before(month).summary(month.previous())?;
        (!is_past(account, &summary) || summary.is_paid(month.start())).then_some(summary)
    });
    if let Some(summary) = earlier {
        // A turn of the month that is still to come goes by the facts.
        set_subscription(&mut turning, summary);
    }
    let mut journal = Journal::open(&turning, now);
    let turned = journal.account().sequence;
    let work = work.record_all(&mut journal, facts, target)?;
    work.show_subscription(account, &mut journal)?;
    let has_entries = journal.account().sequence != turned;
    let mut changed = work.into_records(records, journal.account().period);
    if !has_entries && changed.is_empty() {
        return Ok(Decision::default());
    }
    if facts.new_customer.is_some() && changed.iter().any(|record| matches!(record, Record::Purchase(_))) {
        changed.extend(facts.new_customer.clone().map(Record::Customer));
    }
    Ok(journal.close(changed))
}

impl Purchase {
    /// A payment of which nothing was granted yet.
    fn of(paid: &PaidFacts) -> Self {
        Self {
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
        }
    }
}

/// The records while they are brought in line.
#[derive(Clone)]
pub(crate) struct Work {
    subscription: Option<SubscriptionRecord>,
    purchases: BTreeMap<PurchaseId, Purchase>,
    /// Whether the subscription had the month's refill, by its record as it was read.
    was_refilled: bool,
    now: DateTime<Utc>,
}

/// What is new of a payment.
struct News {
    has_lines: bool,
    has_plan: bool,
    packs: Credits,
}

impl Work {
    pub(crate) fn new(records: &Records, now: DateTime<Utc>) -> Self {
        let purchases = records.purchases.iter().map(|purchase| (purchase.id.clone(), purchase.clone()));
        Self {
            subscription: records.subscription.clone(),
            purchases: purchases.collect(),
            was_refilled: false,
            now,
        }
    }

    /// The records with what the facts say of the subscription itself; and its record with all payments as well, and with
    /// the money that went before this month.
    fn begin(
        records: &Records,
        facts: &Facts,
        month: Period,
        now: DateTime<Utc>,
    ) -> Result<(Self, Option<SubscriptionRecord>), Refusal> {
        let mut work = Self::new(records, now);
        work.was_refilled = work.subscription.as_ref().is_some_and(|record| record.is_refilled(month));
        let Some(subscription) = &facts.subscription else { return Ok((work, None)) };
        let record =
            work.subscription.get_or_insert_with(|| SubscriptionRecord::new(subscription.id.clone()));
        record.update(subscription);
        let mut paid_up = work.clone();
        for paid in &facts.paid {
            paid_up.insert(paid)?;
        }
        let mut target = paid_up.subscription;
        for money in &facts.money {
            if let (Some(target), Some(purchase)) =
                (&mut target, paid_up.purchases.get_mut(&money.purchase_id))
            {
                update_money(purchase, money, now);
                target.update_gone_before(month, purchase);
            }
        }
        if let (Some(target), Some(terms)) = (&mut target, &subscription.item) {
            target.update_item(terms, now);
        }
        if let (Some(record), Some(target)) = (&mut work.subscription, &target) {
            record.items.clone_from(&target.items);
        }
        Ok((work, target))
    }

    /// Whether the facts add a subscription to an account that has as many as it may (rule 11).
    fn is_one_too_many(&self, account: &Account, target: Option<&SubscriptionRecord>) -> bool {
        let summary = target.and_then(|record| record.summary(account.period));
        let is_new = self.subscription.as_ref().is_none_or(|record| record.payments.is_empty());
        is_new
            && summary
                .is_some_and(|summary| !summary.is_over() && account.subscription(&summary.id).is_none())
            && account.running().count() >= SUBSCRIPTIONS_MAX
    }

    /// Makes the entries: of what was paid, of what the month's turn would have given otherwise, and of money. A month
    /// that the subscription was refilled for has no second refill (rule 2).
    fn record_all(
        mut self,
        journal: &mut Journal,
        facts: &Facts,
        target: Option<SubscriptionRecord>,
    ) -> Result<Self, Refusal> {
        let target = target.and_then(|record| record.summary(journal.account().period));
        let level = target.as_ref().map(|summary| summary.backed);
        for paid in &facts.paid {
            self.record_payment(journal, paid, level.unwrap_or_default())?;
        }
        if let Some(summary) = target {
            self.correct_refill(journal, summary)?;
        }
        for money in &facts.money {
            if self.is_money_news(money) {
                let now = self.now;
                self.record_money(journal, &money.purchase_id, |purchase| {
                    update_money(purchase, money, now);
                })?;
            }
        }
        Ok(self)
    }

    /// Adds what is new of a payment to the records, less what belongs to money that is gone.
    fn insert(&mut self, paid: &PaidFacts) -> Result<News, Refusal> {
        let now = self.now;
        let is_known = self.purchases.contains_key(&paid.purchase_id);
        let purchase = self.purchases.entry(paid.purchase_id.clone()).or_insert_with(|| Purchase::of(paid));
        for id in &paid.payment_ids {
            if !purchase.payment_ids.contains(id) {
                purchase.payment_ids.push(id.clone());
            }
        }
        let (mut packs, gone) = (Credits::ZERO, purchase.packs_gone());
        let mut has_lines = false;
        // A payment of the shop's own that was granted by its metadata, and is shown by an invoice later, is granted once.
        let is_own = purchase.lines.iter().any(|line| line.id == purchase.id.as_str());
        for line in &paid.packs {
            if !is_own && !purchase.lines.iter().any(|known| known.id == line.id) {
                purchase.lines.push(line.clone());
                packs = packs.checked_add(line.credits).ok_or(Refusal::BalanceLimit)?;
                has_lines = true;
            }
        }
        // A line may be granted after some of the money went, because its price was unknown before.
        let gone = gone.shortfall(purchase.packs_gone()).min(packs);
        purchase.revoked = purchase.revoked.checked_add(gone).ok_or(Refusal::BalanceLimit)?;
        let packs = gone.shortfall(packs);
        let plan = paid.plan.as_ref().filter(|_| !purchase.has_plan());
        let has_plan = match (plan, &mut self.subscription) {
            (Some(plan), Some(record)) => {
                purchase.lines.insert(0, plan.line.clone());
                purchase.subscription_id = Some(record.id.clone());
                let payment = PlanPayment {
                    purchase_id: paid.purchase_id.clone(),
                    terms: plan.terms.clone(),
                    invoiced_at: paid.invoiced_at,
                    paid_at: paid.paid_at.min(now),
                    paid_until: plan.paid_until,
                    is_change: plan.is_change,
                    amount: paid.amount,
                    gone: Gone::default(),
                };
                record.insert(payment, purchase);
                true
            }
            _ => false,
        };
        if !is_known && purchase.lines.is_empty() {
            // Nothing of it could be granted: it stays unrecorded.
            self.purchases.remove(&paid.purchase_id);
        }
        Ok(News { has_lines: has_lines || has_plan, has_plan, packs })
    }

    /// Grants what a payment brings; of its plan, at most what stands for this month once all payments are recorded.
    fn record_payment(&mut self, journal: &mut Journal, paid: &PaidFacts, most: u64) -> Result<(), Refusal> {
        let is_first = self.subscription.as_ref().is_none_or(|record| record.payments.is_empty());
        let news = self.insert(paid)?;
        if !news.has_lines {
            return Ok(());
        }
        let month = journal.account().period;
        let before = journal.account().granted();
        let mut after = journal.account().clone();
        let summary = self.subscription.as_ref().filter(|_| news.has_plan);
        if let Some(summary) = summary.and_then(|record| record.summary(month)) {
            let known = after.subscription(&summary.id).map_or(0, |known| known.backed);
            let backed = summary.backed.min(most).max(known);
            set_subscription(&mut after, Subscription { backed, ..summary });
        }
        let gains = after.granted().saturating_sub(before);
        let is_change = paid.plan.as_ref().is_some_and(|plan| plan.is_change);
        // Who pays late gets the month's refill with it (rule 4); and a payment of last month that becomes known now, the
        // refill that it would have had.
        let is_late = paid.paid_at >= month.start() && !is_first;
        let is_missed = paid.paid_at < month.start();
        let mut plan = gains;
        if gains > 0 && before == 0 && !is_change && !self.was_refilled && (is_late || is_missed) {
            let level = after.granted();
            let subscriptions = std::mem::take(&mut after.subscriptions);
            if is_late {
                journal.refill(level, |account| account.subscriptions = subscriptions);
            } else {
                let change =
                    Change::give(Credits::ZERO.with_playground(level)).ok_or(Refusal::BalanceLimit)?;
                journal.post(Event::Refill, change, month.to_string(), |account| {
                    account.subscriptions = subscriptions;
                })?;
            }
            (after, plan) = (journal.account().clone(), 0);
        }
        let credits = news.packs.with_playground(plan);
        let event = if credits.is_zero() { Event::Subscription } else { Event::Purchase };
        let change = Change::give(credits).ok_or(Refusal::BalanceLimit)?;
        let reference = paid.purchase_id.as_str();
        journal.post(event, change, reference, |account| account.subscriptions = after.subscriptions)
    }

    /// Corrects what the month's refill gave by what was known then: if the subscription had ended or was moved down
    /// before, the rest expires; if it gave less than it would have given, the rest is given: as the refill, or if there
    /// was one as a purchase.
    fn correct_refill(&self, journal: &mut Journal, summary: Subscription) -> Result<(), Refusal> {
        let account = journal.account();
        let (month, subscription_id) = (account.period.to_string(), summary.id.to_string());
        let mut after = account.clone();
        set_subscription(&mut after, summary);
        let (was, is) = (account.granted(), after.granted());
        let credits = |playground| Credits::ZERO.with_playground(playground);
        let (event, reference) = match is.cmp(&was) {
            Ordering::Less => {
                clawback::take(&mut after, credits(was.saturating_sub(is)))?;
                (Event::Expiry, month)
            }
            Ordering::Greater => {
                let missed = credits(is.saturating_sub(was));
                after.balance = after.balance.checked_add(missed).ok_or(Refusal::BalanceLimit)?;
                if self.was_refilled { (Event::Purchase, subscription_id) } else { (Event::Refill, month) }
            }
            Ordering::Equal => return Ok(()),
        };
        let change = Change::between(account.balance, after.balance);
        journal.post(event, change, reference, |account| {
            account.subscriptions = after.subscriptions;
            account.owed = after.owed;
        })
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
        let mut account = journal.account().clone();
        if let Some(record) = self.subscription.as_mut().filter(|record| record.payment(id).is_some()) {
            record.update_gone(&after);
            if let Some(summary) = record
                .summary(account.period)
                .filter(|summary| !is_past(&account, summary) || summary.backed > 0)
            {
                set_subscription(&mut account, summary);
            }
        }
        let event = clawback::transfer(journal.account(), &mut account, &before, &mut after)?;
        let is_moved = before.gone().amount != after.gone().amount;
        self.purchases.insert(id.clone(), after);
        // The money went another way, or when another part of it had gone: no credits follow.
        if account == *journal.account() && !is_moved {
            return Ok(());
        }
        let change = Change::between(journal.account().balance, account.balance);
        let subscription = self.subscription.as_ref().map(|record| record.id.as_str());
        let reference = match event {
            Event::Subscription => subscription.unwrap_or(id.as_str()),
            _ => id.as_str(),
        };
        journal.post(event, change, reference, |now| {
            now.subscriptions = account.subscriptions;
            now.owed = account.owed;
        })
    }

    /// Makes the entry of what else changed of the subscription: its plan, status or paid time. `known` is the account as
    /// its newest entry left it.
    fn show_subscription(&self, known: &Account, journal: &mut Journal) -> Result<(), Refusal> {
        let account = journal.account();
        let record = self.subscription.as_ref();
        let Some(summary) = record.and_then(|record| record.summary(account.period)) else { return Ok(()) };
        let stale = (account.sequence == known.sequence).then(|| known.as_of(self.now));
        let shown = stale.as_ref().unwrap_or(account);
        let is_shown = shown.subscription(&summary.id) == Some(&summary);
        if is_shown || (is_past(shown, &summary) && summary.backed == 0) {
            return Ok(());
        }
        let mut after = account.clone();
        let reference = summary.id.to_string();
        set_subscription(&mut after, summary);
        let change = Change::between(account.balance, account.balance);
        journal.post(Event::Subscription, change, reference, |account| {
            account.subscriptions = after.subscriptions;
        })
    }

    /// The records that changed, each one revision on.
    pub(crate) fn into_records(self, known: &Records, month: Period) -> Vec<Record> {
        let mut changed = Vec::new();
        if let Some(mut record) = self.subscription {
            // What nothing was ever paid for needs no record.
            if !record.payments.is_empty() && known.subscription.as_ref() != Some(&record) {
                record.forget_before(month);
                record.revision = record.revision.saturating_add(1);
                changed.push(Record::Subscription(Box::new(record)));
            }
        }
        for (id, mut purchase) in self.purchases {
            if known.purchase(&id) != Some(&purchase) {
                purchase.revision = purchase.revision.saturating_add(1);
                changed.push(Record::Purchase(Box::new(purchase)));
            }
        }
        changed
    }
}

/// Whether a subscription is over and was left out of the account, because another one was over last.
fn is_past(account: &Account, summary: &Subscription) -> bool {
    account.subscription(&summary.id).is_none() && !account.subscriptions.is_empty() && summary.is_over()
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
