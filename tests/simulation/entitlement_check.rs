//! What an account has is what its money bought, and what can't be granted is parked.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, TimeZone, Utc};
use scrip_stripe_model::{BookedPurchase, BookedSubscription};
use serde_json::Value;

use crate::{
    audit::WORK_KINDS,
    entitlement::{ExpectedPurchase, Month},
    entry::{Amounts, Entry, amounts, sum},
    offers::{Grant, offer_of},
    plan::Action,
    scheduler::lock,
    world::World,
};

impl World {
    /// # Panics
    /// If an account has something else than its money bought.
    pub fn check_money(&self, account: usize, kept: &[&Value], items: &[Value]) {
        let books = self.stripe.books();
        let purchases: Vec<_> =
            books.purchases.iter().filter(|purchase| self.owner(purchase) == Some(account)).collect();
        for purchase in &purchases {
            self.check_purchase(account, &ExpectedPurchase::of(purchase), kept, items);
        }
        let bought: Vec<_> = purchases.iter().map(|purchase| ExpectedPurchase::of(purchase)).collect();
        self.check_packs(account, &bought);
        self.check_playground(account, &bought);
        for subscription in books.subscriptions.iter().filter(|known| self.owns(account, &known.id)) {
            self.check_subscription(account, subscription, &purchases);
        }
    }

    /// Nothing is parked but what can't be granted.
    ///
    /// # Panics
    /// If something else is.
    pub fn check_parked(&self, items: &[Value]) {
        let books = self.stripe.books();
        let due = books.purchases.iter().map(ExpectedPurchase::of).filter(|bought| bought.is_parked);
        let due: BTreeSet<_> = due.map(|bought| bought.id).collect();
        for parked in items.iter().filter(|item| item["sk"] == "PARKED") {
            let object = parked["object_id"].as_str().unwrap_or_default();
            assert!(due.contains(object), "parked, and can be granted: {parked}");
        }
    }

    fn owner(&self, purchase: &BookedPurchase) -> Option<usize> {
        let payments = purchase.payments.iter().map(|payment| &payment.payment_intent);
        let mut ids = purchase.subscription.iter().chain(&purchase.session).chain(payments);
        let memory = lock(&self.memory);
        ids.find_map(|id| memory.owners.get(id).copied())
    }

    fn owns(&self, account: usize, id: &str) -> bool {
        lock(&self.memory).owners.get(id) == Some(&account)
    }

