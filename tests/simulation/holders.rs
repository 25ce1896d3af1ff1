//! Callers that hold credits for work that takes time, and end that once the work is done, or isn't; each looks whether
//! its answer is true.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    action::{Action, End, When, Work},
    audit::Book,
    cases::Case,
    entry::{Entry, amounts, sum},
    functions::Function,
    holds::{OPEN_MAX, pieces},
    request::{Answer, Request},
    scheduler::lock,
    world::World,
};

/// How often a hold that isn't there is captured or released, of so many times once.
const UNKNOWN_ONCE_OF: u64 = 4;
/// A caller waits no longer for a hold to be over.
const WAITED_MAX: TimeDelta = TimeDelta::hours(2);

impl World {
    pub async fn hold(self: &Arc<Self>, account: usize, key: &str, work: Work, seconds: i64) {
        let request = Request::hold(&self.plan.accounts[account], key, work, seconds);
        let answer = self.ask(&request).await;
        self.check_hold(account, key, (work, seconds), &answer);
        if answer.status == 201 {
            self.keep((account, "hold", key), &request, &answer);
        }
    }

    /// Whether a hold's answer is true.
    fn check_hold(&self, account: usize, key: &str, (work, seconds): (Work, i64), answer: &Answer) {
        let Answer { status, body, steps, at, .. } = answer;
        let audit = lock(&self.audit);
        let book = audit.book(&self.plan.accounts[account]);
        let made = book.keyed(key);
        let is_own = |entry: &Entry| {
            entry.kind == "hold"
                && work.is_of(&entry.item["operation"])
                && entry.credits == work.price.map(|price| -price)
                && entry.expires_at() == entry.at + TimeDelta::seconds(seconds)
        };
        let is_retry = made.is_some_and(|(step, entry)| *step < steps.0 && is_own(entry));
        assert!(!is_retry || *status == 201, "refused what was held: {key} {answer:?}");
        match (status, body["code"].as_str().unwrap_or_default()) {
            (201, _) => {
                let (_, entry) = made.unwrap_or_else(|| panic!("held, and no entry: {key} {answer:?}"));
                assert!(is_own(entry), "another's answer: {key} {answer:?} {entry:?}");
                check_body(body, key, entry);
                assert_eq!(body["status"], "held", "{answer:?}");
                self.answered_once(answer, Case::Held);
            }
            (402, "insufficient_credits") => {
                assert!(book.was_short_of(work.price, *steps, *at), "never short of it: {key} {answer:?}");
                let shown = amounts(&body["balance"]);
                let had = book.between(*steps, *at).any(|had| had.balance == shown);
                assert!(had, "a balance that never was: {key} {answer:?}");
                self.came_up(Case::HoldShort);
            }
            (409, "too_many_holds") => {
                let was_full = book.between(*steps, *at).any(|had| had.open.len() >= OPEN_MAX);
                assert!(was_full, "refused, and there was room: {key} {answer:?} {:?}", book.head());
                self.came_up(Case::TooManyHolds);
            }
            (422, "idempotency_key_reused") => {
                let (_, entry) = made.unwrap_or_else(|| panic!("a key that wasn't used: {key} {answer:?}"));
                assert!(!is_own(entry), "its own key: {key} {answer:?}");
                self.came_up(Case::KeyReused);
            }
            _ => panic!("no answer to a hold: {key} {answer:?}"),
        }
    }

    /// Counts a request that was carried out: as that case, or if it had been carried out before and its answer was lost, as
    /// asked again.
    fn answered_once(&self, answer: &Answer, case: Case) {
        if !answer.is_replay {
            self.came_up(case);
        } else if answer.unanswered > 0 {
            self.came_up(Case::AskedAgain);
        }
    }

    /// Captures or releases a hold.
    pub async fn end_hold(self: &Arc<Self>, account: usize, key: &str, end: End, when: When) {
        let is_known = lock(&self.audit).book(&self.plan.accounts[account]).hold(key).is_some();
        // Of those whose hold was refused, or is late, few ask.
        if !is_known && self.draw(UNKNOWN_ONCE_OF) > 0 {
            return;
        }
        if let When::AtExpiry(after_ms) = when {
            self.wait_for_end(account, key, TimeDelta::milliseconds(after_ms)).await;
        }
        let request = Request::end_of_hold(&self.plan.accounts[account], key, end);
        let answer = self.ask(&request).await;
        self.check_end_of_hold(account, key, end, &answer);
        // Whichever request ended a hold, it stays the one that did.
        if answer.status == 200 || answer.body["code"] == "hold_settled" {
            self.keep((account, end.kind(), key), &request, &answer);
        }
    }

    /// Waits until a hold is over by the clock before the function, and so much longer.
    async fn wait_for_end(&self, account: usize, key: &str, after: TimeDelta) {
        let expires_at = {
            let audit = lock(&self.audit);
            let book = audit.book(&self.plan.accounts[account]);
            book.hold(key).map(|(_, entry)| entry.expires_at())
        };
        let wait = expires_at.map(|expires_at| expires_at + after - self.now_at(Function::Debit));
        if let Some(wait) = wait.filter(|wait| *wait < WAITED_MAX) {
            sleep(wait.to_std().unwrap_or_default()).await;
        }
    }

