//! A reversal: credits of a debit come back because its work failed (contract, section 3).
//!
//! Playground credits come back even where their month is over: the customer paid for work that was not
//! done. They expire with the month they come back in.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Account, Change, DebitId, Decision, Event, Reason, Record, Refusal, ReversalId, clawback::pay_owed,
    ids::present, journal::Journal,
};

/// What the caller asks for. Its JSON is what a retry is compared by, so a field that is added later must
/// leave the JSON of older requests as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// How much comes back; all that is left of the debit where it isn't said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_credits")]
    pub credits: Option<Credits>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub reason: Option<Reason>,
}

/// Asking for nothing back is a mistake, not a reversal.
fn some_credits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Credits>, D::Error> {
    let credits = Credits::deserialize(deserializer)?;
    if credits.is_zero() {
        return Err(serde::de::Error::custom(
            "credits must not all be zero; leave them out for all that is left",
        ));
    }
    Ok(Some(credits))
}

/// What is known of a debit that may be reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebitRecord {
    /// What the debit took.
    pub taken: Credits,
    /// What came back so far, in all its reversals.
    pub reversed: Credits,
}

/// Decides a reversal: the entry that gives the credits back and the debit's new total.
///
/// # Errors
/// [`Refusal::DebitNotFound`], or [`Refusal::ExceedsDebit`] where more is asked for than is left of the
/// debit, of any kind, or where nothing is left.
pub fn decide(
    account: &Account,
    id: &ReversalId,
    debit_id: &DebitId,
    debit: Option<&DebitRecord>,
    reversal: &Reversal,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let debit = debit.ok_or(Refusal::DebitNotFound)?;
    let reversible = debit.taken.checked_sub(debit.reversed).unwrap_or(Credits::ZERO);
    let credits = reversal.credits.unwrap_or(reversible);
    if credits.is_zero() || !reversible.covers(credits) {
        return Err(Refusal::ExceedsDebit { reversible });
    }
    let after = debit.reversed.checked_add(credits).ok_or(Refusal::BalanceLimit)?;
    let mut journal = Journal::open(account, now);
    // What is owed is paid first: nobody ends with both the money and the credits (rule 9).
    let (given, owed) = pay_owed(journal.account().owed, credits);
    let offset = given.shortfall(credits);
    let change = Change::give(given).ok_or(Refusal::BalanceLimit)?;
    let event = Event::Reversal { debit_id: debit_id.clone(), offset, reason: reversal.reason.clone() };
    journal.post(event, change, id.as_str(), |account| account.owed = owed)?;
    Ok(journal.close(vec![Record::Reversed { debit_id: debit_id.clone(), before: debit.reversed, after }]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntryKind;

    fn now() -> DateTime<Utc> {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn playground(credits: u64) -> Credits {
        Credits::new(credits, 0, 0)
    }

    #[test]
    fn never_more_comes_back_than_was_taken_of_any_kind() {
        let tune = Credits::new(0, 1, 64);
        // taken, reversed before, asked for -> given, or what is reversible
        for (taken, reversed, asked, expected) in [
            (playground(10), playground(0), None, Ok(playground(10))),
            (playground(10), playground(0), Some(playground(10)), Ok(playground(10))),
            (playground(10), playground(0), Some(playground(11)), Err(playground(10))),
            (playground(10), playground(4), None, Ok(playground(6))),
            (playground(10), playground(4), Some(playground(6)), Ok(playground(6))),
            (playground(10), playground(4), Some(playground(7)), Err(playground(6))),
            (playground(10), playground(10), None, Err(playground(0))),
            (playground(10), playground(10), Some(playground(1)), Err(playground(0))),
            (playground(10), playground(0), Some(Credits::new(1, 1, 0)), Err(playground(10))),
            (tune, playground(0), Some(Credits::new(0, 0, 65)), Err(tune)),
            (tune, Credits::new(0, 0, 64), None, Ok(Credits::new(0, 1, 0))),
            (tune, Credits::new(0, 0, 64), Some(Credits::new(0, 0, 1)), Err(Credits::new(0, 1, 0))),
        ] {
            let account = Account::unseen(now());
            let ids = (ReversalId::parse("r").unwrap(), DebitId::parse("d").unwrap());
            let debit = DebitRecord { taken, reversed };
            let reversal = Reversal { credits: asked, reason: None };
            let decided = decide(&account, &ids.0, &ids.1, Some(&debit), &reversal, now());
            match (decided, expected) {
                (Ok(decision), Ok(given)) => {
                    assert_eq!(decision.entries.len(), 1);
                    let entry = &decision.entries[0];
                    assert_eq!(entry.event.kind(), EntryKind::Reversal);
                    assert_eq!((entry.change.given(), entry.account.balance), (given, given));
                    let after = reversed.checked_add(given).unwrap();
                    assert!(taken.covers(after));
                    let record = Record::Reversed { debit_id: ids.1, before: reversed, after };
                    assert_eq!(decision.records, [record]);
                }
                (Err(refusal), Err(reversible)) => assert_eq!(refusal, Refusal::ExceedsDebit { reversible }),
                (decided, _) => panic!("{taken:?} {reversed:?} {asked:?}: {decided:?}"),
            }
        }
    }

    #[test]
    fn a_reversal_pays_what_is_owed_first() {
        let c = Credits::new;
        // owed, reversed -> given, still owed
        for (owed, reversed, given, still) in [
            (c(0, 0, 0), c(10, 0, 0), c(10, 0, 0), c(0, 0, 0)),
            (c(4, 0, 0), c(10, 0, 0), c(6, 0, 0), c(0, 0, 0)),
            (c(10, 0, 0), c(10, 0, 0), c(0, 0, 0), c(0, 0, 0)),
            (c(14, 0, 0), c(10, 0, 0), c(0, 0, 0), c(4, 0, 0)),
            // Each kind by itself.
            (c(9, 0, 8), c(0, 1, 64), c(0, 1, 56), c(9, 0, 0)),
        ] {
            let account = Account { owed, ..Account::unseen(now()) };
            let ids = (ReversalId::parse("r").unwrap(), DebitId::parse("d").unwrap());
            let debit = DebitRecord { taken: reversed, reversed: Credits::ZERO };
            let reversal = Reversal { credits: None, reason: None };
            let decision = decide(&account, &ids.0, &ids.1, Some(&debit), &reversal, now()).unwrap();
            let [entry] = &decision.entries[..] else { panic!("{decision:?}") };
            let Event::Reversal { offset, .. } = entry.event else { panic!("{entry:?}") };
            assert_eq!((entry.change.given(), entry.account.owed), (given, still), "{owed:?} {reversed:?}");
            assert_eq!(given.checked_add(offset), Some(reversed), "{owed:?} {reversed:?}");
            let after = Record::Reversed { debit_id: ids.1, before: Credits::ZERO, after: reversed };
            assert_eq!(decision.records, [after], "the debit counts all of it as reversed");
        }
    }

    #[test]
    fn a_debit_that_is_not_known_is_not_reversed() {
        let ids = (ReversalId::parse("r").unwrap(), DebitId::parse("d").unwrap());
        let reversal = Reversal { credits: None, reason: None };
        let decided = decide(&Account::unseen(now()), &ids.0, &ids.1, None, &reversal, now());
        assert_eq!(decided, Err(Refusal::DebitNotFound));
    }

    #[test]
    fn a_reversal_parses_to_what_it_asks_for() {
        let reason = |length: usize| format!(r#"{{"reason":"{}"}}"#, "ü".repeat(length));
        for (body, valid) in [
            ("{}".to_owned(), true),
            (r#"{"credits":{"playground":1,"tune":0,"tune_image":0}}"#.to_owned(), true),
            (r#"{"credits":{"playground":0,"tune":0,"tune_image":0}}"#.to_owned(), false),
            (r#"{"credits":{"playground":1}}"#.to_owned(), false),
            (r#"{"credits":null}"#.to_owned(), false),
            (r#"{"credit":1}"#.to_owned(), false),
            (r#"{"reason":5}"#.to_owned(), false),
            (r#"{"reason":null}"#.to_owned(), false),
            (reason(200), true),
            (reason(201), false),
        ] {
            assert_eq!(serde_json::from_str::<Reversal>(&body).is_ok(), valid, "{body}");
        }
        let reversal: Reversal = serde_json::from_str(r#"{"reason":"one image failed"}"#).unwrap();
        assert_eq!(reversal.reason.as_ref().map(Reason::as_str), Some("one image failed"));
    }
}
