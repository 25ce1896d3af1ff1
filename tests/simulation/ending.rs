//! How a history must end: once nothing goes wrong any more, every caller has an answer, the credits follow
//! the money, and every retry gets the first answer.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Utc};
use futures_util::FutureExt;
use scrip_ledger::audit::{Auditor, Order, read_export_line};
use scrip_local::stack::API_KEY;
use scrip_stripe_model::Generation;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{entry::plain, scheduler::lock, world::World};

/// How often pending refunds are asked for again, a day apart: the provider repeats an answer for a day.
const SWEEPS_MAX: usize = 4;
/// How long a draft of the provider's lies, and then some.
const DRAFTED: Duration = Duration::from_mins(70);
/// On how many days the daily recovery may fail each time. An event is listed there for longer.
const DAYS_FAILING_MAX: u32 = 7;
/// A day of the provider's, and then some.
const DAY: Duration = Duration::from_hours(25);

impl World {
    /// What operators do in the end: missed events and what is parked are recovered, pending refunds asked for, the month's turn is
    /// made up for. All of it comes to rest before [`World::check_ending`].
    pub async fn tidy_up(self: &Arc<Self>) {
        self.calm_down();
        // The provider collects its drafts.
        sleep(DRAFTED).await;
        self.bill();
        sleep(DRAFTED).await;
        self.make_up().await;
        for _ in 0..SWEEPS_MAX {
            if self.pending_refunds() == 0 {
                break;
            }
            sleep(DAY).await;
            self.sweep().await;
        }
        let now = self.now();
        let month = Utc.with_ymd_and_hms(now.year(), now.month(), 1, 0, 0, 0).single();
        let month = month.expect("a month's first moment");
        if !self.has_turned(month) {
            self.turn(month).await;
        }
    }

    /// Keeps Stripe's books as they are when the month turns.
    pub async fn keep_books(self: &Arc<Self>) {
        sleep((self.plan.turn - self.now()).to_std().unwrap_or_default()).await;
        self.bill();
        lock(&self.memory).books_at_turn = Some(self.stripe.books());
    }

    /// Whether every account has made its turn of that month, as far as there was one to make.
    fn has_turned(&self, month: DateTime<Utc>) -> bool {
        let (audit, period) = (lock(&self.audit), month.format("%Y-%m").to_string());
        let heads = self.plan.accounts.iter().filter_map(|account| audit.book(account).head());
        heads.into_iter().all(|head| head.period == period)
    }

    /// Recovers what was missed while nothing got to the webhook, as the daily schedule does. Lambda calls again, twice,
    /// what fails.
    pub async fn make_up_daily(self: &Arc<Self>) {
        let Some((_, until)) = self.plan.outage else { return };
        sleep((until - self.now()).to_std().unwrap_or_default()).await;
        for day in 0.. {
            sleep(DAY).await;
            // A recovery of days of events makes so many calls that it is killed far more often here than on Lambda.
            if day == DAYS_FAILING_MAX {
                self.calm_down();
            }
            for _ in 0..3 {
                let summary = self.recover(&json!({"undelivered": true})).await;
                if summary.is_some_and(|summary| summary["failed"] == 0 && summary["remaining"] == 0) {
                    return;
                }
                sleep(Duration::from_mins(1)).await;
            }
        }
    }

    /// Recovers what was missed, as the daily schedule does, and what is parked, as operators do.
    async fn make_up(self: &Arc<Self>) {
        for command in [json!({"undelivered": true}), json!({"parked": true})] {
            let summary = self.recover(&command).await.expect("a calm recovery is answered");
            let is_done = summary["failed"] == 0 && summary["remaining"] == 0;
            assert!(is_done, "not recovered by {command}: {summary}");
        }
    }

    fn pending_refunds(&self) -> usize {
        let items = self.engine.items();
        items.iter().map(plain).filter(|item| item["money_back"]["status"] == "pending").count()
    }

    /// Asks everything once more.
    pub async fn ask_again(self: &Arc<Self>) {
        let answered = lock(&self.memory).answered.clone();
        for ((_, _, key, _), (request, first)) in answered {
            let again = self.ask(&request).await;
            // A final refusal is no replay.
            let expected = (first.status, first.status < 300);
            assert_eq!((again.status, again.is_replay), expected, "a retry gets another answer: {key}");
            assert_eq!(again.body, first.body, "a retry gets another answer: {key}");
        }
    }

    /// Looks at everything once more, as the recovery command would: there is nothing left to do.
    pub async fn look_again(self: &Arc<Self>) {
        let since = self.plan.start.max(self.now() - TimeDelta::days(29));
        let subscriptions = self.stripe.books().subscriptions.into_iter().map(|known| known.id);
        let looks = |dry_run: bool| move |id: String| json!({"object_id": id, "dry_run": dry_run});
        let mut commands: Vec<_> = subscriptions.clone().map(looks(false)).collect();
        commands.extend(subscriptions.map(looks(true)));
        commands.push(json!({"since": since, "dry_run": true}));
        let before = self.kept();
        for command in commands {
            let summary = self.recover(&command).await.expect("a calm recovery is answered");
            let is_done = summary["applied"] == 0 && summary["failed"] == 0 && summary["remaining"] == 0;
            assert!(is_done, "something was left by {command}: {summary}");
        }
        assert!(self.kept() == before, "there was nothing to write");
    }

