//! Callers that retry until they have an answer, and look whether it is true.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    cases::Case,
    entry::{Amounts, Entry, amounts, sum},
    faults::Fault,
    functions::{Function, FunctionInput, Reply},
    plan::{Action, PurchaseKind, Work},
    request::{Answer, Request},
    scheduler::lock,
    world::World,
};

/// A caller that asks so often without an answer never gets one.
const ATTEMPTS_MAX: u32 = 60;
/// How often support asks again for a purchase that isn't known yet, and how long it waits at most.
const UNKNOWN_MAX: u32 = 5;
const UNKNOWN_MS: u64 = 20 * 60 * 1000;

/// The money-back guarantee, less what two clocks may differ by.
const GUARANTEE: TimeDelta = TimeDelta::minutes(30 * 24 * 60 - 10);

const MONEY_BACK: &str = "POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund";
pub const ACCOUNT: &str = "GET /v1/accounts/{account_id}";
const ENTRIES: &str = "GET /v1/accounts/{account_id}/entries";

impl World {
    /// Asks until there is an answer, as a caller would.
    pub async fn ask(self: &Arc<Self>, request: &Request) -> Answer {
        for attempt in 0..ATTEMPTS_MAX {
            {
                let mut memory = lock(&self.memory);
                memory.asked += 1;
                memory.asked_again += u64::from(attempt > 0);
            }
            let at = self.now_at(request.function);
            let from = self.step();
            // The gateway refuses the token, and the caller gets another.
            let reply = if request.scope.is_some() && self.happens(Fault::TokenExpired) {
                Reply::Gone
            } else {
                let made = request.made(at, attempt);
                self.invoke(request.function, FunctionInput::Http(Box::new(made))).await
            };
            if let Reply::Answered(status, is_replay, body) = reply {
                self.note((request.route, status));
                assert_ne!(body["code"], "internal", "a bug: {request:?}");
                if status < 500 || body["code"] == "provider_refused" {
                    let steps = (from, self.step());
                    return Answer { status, is_replay, body, steps, at, unanswered: attempt };
                }
            }
            let most_ms = 50 << attempt.min(8);
            sleep(Duration::from_millis(self.draw(most_ms))).await;
        }
        panic!("never answered: {request:?}");
    }

    pub async fn debit(self: &Arc<Self>, account: usize, key: &str, work: Work) {
        let request = Request::debit(&self.plan.accounts[account], key, work);
        let answer = self.ask(&request).await;
        self.check_debit(account, key, work, &answer);
        if answer.status == 201 {
            self.keep((account, "debit", key), &request, &answer);
        }
    }

    /// Whether a debit's answer is true.
    fn check_debit(&self, account: usize, key: &str, work: Work, answer: &Answer) {
        let Answer { status, body, steps, at, .. } = answer;
        let audit = lock(&self.audit);
        let book = audit.book(&self.plan.accounts[account]);
        let made = book.debit(key);
        match status {
            201 => {
                let (_, entry) = made.unwrap_or_else(|| panic!("taken, and no entry: {key} {answer:?}"));
                assert_eq!(amounts(&body["credits"]), work.price, "another's answer: {key} {answer:?}");
                assert_eq!(body["sequence"], entry.sequence, "{answer:?} {entry:?}");
                assert_eq!(amounts(&body["balance"]), entry.balance, "{answer:?} {entry:?}");
            }
            402 => {
                let is_retry = made.is_some_and(|(step, entry)| {
                    *step < steps.0 && entry.credits == work.price.map(|price| -price)
                });
                assert!(!is_retry, "refused what was taken: {key} {answer:?}");
                let was_short = book.was_short_of(work.price, *steps, *at);
                assert!(
                    was_short,
                    "refused, and never short of it: {key} {work:?} {answer:?} {:?}",
                    book.head()
                );
                let shown = amounts(&body["balance"]);
                let had = book.between(*steps, *at).any(|had| had.balance == shown);
                assert!(had, "a balance that never was: {key} {answer:?}");
            }
            422 => {
                let used = book.keyed(key);
                let (_, entry) = used.unwrap_or_else(|| panic!("a key that wasn't used: {key} {answer:?}"));
                let is_own = entry.kind == "debit" && entry.credits == work.price.map(|price| -price);
                assert!(!is_own, "its own key: {key} {answer:?}");
                if entry.kind == "hold" {
                    self.came_up(Case::KeyReused);
                }
            }
            _ => panic!("no answer to a debit: {key} {answer:?}"),
        }
    }

