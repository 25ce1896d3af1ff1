//! The turn of the month: unspent playground credits expire, and the balance is refilled to the allowance
//! (docs/rules.md, rules 1 to 3).
//!
//! Every decision opens a journal, which turns the month first. So the first write of a month (a debit, a purchase, the
//! sweep) includes these entries, and no later one makes them again.

use chrono::{DateTime, Utc};

use crate::{Account, Decision, Event, journal::Journal};

/// Decides the turn of the month alone, for the sweep on the first of the month. The decision has the entries that are
/// due at a given time; it is empty if they were made before.
///
/// An account may be due only because an open hold has playground credits, which may come back in the new month. Then
/// an `expiry` entry of zero credits moves the account to the new month, and the account is due again at that month's
/// end.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, EntryKind, refill};
/// use scrip_pricing::Credits;
///
/// let november = "2026-11-20T00:00:00Z".parse().unwrap();
/// let account = Account { balance: Credits::new(40, 1, 64), ..Account::unseen(november) };
/// let decision = refill::decide(&account, "2026-12-01T00:00:00Z".parse().unwrap());
/// // The account has no plan: its playground credits expire and are not refilled.
/// let [entry] = &decision.entries[..] else { panic!("{decision:?}") };
/// assert_eq!(entry.event.kind(), EntryKind::Expiry);
/// assert_eq!(entry.account.balance, Credits::new(0, 1, 64));
/// ```
#[must_use]
pub fn decide(account: &Account, moment: DateTime<Utc>) -> Decision {
    let mut journal = Journal::open(account, moment);
    let (written, month) = (journal.written_month(), journal.account().period);
    if written < month && journal.account().held().playground() > 0 {
        let playground = journal.account().balance.playground();
        journal.set_playground(Event::Expiry, playground, written.to_string(), |_| {});
    }
    journal.close(Vec::new())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use scrip_pricing::Credits;

    use crate::{Account, Change, EntryKind, OpenHold, Period, Sequence, Subscription};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// An account last settled in a month, with a plan of 1000 paid through a moment.
    fn account(period: &str, playground: u64, paid_through: Option<&str>) -> Account {
        let period: Period = period.parse().unwrap();
        Account {
            sequence: Sequence::new(7),
            balance: Credits::new(playground, 3, 104),
            owed: Credits::new(5, 1, 2),
            period,
            subscriptions: paid_through
                .map(|moment| Subscription::of_basic(time(moment)))
                .into_iter()
                .collect(),
            holds: Vec::new(),
            updated_at: period.start(),
        }
    }

    #[test]
    fn the_first_moment_of_a_month_settles_the_one_before() {
        use EntryKind::{Expiry, Refill};
        const JAN_15: Option<&str> = Some("2027-01-15T00:00:00Z");
        // settled in, left, paid through, now -> entries, playground after
        type Row = (&'static str, u64, Option<&'static str>, &'static str, &'static [EntryKind], u64);
        let table: &[Row] = &[
            // The month's last and first moment.
            ("2026-11", 40, JAN_15, "2026-11-30T23:59:59.999Z", &[], 40),
            ("2026-11", 40, JAN_15, "2026-12-01T00:00:00Z", &[Expiry, Refill], 1000),
            ("2026-11", 0, JAN_15, "2026-12-01T00:00:00Z", &[Refill], 1000),
            ("2026-12", 40, JAN_15, "2027-01-01T00:00:00Z", &[Expiry, Refill], 1000),
            ("2026-12", 1000, JAN_15, "2026-12-01T00:00:01Z", &[], 1000),
            // Paid up to the turn, not beyond it: rule 3.
            ("2026-11", 40, Some("2026-12-01T00:00:00Z"), "2026-12-01T00:00:00Z", &[Expiry], 0),
            ("2026-11", 40, Some("2026-12-01T00:00:01Z"), "2026-12-01T00:00:00Z", &[Expiry, Refill], 1000),
            ("2026-11", 40, Some("2026-12-01T00:00:01Z"), "2026-12-31T23:59:59Z", &[Expiry, Refill], 1000),
            ("2026-11", 40, Some("2026-12-31T23:59:59Z"), "2027-01-01T00:00:00Z", &[Expiry], 0),
            ("2026-11", 40, None, "2026-12-01T00:00:00Z", &[Expiry], 0),
            ("2026-11", 0, None, "2026-12-01T00:00:00Z", &[], 0),
            // Months without a write are not made up for.
            ("2026-08", 40, JAN_15, "2026-12-09T12:00:00Z", &[Expiry, Refill], 1000),
            // A clock that is behind doesn't go back into a settled month.
            ("2026-12", 900, JAN_15, "2026-11-30T23:59:58Z", &[], 900),
        ];
        for (period, left, paid_through, now, entries, after) in table {
            let before = account(period, *left, *paid_through);
            let decision = super::decide(&before, time(now));
            let kinds: Vec<_> = decision.entries.iter().map(|entry| entry.event.kind()).collect();
            assert_eq!(kinds, *entries, "{period} {left} {paid_through:?} at {now}");
            let settled = before.as_of(time(now));
            assert_eq!(settled.balance, Credits::new(*after, 3, 104), "{period} at {now}");
            // Playground credits owed are forgotten at the month's turn, the others never (rule 9).
            let owed = if settled.period > before.period { 0 } else { 5 };
            assert_eq!(settled.owed, Credits::new(owed, 1, 2), "{period} at {now}");
            // Once settled, nothing is left to settle.
            assert_eq!(settled.as_of(time(now)), settled);
        }
    }

    #[test]
    fn a_clock_that_is_behind_names_the_refill_after_the_settled_month() {
        let account = account("2026-12", 900, Some("2027-01-15T00:00:00Z"));
        let next = account.next_refill_at(time("2026-11-30T23:59:58Z"));
        assert_eq!(next, Some(time("2027-01-01T00:00:00Z")));
    }

    #[test]
    fn an_account_whose_playground_credits_are_held_at_the_turn_is_listed_for_the_next() {
        let held = |playground| OpenHold {
            sequence: Sequence::new(7),
            credits: Credits::new(playground, 1, 0),
            expires_at: time("2026-12-01T00:10:00Z"),
        };
        let turn = time("2026-12-01T00:00:00Z");
        for (playground, kinds, due) in [(5, &[EntryKind::Expiry][..], true), (0, &[], false)] {
            let before = Account { holds: vec![held(playground)], ..account("2026-11", 0, None) };
            assert_eq!(before.due_after().is_some(), due);
            let entries = super::decide(&before, turn).entries;
            let made: Vec<_> = entries.iter().map(|entry| entry.event.kind()).collect();
            assert_eq!(made, kinds);
            for entry in entries {
                assert_eq!((entry.change, entry.reference.as_str()), (Change::NONE, "2026-11"));
                assert_eq!(entry.account.due_after(), Some("2026-12".parse().unwrap()));
                // They come back in December, and expire with it.
                let back = entry.account.as_of(time("2026-12-31T23:59:59Z"));
                assert_eq!(back.balance.playground(), 5);
                let kinds = super::decide(&back, time("2027-01-01T00:00:00Z")).entries;
                assert_eq!(kinds.len(), 1);
                assert_eq!(super::decide(&entry.account, turn).entries, []);
            }
        }
    }

    #[test]
    fn an_account_is_due_if_the_next_month_makes_an_entry() {
        for (left, paid_through, due) in [
            (0, None, false),
            (1, None, true),
            (0, Some("2026-12-01T00:00:00Z"), false),
            (0, Some("2026-12-01T00:00:01Z"), true),
        ] {
            let account = account("2026-11", left, paid_through);
            assert_eq!(account.due_after().is_some(), due, "{left} {paid_through:?}");
            // An account is due exactly if the next month's first moment makes an entry.
            let entries = super::decide(&account, time("2026-12-01T00:00:00Z")).entries;
            assert_eq!(!entries.is_empty(), due, "{left} {paid_through:?}");
        }
    }
}
