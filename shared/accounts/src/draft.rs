//! The records of one subject while a decision changes them, and the entries that follow from each change.

use std::{cmp::Ordering, collections::BTreeMap};

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;

use crate::{
    Account, Change, Event, OutflowTotal, Period, PlanPayment, Purchase, PurchaseId, Record, Records,
    Refusal, Subscription, SubscriptionRecord, clawback,
    facts::{Facts, MoneyFacts, PaidFacts},
    journal::Journal,
    outflows::update_money,
};

/// The most subscriptions that are not over in one account (rule 11).
pub const SUBSCRIPTIONS_MAX: usize = 4;
/// The most subscriptions in an entry, including those that are over and still count for this month.
const SUBSCRIPTIONS_LISTED_MAX: usize = 8;

impl Purchase {
    /// The record of a payment that granted nothing yet.
    fn of(paid: &PaidFacts) -> Self {
        Self {
            revision: 0,
            id: paid.purchase_id.clone(),
            lines: Vec::new(),
            amount: paid.amount,
            currency: paid.currency.clone(),
            paid_at: paid.paid_at.time(),
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

/// The records of one subject while a decision changes them.
#[derive(Clone)]
pub(crate) struct Draft {
    subscription: Option<SubscriptionRecord>,
    purchases: BTreeMap<PurchaseId, Purchase>,
    /// Whether the subscription had the month's refill, according to its record as it was read.
    was_refilled: bool,
    now: DateTime<Utc>,
}

/// The part of a payment that was not recorded before.
struct Insertion {
    /// Whether any line is new.
    has_lines: bool,
    has_plan: bool,
    /// The credits of the new packs, without those of money that is gone.
    packs: Credits,
}

impl Draft {
    pub(crate) fn new(records: &Records, now: DateTime<Utc>) -> Self {
        let purchases = records.purchases.iter().map(|purchase| (purchase.id.clone(), purchase.clone()));
        Self {
            subscription: records.subscription.clone(),
            purchases: purchases.collect(),
            was_refilled: false,
            now,
        }
    }

    /// Begins a draft. It returns the draft, in which only the subscription itself is taken over from the facts, and
    /// the target: the subscription's record with all payments, and with the outflows before this month.
    pub(crate) fn begin(
        records: &Records,
        facts: &Facts,
        month: Period,
        now: DateTime<Utc>,
    ) -> Result<(Self, Option<SubscriptionRecord>), Refusal> {
        let mut draft = Self::new(records, now);
        draft.was_refilled = draft.subscription.as_ref().is_some_and(|record| record.is_refilled(month));
        let Some(subscription) = &facts.subscription else { return Ok((draft, None)) };
        let record =
            draft.subscription.get_or_insert_with(|| SubscriptionRecord::new(subscription.id.clone()));
        record.update(subscription);
        let mut paid_up = draft.clone();
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
        if let (Some(record), Some(target)) = (&mut draft.subscription, &target) {
            record.items.clone_from(&target.items);
        }
        Ok((draft, target))
    }

    /// Whether the facts add a subscription to an account that has [`SUBSCRIPTIONS_MAX`] (rule 11).
    pub(crate) fn is_one_too_many(&self, account: &Account, target: Option<&SubscriptionRecord>) -> bool {
        let summary = target.and_then(|record| record.summary(account.period));
        let is_new = self.subscription.as_ref().is_none_or(|record| record.payments.is_empty());
        is_new
            && summary
                .is_some_and(|summary| !summary.is_over() && account.subscription(&summary.id).is_none())
            && account.running().count() >= SUBSCRIPTIONS_MAX
    }

    /// Makes the entries: first of payments, then of corrections to the month's refill, then of refunds and disputes. A
    /// subscription that was refilled for the month gets no second refill (rule 2).
    pub(crate) fn record_all(
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

    /// Adds the new part of a payment to the records, without the credits of money that is gone.
    fn insert(&mut self, paid: &PaidFacts) -> Result<Insertion, Refusal> {
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
        // A payment intent of the shop's own is granted by its metadata. If an invoice shows it later, it is not
        // granted again.
        let is_own = purchase.lines.iter().any(|line| line.id == purchase.id.as_str());
        for line in &paid.packs {
            if !is_own && !purchase.lines.iter().any(|known| known.id == line.id) {
                purchase.lines.push(line.clone());
                packs = packs.checked_add(line.credits).ok_or(Refusal::BalanceLimit)?;
                has_lines = true;
            }
        }
        // A line may be granted after a part of the money is gone, if its price was unknown before.
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
                    invoiced_at: paid.invoiced_at.time(),
                    paid_at: paid.paid_at.time().min(now),
                    paid_until: plan.paid_until.time(),
                    is_change: plan.is_change,
                    amount: paid.amount,
                    gone: OutflowTotal::default(),
                };
                record.insert(payment, purchase);
                true
            }
            _ => false,
        };
        if !is_known && purchase.lines.is_empty() {
            // Nothing of the payment could be granted, so it is not recorded.
            self.purchases.remove(&paid.purchase_id);
        }
        Ok(Insertion { has_lines: has_lines || has_plan, has_plan, packs })
    }

    /// Grants the new part of a payment. Its plan grants at most `most`, which is the subscription's `backed` once all
    /// payments are recorded.
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
        // A late payment brings the month's refill (rule 4). A payment of last month that is seen only now brings the
        // refill that it would have had.
        let is_late = paid.paid_at.time() >= month.start() && !is_first;
        let is_missed = paid.paid_at.time() < month.start();
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

    /// Corrects the month's refill, which followed the facts that were known at the time.
    ///
    /// If the subscription had ended or was downgraded before, the surplus expires. If the refill was too small, the
    /// rest is given: as a purchase if there was a refill, else as the refill.
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

    /// Changes a purchase's record, and takes back or gives again the credits that follow from the change.
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
        // The sum of the outflows is the same, so no credits move.
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

    /// Makes the entry of the other changes of the subscription: of its plan, status or paid time. `known` is the
    /// account after its newest entry.
    pub(crate) fn show_subscription(&self, known: &Account, journal: &mut Journal) -> Result<(), Refusal> {
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

    /// The records that changed, each with its revision raised by one.
    pub(crate) fn into_records(self, known: &Records, month: Period) -> Vec<Record> {
        let mut changed = Vec::new();
        if let Some(mut record) = self.subscription {
            // A subscription that was never paid for needs no record.
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

/// Whether a subscription is over and the account no longer lists it, because another one ended later.
pub(crate) fn is_past(account: &Account, summary: &Subscription) -> bool {
    account.subscription(&summary.id).is_none() && !account.subscriptions.is_empty() && summary.is_over()
}

/// Adds or replaces a subscription in an account's list. If the list is full, the least important one that is over is
/// removed.
pub(crate) fn set_subscription(account: &mut Account, summary: Subscription) {
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