    /// Whether the answer to a capture or release is true.
    fn check_end_of_hold(&self, account: usize, key: &str, end: End, answer: &Answer) {
        let Answer { status, body, steps, at, .. } = answer;
        let audit = lock(&self.audit);
        let book = audit.book(&self.plan.accounts[account]);
        let ended = book.end_of_hold(key);
        let was_ended = ended.is_some_and(|(step, _)| *step < steps.0);
        let Some((made_at, hold)) = book.hold(key) else {
            assert_eq!((*status, &body["code"]), (404, &"hold_not_found".into()), "{key} {answer:?}");
            self.came_up(Case::HoldNotFound);
            return;
        };
        let expires_at = hold.expires_at();
        if (*at - expires_at).abs() <= TimeDelta::milliseconds(1) {
            self.came_up(Case::AtExpiry);
        }
        let set_aside = hold.credits.map(|taken| -taken);
        let takes = end.takes(&hold.item["operation"], set_aside);
        let was_open = || book.between(*steps, *at).any(|had| had.open.contains(&hold.sequence));
        match (status, body["code"].as_str().unwrap_or_default()) {
            (200, _) => {
                let (_, entry) = ended.unwrap_or_else(|| panic!("ended, and no entry: {key} {answer:?}"));
                check_ended(body, key, entry);
                assert_eq!(entry.kind, end.kind(), "another's answer: {key} {answer:?}");
                assert_eq!(takes, Some(amounts(&body["captured"])), "another's answer: {key} {answer:?}");
                let all = sum(amounts(&body["captured"]), amounts(&body["returned"]));
                assert_eq!(all, set_aside, "credits of a hold are lost or doubled: {key} {answer:?}");
                let case = match end {
                    End::Release => Case::Released,
                    _ if takes == Some(set_aside) => Case::CapturedWhole,
                    _ => Case::CapturedPart,
                };
                self.answered_once(answer, case);
            }
            (409, "hold_settled") => {
                let (_, entry) = ended.unwrap_or_else(|| panic!("no end was written: {key} {answer:?}"));
                assert_eq!(body["hold_status"], status_of(entry), "{answer:?} {entry:?}");
                assert_eq!(amounts(&body["captured"]), amounts(&entry.item["captured"]), "{answer:?}");
                assert_eq!(amounts(&body["returned"]), entry.came_back(), "{answer:?} {entry:?}");
                assert!(self.may_be_of_another(account, hold, end, entry), "its own end: {key} {answer:?}");
                self.came_up(Case::HoldSettled);
            }
            (409, "hold_expired") => {
                let is_it = body["expired_at"] == hold.item["expires_at"];
                assert!(is_it, "another hold's end: {key} {answer:?}");
                assert!(!was_ended, "reported as expired, and it was ended: {key} {answer:?}");
                let was_over = book.between(*steps, *at).any(|had| {
                    let is_ended = ended.is_some_and(|(_, entry)| entry.sequence <= had.sequence);
                    had.sequence >= hold.sequence && !is_ended && !had.open.contains(&hold.sequence)
                });
                assert!(was_over, "reported as expired, and it was open: {key} {answer:?} {hold:?}");
                lock(&self.memory).expired.entry((account, key.to_owned())).or_insert(steps.1);
                self.came_up(Case::HoldExpired);
            }
            (422, "exceeds_hold") => {
                assert_eq!(takes, None, "it was within what is held: {key} {answer:?} {hold:?}");
                let within = pieces(&hold.item["operation"]);
                let is_shown = within.map(|(unit, count)| body["held"][unit] == count);
                assert!(is_shown.unwrap_or(body.get("held").is_none()), "{answer:?} {hold:?}");
                assert!(!was_ended && was_open(), "it was over: {key} {answer:?} {hold:?}");
                self.came_up(Case::ExceedsHold);
            }
            (404, "hold_not_found") => {
                assert!(*made_at >= steps.0, "not found, and there: {key} {answer:?} {hold:?}");
                self.came_up(Case::HoldNotFound);
            }
            _ => panic!("no answer to the end of a hold: {key} {end:?} {answer:?}"),
        }
    }

    /// Whether a hold may have been ended by another request than that: of those that would end it so, the plan has others.
    fn may_be_of_another(&self, account: usize, hold: &Entry, end: End, entry: &Entry) -> bool {
        let set_aside = hold.credits.map(|taken| -taken);
        let captured = amounts(&entry.item["captured"]);
        let would = |end: End| {
            end.kind() == entry.kind && end.takes(&hold.item["operation"], set_aside) == Some(captured)
        };
        let mut asked = self.plan.actions.iter().filter_map(|timed| match &timed.action {
            Action::End { hold: key, end, .. } if timed.account == account && *key == hold.reference => {
                Some(*end)
            }
            _ => None,
        });
        !would(end) || asked.any(|other| other != end && would(other))
    }

