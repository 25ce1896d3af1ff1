//! What an account has at a moment: what its newest entry left, with the holds that expired since and the month's turn
//! counted in (docs/rules.md, rules 2 to 4 and 9, and holds).
//!
//! Invariant: nothing here is computed by the code under test.

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;

use crate::entry::{Amounts, Entry, amounts, sum};

/// A hold that is open, as an entry carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenHold {
    /// Its own entry.
    pub sequence: i64,
    pub credits: Amounts,
    pub expires_at: DateTime<Utc>,
}

impl Entry {
    /// The holds that are open after it, the oldest first.
    pub fn open_holds(&self) -> Vec<OpenHold> {
        let holds = self.item["holds"].as_array().map_or(&[][..], Vec::as_slice);
        let open = |hold: &Value| OpenHold {
            sequence: hold["sequence"].as_i64().unwrap_or_default(),
            credits: amounts(&hold["credits"]),
            expires_at: time(&hold["expires_at"]),
        };
        holds.iter().map(open).collect()
    }

    /// When the hold that it makes is over.
    pub fn expires_at(&self) -> DateTime<Utc> {
        time(&self.item["expires_at"])
    }

    /// The allowance of a month: that of the plans whose paid time reaches into it.
    pub fn allowance(&self, month: &str) -> i64 {
        let first: DateTime<Utc> = format!("{month}-01T00:00:00Z").parse().expect("a month's first moment");
        let is_paid = |known: &&Value| {
            let paid_through = known["paid_through"].as_str().and_then(|end| end.parse().ok());
            paid_through.is_some_and(|end: DateTime<Utc>| end > first)
        };
        let paid = self.subscriptions().iter().filter(is_paid);
        paid.filter_map(|known| known["allowance"].as_i64()).max().unwrap_or_default()
    }
}

/// A time as it is written.
///
/// # Panics
/// If it is none.
fn time(text: &Value) -> DateTime<Utc> {
    text.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{text} is no time"))
}

/// The month of a moment, as periods are written.
pub fn month(at: DateTime<Utc>) -> String {
    format!("{:04}-{:02}", at.year(), at.month())
}

/// An account at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountAt {
    pub balance: Amounts,
    pub owed: Amounts,
    pub held: Amounts,
    /// The entries of the holds that are open.
    pub open: Vec<i64>,
    /// The newest entry.
    pub sequence: i64,
    period: String,
}

impl AccountAt {
    /// What an account has at a moment, by its newest entry. Time doesn't run backwards: before that entry it has what the
    /// entry left.
    pub fn of(head: Option<&Entry>, now: DateTime<Utc>) -> Self {
        let Some(head) = head else { return Self::default() };
        let now = now.max(head.at);
        let (mut over, open): (Vec<_>, Vec<_>) =
            head.open_holds().into_iter().partition(|hold| hold.expires_at <= now);
        over.sort_by_key(|hold| (hold.expires_at, hold.sequence));
        let mut account = Self {
            balance: head.balance,
            owed: head.owed,
            held: open.iter().map(|hold| hold.credits).fold([0; 3], sum),
            open: open.iter().map(|hold| hold.sequence).collect(),
            sequence: head.sequence,
            period: head.period.clone(),
        };
        for hold in over {
            account.turn(head, hold.expires_at);
            account.give_back(hold.credits);
        }
        account.turn(head, now);
        account
    }

    /// Turns to the month of a moment: what is left of playground credits expires, those that are owed are forgotten,
    /// and a plan that is paid into the month gives its allowance.
    fn turn(&mut self, head: &Entry, at: DateTime<Utc>) {
        let month = month(at);
        if month <= self.period {
            return;
        }
        self.balance[0] = head.allowance(&month);
        self.owed[0] = 0;
        self.period = month;
    }

    /// Gives back what a hold had set aside: what is owed is paid first.
    fn give_back(&mut self, credits: Amounts) {
        for (kind, credits) in credits.into_iter().enumerate() {
            let offset = self.owed[kind].min(credits);
            self.owed[kind] -= offset;
            self.balance[kind] += credits - offset;
        }
    }
}