    pub async fn reverse(self: &Arc<Self>, account: usize, key: &str, debit: &str, playground: Option<u64>) {
        let request = Request::reversal(&self.plan.accounts[account], key, debit, playground);
        let answer = self.ask(&request).await;
        let Answer { status, body, steps, .. } = &answer;
        {
            let audit = lock(&self.audit);
            let book = audit.book(&self.plan.accounts[account]);
            let entries = || book.entries.iter().map(|(_, entry)| entry);
            let is_it = |entry: &Entry| entry.kind == "reversal" && entry.reference == key;
            let written = book.entries.iter().find(|(_, entry)| is_it(entry));
            let made = written.map(|(_, entry)| entry);
            // By the same request, if only one is made under that key for that debit.
            let is_retry = written.is_some_and(|(step, entry)| {
                *step < steps.0
                    && entry.item["debit_id"] == debit
                    && self.asked_only_so(account, key, playground)
            });
            assert!(!is_retry || *status == 201, "refused what was given back: {key} {answer:?}");
            match status {
                201 => {
                    let entry = made.unwrap_or_else(|| panic!("given back, and no entry: {key} {answer:?}"));
                    assert_eq!(amounts(&body["credits"]), entry.came_back(), "{answer:?} {entry:?}");
                    assert_eq!(
                        amounts(&body["offset"]),
                        amounts(&entry.item["offset"]),
                        "{answer:?} {entry:?}"
                    );
                    assert_eq!(amounts(&body["balance"]), entry.balance, "{answer:?} {entry:?}");
                    assert_eq!(body["sequence"], entry.sequence, "{answer:?} {entry:?}");
                    assert_eq!(entry.item["debit_id"], debit, "another's answer: {answer:?} {entry:?}");
                    let asked = playground.map(|asked| i64::try_from(asked).expect("it is small"));
                    let is_asked = asked.is_none_or(|asked| entry.came_back() == [asked, 0, 0]);
                    assert!(is_asked, "another's answer: {answer:?}");
                }
                404 => {
                    let was_known = book.taken(debit).is_some_and(|(step, _)| step < steps.0);
                    assert!(!was_known, "not found, and there: {debit} {answer:?}");
                }
                409 if body["code"] == "exceeds_debit" => {
                    let (_, taken) = book.taken(debit).expect("what is exceeded is there");
                    let back = entries().filter(|entry| entry.item["debit_id"] == debit);
                    let back = back.map(Entry::came_back).fold([0; 3], sum);
                    let left: Amounts = sum(taken, back.map(|one| -one));
                    let asked =
                        playground.map_or(left, |asked| [i64::try_from(asked).unwrap_or(i64::MAX), 0, 0]);
                    let exceeds = (0..3).any(|kind| asked[kind] > left[kind]) || asked == [0; 3];
                    assert!(exceeds, "there was as much left: {answer:?}");
                }
                422 => assert!(made.is_some(), "a key that wasn't used: {key} {answer:?}"),
                _ => panic!("no answer to a reversal: {key} {answer:?}"),
            }
        }
        if *status == 201 {
            self.keep((account, "reversal", key), &request, &answer);
        }
    }

    pub async fn adjust(self: &Arc<Self>, account: usize, key: &str, credits: Amounts) {
        let request = Request::adjustment(&self.plan.accounts[account], key, credits);
        let answer = self.ask(&request).await;
        self.check_adjustment(account, key, credits, &answer);
        if answer.status == 201 {
            self.keep((account, "adjustment", key), &request, &answer);
        }
    }

    /// Whether an adjustment's answer is true.
    fn check_adjustment(&self, account: usize, key: &str, credits: Amounts, answer: &Answer) {
        let Answer { status, body, steps, at, .. } = answer;
        let audit = lock(&self.audit);
        let book = audit.book(&self.plan.accounts[account]);
        let is_it = |entry: &Entry| entry.kind == "adjustment" && entry.reference == key;
        let made = book.entries.iter().find(|(_, entry)| is_it(entry));
        match status {
            201 => {
                let (_, entry) = made.unwrap_or_else(|| panic!("adjusted, and no entry: {key} {answer:?}"));
                assert_eq!(amounts(&body["credits"]), credits, "another's answer: {key} {answer:?}");
                assert_eq!(
                    (entry.credits, entry.sequence),
                    (credits, body["sequence"].as_i64().unwrap_or(0))
                );
                assert_eq!(amounts(&body["balance"]), entry.balance, "{answer:?} {entry:?}");
            }
            409 => {
                assert_eq!(body["code"], "insufficient_credits", "{answer:?}");
                let is_retry = made.is_some_and(|(step, entry)| *step < steps.0 && entry.credits == credits);
                assert!(!is_retry, "refused what was adjusted: {key} {answer:?}");
                let taken = credits.map(|change| (-change).max(0));
                assert!(book.was_short_of(taken, *steps, *at), "refused, and never short: {key} {answer:?}");
            }
            422 => {
                let (_, entry) = made.unwrap_or_else(|| panic!("a key that wasn't used: {key} {answer:?}"));
                assert_ne!(entry.credits, credits, "its own key: {key} {answer:?}");
            }
            _ => panic!("no answer to an adjustment: {key} {answer:?}"),
        }
    }