    /// Every item, but for what each look writes: what is parked, which is parked again, and a record's revision.
    fn kept(&self) -> Vec<Value> {
        let items = self.engine.items();
        let mut kept: Vec<_> = items.iter().map(plain).filter(|item| item["sk"] != "PARKED").collect();
        for item in &mut kept {
            item.as_object_mut().map(|fields| fields.remove("revision"));
        }
        kept
    }

    /// # Panics
    /// If something is lost, doubled or left.
    pub fn check_ending(&self) {
        let stored = self.engine.items();
        let items: Vec<_> = stored.iter().map(plain).collect();
        for (number, account) in self.plan.accounts.iter().enumerate() {
            let partition = format!("ACCOUNT#{account}");
            let kept: Vec<_> = items.iter().filter(|item| item["pk"] == *partition).collect();
            self.check_entries(account, &kept, &items);
            self.check_money(number, &kept, &items);
        }
        self.check_expired();
        self.check_parked(&items);
        Self::check_as_operators_do(&stored);
    }

    /// `verify` finds nothing wrong either.
    fn check_as_operators_do(stored: &[Value]) {
        let mut auditor = Auditor::new(Order::Any);
        for item in stored {
            let line = json!({"Item": item}).to_string();
            auditor.take(read_export_line(&line).expect("an item is a line of an export"));
        }
        let report = auditor.finish().expect("each item has a form");
        assert_eq!(report.findings, [], "verify");
    }

    /// The table has exactly the items whose writes were seen, and every debit can be retried for ever.
    fn check_entries(&self, account: &str, kept: &[&Value], items: &[Value]) {
        let audit = lock(&self.audit);
        let book = audit.book(account);
        let mut entries: Vec<_> = kept
            .iter()
            .filter(|item| item["sk"].as_str().is_some_and(|sk| sk.starts_with("ENTRY#")))
            .collect();
        entries.sort_by_key(|item| item["sequence"].as_i64());
        let seen: Vec<_> = book.entries.iter().map(|(_, entry)| &entry.item).collect();
        assert_eq!(entries.iter().map(|item| **item).collect::<Vec<_>>(), seen, "the table of {account}");
        for (_, entry) in &book.entries {
            let kind = match entry.kind.as_str() {
                kind @ ("debit" | "reversal" | "adjustment") => Some(kind),
                // A debit and a hold share their keys.
                "hold" => Some("debit"),
                "capture" => Some("settlement"),
                "release" if entry.item["expired"] != true => Some("settlement"),
                _ => None,
            };
            if let Some(kind) = kind {
                let pk = format!("OPERATION#{account}#{kind}#{}", entry.reference);
                let row = items.iter().find(|item| item["pk"] == pk);
                let row = row.unwrap_or_else(|| panic!("nothing makes a retry safe of {entry:?}"));
                assert!(row["from"].as_i64() < Some(entry.sequence), "claimed too late: {row} {entry:?}");
                let named = row["sequence"].as_i64().unwrap_or(entry.sequence);
                assert_eq!(named, entry.sequence, "{row} {entry:?}");
                let request = entry.item["request"].as_str().map(str::len);
                assert_eq!(request, Some(32), "no fingerprint: {entry:?}");
            }
        }
        let newest = book.head().map_or(0, |head| head.sequence);
        let claims = format!("OPERATION#{account}#");
        for row in items.iter().filter(|item| item["pk"].as_str().is_some_and(|pk| pk.starts_with(&claims))) {
            assert!(row["from"].as_i64() <= Some(newest), "a claim from an entry that isn't there: {row}");
        }
    }

    /// A hold that was once reported as expired stays so: no caller ends it after that.
    fn check_expired(&self) {
        let (audit, memory) = (lock(&self.audit), lock(&self.memory));
        for ((account, key), reported) in &memory.expired {
            let ended = audit.book(&self.plan.accounts[*account]).end_of_hold(key);
            let after = ended.filter(|(step, _)| step > reported);
            assert!(after.is_none(), "reported as expired, and ended after that: {reported} {after:?}");
        }
    }

    /// The answer of the provider's API.
    pub fn provider_says(&self, path: &str) -> (u16, Value) {
        let key = format!("Bearer {API_KEY}");
        let request = axum::extract::Request::get(path).header("authorization", &key);
        let request = request.header("stripe-version", Generation::Basil.api_version());
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.stripe.answer(request, &key).now_or_never().expect("it answers at once");
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).now_or_never();
        let body = body.expect("it is whole").expect("it is whole");
        (status, serde_json::from_slice(&body).expect("it is JSON"))
    }
}