    /// A purchase was granted once, whole, and the rest of it is parked. What is gone of its money is on its record.
    fn check_purchase(&self, account: usize, bought: &ExpectedPurchase, kept: &[&Value], items: &[Value]) {
        let parked = items.iter().find(|item| item["sk"] == "PARKED" && item["object_id"] == bought.id);
        assert_eq!(parked.is_some(), bought.is_parked, "paid in silence, or parked for nothing: {bought:?}");
        let key = format!("PURCHASE#{}", bought.id);
        let Some(record) = kept.iter().find(|item| item["sk"] == key) else {
            assert!(!bought.is_granted(), "paid, and never granted: {bought:?}");
            return;
        };
        assert!(bought.is_granted(), "granted, and nothing of ours: {bought:?} {record}");
        let lines = record["lines"].as_array().map_or(&[][..], Vec::as_slice);
        let (plans, packs): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| line["credits"]["playground"] != 0);
        let packs = packs.iter().map(|line| amounts(&line["credits"])).fold([0; 3], sum);
        assert_eq!(packs, bought.packs, "{bought:?} {record}");
        let plan = plans.first().map(|line| (line["sku"].as_str(), amounts(&line["credits"])[0]));
        assert_eq!(plan, bought.plan.map(|(sku, gives)| (Some(sku), gives)), "{bought:?} {record}");
        assert_eq!(record["amount"], bought.amount, "{bought:?} {record}");
        let held =
            record["outflows"].as_array().into_iter().flatten().filter_map(|flow| flow["amount"].as_i64());
        assert_eq!(
            held.sum::<i64>().min(bought.amount),
            bought.gone,
            "other money is gone: {bought:?} {record}"
        );
        let status = &record["money_back"]["status"];
        assert_ne!(status, "pending", "never confirmed: {bought:?} {record}");
        if status == "refunded" {
            self.check_money_back(bought, record);
        }
        let audit = lock(&self.audit);
        let book = audit.book(&self.plan.accounts[account]);
        let moved = book.gone_by(&bought.id);
        let revoked = amounts(&record["revoked"]);
        let taken = sum(revoked, amounts(&record["spent"]));
        let share = sum(bought.packs, bought.left_of_packs().map(|left| -left));
        assert_eq!(taken[1..], share[1..], "{bought:?} {record}");
        // Credits whose money was gone before the grant never moved.
        assert!((1..3).all(|kind| moved[kind] >= -taken[kind]), "{moved:?} {bought:?} {record}");
    }

    /// A money-back refund sent back the amount that its record names.
    fn check_money_back(&self, bought: &ExpectedPurchase, record: &Value) {
        let payments = record["payment_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut sent = 0;
        for payment in payments {
            let (_, refunds) = self.provider_says(&format!("/v1/refunds?payment_intent={payment}&limit=100"));
            let refunds = refunds["data"].as_array().cloned().unwrap_or_default();
            let ours = |refund: &&Value| refund["metadata"]["scrip_attempt"].is_string();
            let stands = |refund: &&Value| refund["status"] != "failed" && refund["status"] != "canceled";
            let amounts =
                refunds.iter().filter(ours).filter(stands).filter_map(|refund| refund["amount"].as_i64());
            sent += amounts.sum::<i64>();
        }
        let amount = record["money_back"]["amount"].as_i64().unwrap_or_default();
        assert_eq!(amount, sent, "another amount was sent back: {bought:?} {record}");
        // Money that had gone before may have come back since; the refund's own hasn't.
        assert!(bought.gone >= sent, "no money went back: {bought:?} {record}");
        assert!(bought.is_gone() || sent > 0, "no money went back: {bought:?} {record}");
    }

    /// What the account has and owes of the credits that don't expire is what its packs left, less what work took
    /// or holds and with what support gave.
    fn check_packs(&self, account: usize, bought: &[ExpectedPurchase]) {
        let audit = lock(&self.audit);
        let book = audit.book(&self.plan.accounts[account]);
        let due = bought.iter().map(ExpectedPurchase::left_of_packs).fold([0; 3], sum);
        let is_work = |entry: &&Entry| WORK_KINDS.contains(&entry.kind.as_str());
        let used = book.entries.iter().map(|(_, entry)| entry).filter(is_work).map(Entry::came_back);
        let due = used.fold(due, sum);
        let has: Amounts = book.head().map_or([0; 3], |head| sum(head.balance, head.owed.map(|owed| -owed)));
        assert_eq!(has[1..], due[1..], "not what the packs were paid for: {bought:?} {:?}", book.head());
    }

    /// The month has what the plans were paid for, less what work took.
    fn check_playground(&self, account: usize, bought: &[ExpectedPurchase]) {
        let (now, memory) = (self.now(), lock(&self.memory));
        let start = Utc.with_ymd_and_hms(now.year(), now.month(), 1, 0, 0, 0).single();
        let start: DateTime<Utc> = start.expect("a month's first moment");
        let books = self.stripe.books();
        let before = memory.books_at_turn.as_ref().filter(|before| before.now <= now && start <= before.now);
        let month = Month { start, books: &books, before: before.unwrap_or(&books), moved: &memory.moved };
        let subscriptions =
            memory.owners.iter().filter(|(_, owner)| **owner == account).map(|(id, _)| id.as_str());
        let (least, most) = month.playground(subscriptions);
        let audit = lock(&self.audit);
        let book = audit.book(&self.plan.accounts[account]);
        let highest = bought.iter().filter_map(|bought| bought.plan).map(|(_, gives)| gives).max();
        let highest = highest.unwrap_or_default();
        let too_much = book.entries.iter().map(|(_, entry)| entry).find(|entry| entry.backed() > highest);
        assert!(too_much.is_none(), "more than was ever paid for: {too_much:?} {bought:?}");
        let head = book.head().filter(|head| head.period == now.format("%Y-%m").to_string());
        let has = head.map_or(0, |head| head.balance[0] - head.owed[0] + book.used());
        let is_due = (least..=most).contains(&has);
        assert!(is_due, "the month has {has} instead of {least} to {most}: {bought:?} {:?}", book.head());
        let left = book.head().map_or(0, |head| head.balance[0]);
        assert!(head.is_some() || left == 0, "the month never turned: {:?}", book.head());
    }

    /// The account shows a subscription as the provider has it.
    fn check_subscription(&self, account: usize, known: &BookedSubscription, purchases: &[&BookedPurchase]) {
        let audit = lock(&self.audit);
        let head = audit.book(&self.plan.accounts[account]).head();
        let shown =
            head.and_then(|head| head.subscriptions().iter().find(|shown| shown["id"] == known.id.as_str()));
        let is_over = shown.is_none_or(|shown| shown["status"] == "canceled");
        let of_it = |purchase: &&&BookedPurchase| purchase.subscription.as_ref() == Some(&known.id);
        let paid: Vec<_> =
            purchases.iter().filter(of_it).map(|purchase| ExpectedPurchase::of(purchase)).collect();
        let (_, provider) = self.provider_says(&format!("/v1/subscriptions/{}", known.id));
        let newest = provider["latest_invoice"].as_str().unwrap_or_default();
        let last = paid.iter().find(|bought| bought.id == newest);
        // The paid changes of a period depend on the payment for the period.
        let is_base_gone = paid.iter().rfind(|bought| !bought.changes).is_some_and(ExpectedPurchase::is_gone);
        if known.status == "canceled" {
            assert!(is_over, "ended at the provider, and goes on: {known:?} {shown:?}");
            let is_wanted = self.plan.actions.iter().any(|timed| {
                [Action::Cancel, Action::CancelAtEnd].contains(&timed.action) && timed.account == account
            });
            let is_paid_back = is_base_gone || last.is_none_or(ExpectedPurchase::is_gone);
            assert!(is_wanted || is_paid_back, "paid for, and ended: {known:?} {shown:?}");
            return;
        }
        assert!(!is_base_gone || is_over, "its money is gone, and it goes on: {known:?} {shown:?}");
        let is_whole = paid.iter().all(|bought| bought.gone == 0);
        if let (Some(last), "active", true) = (last, known.status, is_whole) {
            let shown = shown.unwrap_or_else(|| panic!("paid for, and not shown: {known:?} {head:?}"));
            let plans = known.items.iter().filter_map(|item| match offer_of(&item.price).gives {
                Grant::Plan(allowance) => Some((allowance * item.quantity, item.period.1)),
                _ => None,
            });
            let (item, until) = plans.max().expect("a subscription has a plan");
            // A larger plan counts when it is paid for.
            let gives = item.min(last.plan.map_or(item, |(_, gives)| gives));
            assert_eq!(shown["allowance"], gives, "another plan: {known:?} {shown}");
            assert!(!is_over, "goes on at the provider, and ended: {known:?} {shown}");
            let through = shown["paid_through"].as_str().and_then(|end| end.parse::<DateTime<Utc>>().ok());
            assert_eq!(
                through.map(|end| end.timestamp()),
                Some(until.timestamp()),
                "paid for another time: {known:?} {shown}"
            );
        }
    }
}