    /// Whether nothing but that is asked under a reversal's key.
    fn asked_only_so(&self, account: usize, key: &str, playground: Option<u64>) -> bool {
        self.plan.actions.iter().all(|timed| match &timed.action {
            Action::Reverse { key: other, playground: asked, .. } if timed.account == account => {
                other != key || *asked == playground
            }
            _ => true,
        })
    }

    /// Whether a refund by the merchant at the provider fails, which may be while support gives back the rest.
    fn has_failing_refund(&self, account: usize) -> bool {
        let mut actions = self.plan.actions.iter();
        actions.any(|timed| timed.account == account && timed.action == Action::RefundFails)
    }

    /// Keeps the answer to a request, which must be every retry's.
    pub fn keep(
        &self,
        (account, kind, key): (usize, &'static str, &str),
        request: &Request,
        answer: &Answer,
    ) {
        let place = (account, kind, key.to_owned(), request.body.clone());
        let mut memory = lock(&self.memory);
        let (_, first) = memory.answered.entry(place).or_insert_with(|| (request.clone(), answer.clone()));
        assert_eq!(
            (first.status, &first.body),
            (answer.status, &answer.body),
            "a retry's answer is another: {key}"
        );
    }

    pub async fn look(self: &Arc<Self>, account: usize) {
        let base = Request::read(&self.plan.accounts[account], ACCOUNT, String::new());
        let answer = self.ask(&base).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let shown = (amounts(&answer.body["balance"]), amounts(&answer.body["held"]));
        let had = {
            let audit = lock(&self.audit);
            let mut between = audit.book(&self.plan.accounts[account]).between(answer.steps, answer.at);
            between.any(|had| (had.balance, had.held) == shown)
        };
        assert!(had, "a balance that never was: {answer:?}");
        let (mut below, mut above, mut query) = (None, None::<Value>, "limit=4".to_owned());
        loop {
            let page = self.ask(&Request { route: ENTRIES, query, ..base.clone() }).await;
            assert_eq!(page.status, 200, "{page:?}");
            for entry in page.body["entries"].as_array().into_iter().flatten() {
                let sequence = entry["sequence"].as_i64().unwrap_or_default();
                assert!(below.is_none_or(|below| below == sequence + 1), "a gap in the history: {page:?}");
                below = Some(sequence);
                if let Some(above) = above.replace(entry.clone()) {
                    let before = sum(amounts(&entry["balance"]), amounts(&above["credits"]));
                    assert_eq!(amounts(&above["balance"]), before, "it doesn't add up: {page:?}");
                }
            }
            match page.body["next_cursor"].as_str() {
                Some(cursor) => query = format!("limit=4&cursor={cursor}"),
                None => break,
            }
        }
        assert!(below.is_none_or(|oldest| oldest == 1), "a history without its beginning: {below:?}");
    }

    pub async fn money_back(self: &Arc<Self>, account: usize, bought: PurchaseKind) {
        let Some(sale) = self.sale(account, bought) else { return };
        let path =
            vec![("account_id", self.plan.accounts[account].clone()), ("purchase_id", sale.purchase.clone())];
        let body = json!({"reason": "asked"}).to_string();
        let scope = Some("credits:refund");
        let request = Request { path, scope, ..Request::plain(Function::Refund, MONEY_BACK, body) };
        for _ in 0..UNKNOWN_MAX {
            let answer = self.ask(&request).await;
            let was_known = {
                let audit = lock(&self.audit);
                let entries = &audit.book(&self.plan.accounts[account]).entries;
                let of_it = entries.iter().find(|(_, entry)| entry.reference == sale.purchase);
                of_it.is_some_and(|(step, _)| *step < answer.steps.0)
            };
            match answer.status {
                404 if was_known => panic!("not found, and there: {sale:?} {answer:?}"),
                200 => {
                    assert_eq!(answer.body["status"], "refunded", "{answer:?}");
                    assert_eq!(answer.body["purchase_id"], sale.purchase, "{answer:?}");
                    let (amount, refunded, _) = self.charged(&sale.charge);
                    let sent = answer.body["amount"].as_i64().unwrap_or_default();
                    let is_back =
                        if self.has_failing_refund(account) { refunded >= sent } else { refunded == amount };
                    assert!(is_back, "no money went back: {refunded} of {amount} {answer:?}");
                    return;
                }
                404 => sleep(Duration::from_millis(self.draw(UNKNOWN_MS))).await,
                202 | 502 => return,
                409 if answer.body["code"] == "refund_window_closed" => {
                    assert!(answer.at - sale.at > GUARANTEE, "the window was open: {sale:?} {answer:?}");
                    return;
                }
                _ => panic!("no answer to a refund: {answer:?}"),
            }
        }
    }
}
