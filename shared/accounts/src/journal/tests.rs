use super::*;
use crate::Subscription;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An account of November on the basic plan, whose mark of playground credits is 200, a fifth of its 1,000; those of
/// the others are 0 and 8.
fn account(balance: Credits) -> Account {
    Account {
        balance,
        period: "2026-11".parse().unwrap(),
        subscriptions: vec![Subscription::of_basic(time("2027-06-01T00:00:00Z"))],
        ..Account::unseen(time("2026-11-20T00:00:00Z"))
    }
}

const NOVEMBER: &str = "2026-11-22T10:00:00Z";

/// The kinds that are low in an entry that makes this change.
fn low(account: &Account, change: Change) -> Vec<Kind> {
    let journal = Journal::open(account, time(NOVEMBER));
    journal.close_with(Event::Purchase, change, "test", |_| {}).unwrap().entry.low
}

#[test]
fn only_the_entry_that_falls_to_a_mark_reports_it() {
    use Kind::{Playground, Tune, TuneImage};
    let c = Credits::new;
    // balance, change -> low
    for (balance, change, expected) in [
        (c(202, 0, 0), Change::new(-1, 0, 0), &[][..]),
        (c(201, 0, 0), Change::new(-1, 0, 0), &[Playground]),
        (c(1000, 0, 0), Change::new(-1000, 0, 0), &[Playground]),
        (c(200, 0, 0), Change::new(-1, 0, 0), &[]),
        (c(190, 0, 0), Change::new(20, 0, 0), &[]),
        (c(0, 2, 0), Change::new(0, -1, 0), &[]),
        (c(0, 1, 0), Change::new(0, -1, 0), &[Tune]),
        (c(0, 0, 16), Change::new(0, 0, -8), &[TuneImage]),
        (c(0, 0, 17), Change::new(0, 0, -8), &[]),
        (c(0, 1, 64), Change::new(0, -1, -64), &[Tune, TuneImage]),
        (c(201, 1, 9), Change::new(-1, -1, -1), &[Playground, Tune, TuneImage]),
    ] {
        assert_eq!(low(&account(balance), change), expected, "{balance:?} {change:?}");
    }
    // Without a plan nothing is low before it is gone.
    let planless = |playground| Account { balance: c(playground, 0, 0), ..Account::unseen(time(NOVEMBER)) };
    assert_eq!(low(&planless(2), Change::new(-1, 0, 0)), []);
    assert_eq!(low(&planless(1), Change::new(-1, 0, 0)), [Playground]);
    // After the balance rises above its mark, a fall is reported again.
    let mut again = account(c(201, 0, 0));
    let mut lows = Vec::new();
    for change in [Change::new(-1, 0, 0), Change::new(900, 0, 0), Change::new(-1000, 0, 0)] {
        let journal = Journal::open(&again, time(NOVEMBER));
        let entry = journal.close_with(Event::Purchase, change, "test", |_| {}).unwrap().entry;
        lows.push(entry.low.len());
        again = entry.account;
    }
    assert_eq!(lows, [1, 0, 1]);
}

#[test]
fn an_expiry_is_low_unless_a_refill_follows() {
    let lows = |playground: u64, paid_through: &str| -> Vec<_> {
        let account = Account {
            subscriptions: vec![Subscription::of_basic(time(paid_through))],
            ..account(Credits::new(playground, 0, 0))
        };
        let entries = Journal::open(&account, time("2026-12-01T00:00:00Z")).close(Vec::new()).entries;
        entries.into_iter().map(|entry| (entry.event, entry.low)).collect()
    };
    let (paid, unpaid) = ("2027-06-01T00:00:00Z", "2026-12-01T00:00:00Z");
    assert_eq!(lows(500, paid), [(Event::Expiry, vec![]), (Event::Refill, vec![])]);
    assert_eq!(lows(500, unpaid), [(Event::Expiry, vec![Kind::Playground])]);
    // It was low before.
    assert_eq!(lows(200, unpaid), [(Event::Expiry, vec![])]);
}