    /// Looks at a hold.
    pub async fn look_at_hold(self: &Arc<Self>, account: usize, key: &str) {
        let request = Request::shown_hold(&self.plan.accounts[account], key);
        let answer = self.ask(&request).await;
        let case = {
            let audit = lock(&self.audit);
            check_shown_hold(audit.book(&self.plan.accounts[account]), key, &answer)
        };
        if let Some(case) = case {
            self.came_up(case);
        }
    }
}

/// Checks that a hold is shown as it is, or was at some time while that was asked. Which case it is, if there is such a hold.
///
/// # Panics
/// If it is shown as something else.
pub fn check_shown_hold(book: &Book, key: &str, answer: &Answer) -> Option<Case> {
    let Answer { status, body, steps, at, .. } = answer;
    let Some((made_at, hold)) = book.hold(key) else {
        assert_eq!((*status, &body["code"]), (404, &"hold_not_found".into()), "{key} {answer:?}");
        return None;
    };
    if *status == 404 {
        assert!(*made_at >= steps.0, "not found, and there: {key} {answer:?} {hold:?}");
        return None;
    }
    assert_eq!(*status, 200, "no answer to a look: {key} {answer:?}");
    check_body(body, key, hold);
    let back = |until: u64| {
        let entries = book.entries.iter().filter(|(step, _)| *step < until).map(|(_, entry)| entry);
        let of_it = entries.filter(|entry| entry.kind == "reversal" && entry.item["debit_id"] == key);
        of_it.map(Entry::came_back).fold([0; 3], sum)
    };
    let is_within = (0..3).all(|kind| {
        let reversed = amounts(&body["reversed"])[kind];
        (back(steps.0)[kind]..=back(steps.1)[kind]).contains(&reversed)
    });
    assert!(is_within, "other credits came back: {key} {answer:?}");
    let ended = book.end_of_hold(key);
    let was_ended = ended.is_some_and(|(step, _)| *step < steps.0);
    let shown = (amounts(&body["captured"]), amounts(&body["returned"]));
    let is_over = *at >= hold.expires_at();
    match body["status"].as_str().unwrap_or_default() {
        "held" => {
            assert!(!is_over && !was_ended, "shown as held, and over: {key} {answer:?} {hold:?}");
            assert_eq!(shown, ([0; 3], [0; 3]), "{answer:?}");
            Some(Case::SeenHeld)
        }
        "expired" => {
            assert!(is_over && !was_ended, "shown as expired, and not: {key} {answer:?} {hold:?}");
            assert_eq!(shown, ([0; 3], hold.credits.map(|taken| -taken)), "{answer:?}");
            Some(Case::SeenExpired)
        }
        status => {
            let (_, entry) = ended.unwrap_or_else(|| panic!("no end was written: {key} {answer:?}"));
            assert_eq!(status, status_of(entry), "{answer:?} {entry:?}");
            let captured = amounts(&entry.item["captured"]);
            assert_eq!(shown, (captured, entry.came_back()), "{answer:?} {entry:?}");
            Some(Case::SeenEnded)
        }
    }
}

/// The status of a hold that a caller ended.
fn status_of(entry: &Entry) -> &'static str {
    if entry.kind == "capture" { "captured" } else { "released" }
}

/// Checks what an answer says of a hold as it was made.
fn check_body(body: &Value, key: &str, entry: &Entry) {
    assert_eq!(body["hold_id"], key, "{body} {entry:?}");
    assert_eq!(amounts(&body["credits"]), entry.credits.map(|taken| -taken), "{body} {entry:?}");
    assert_eq!(amounts(&body["balance"]), entry.balance, "{body} {entry:?}");
    assert_eq!(body["sequence"], entry.sequence, "{body} {entry:?}");
    for name in ["operation", "deferred_images", "expires_at", "low"] {
        assert_eq!(body[name], entry.item[name], "{body} {entry:?}");
    }
    assert_eq!(body["created_at"], entry.item["at"], "{body} {entry:?}");
}

/// Checks what an answer says of a hold that its caller ended.
fn check_ended(body: &Value, key: &str, entry: &Entry) {
    assert_eq!(body["hold_id"], key, "{body} {entry:?}");
    assert_eq!(body["status"], status_of(entry), "{body} {entry:?}");
    assert_eq!(amounts(&body["captured"]), amounts(&entry.item["captured"]), "{body} {entry:?}");
    assert_eq!(amounts(&body["returned"]), entry.came_back(), "{body} {entry:?}");
    assert_eq!(amounts(&body["offset"]), amounts(&entry.item["offset"]), "{body} {entry:?}");
    assert_eq!(amounts(&body["balance"]), entry.balance, "{body} {entry:?}");
    assert_eq!(body["sequence"], entry.sequence, "{body} {entry:?}");
    assert_eq!(body["created_at"], entry.item["at"], "{body} {entry:?}");
    assert_eq!(body["operation"], entry.item["operation"], "{body} {entry:?}");
}
