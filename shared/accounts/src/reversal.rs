//! A reversal: credits of a debit or captured hold come back because its work failed (docs/rules.md, Holds and
//! reversals).
//!
//! Playground credits come back even if their month is over, because the customer paid for work that was not done. They
//! expire at the end of the month in which they come back.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Change, Command, CommandKey, CommandState, DebitId, Entry, Event, OtherKind, Posting, Reason, Record,
    Refusal, ReversalId, Sequence, Subject, clawback::pay_owed, ids::present, journal::Journal,
};

/// The body of a reversal's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReversalRequest {
    /// The credits that come back; absent for all that is left of the debit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nonzero_credits")]
    pub credits: Option<Credits>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub reason: Option<Reason>,
}

/// Refuses zero credits: a request for nothing is a mistake.
fn nonzero_credits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Credits>, D::Error> {
    let credits = Credits::deserialize(deserializer)?;
    if credits.is_zero() {
        return Err(serde::de::Error::custom(
            "credits must not all be zero; leave them out for all that is left",
        ));
    }
    Ok(Some(credits))
}

/// The command that gives back credits of a debit or captured hold.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Command, CommandState, DebitId, DebitRecord, Reversal, ReversalId, Sequence};
/// use scrip_pricing::Credits;
///
/// let reversal = Reversal {
///     id: ReversalId::parse("job-1-failed")?,
///     debit_id: DebitId::parse("job-1")?,
///     request: serde_json::from_str("{}")?,
/// };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account::unseen(now);
/// // Two of the debit's six credits came back before.
/// let (taken, reversed) = (Credits::new(6, 0, 0), Credits::new(2, 0, 0));
/// let debit = DebitRecord { sequence: Sequence::new(1), taken, reversed };
/// let state = CommandState { debit: Some(&debit), ..CommandState::of_account(&account, now) };
/// let posting = reversal.decide(&state).unwrap();
/// assert_eq!(posting.entry.account.balance, Credits::new(4, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// The caller's idempotency key.
    pub id: ReversalId,
    /// The debit whose credits come back.
    pub debit_id: DebitId,
    /// The request's body.
    pub request: ReversalRequest,
}

/// The debit's id is a part of the fingerprint: the same key for another debit is another request.
impl Serialize for Reversal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.debit_id, &self.request).serialize(serializer)
    }
}

/// A reversal that was carried out, as its entry records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReversalOutcome {
    /// The debit.
    pub debit_id: DebitId,
    /// The credits that came back, including the offset.
    pub credits: Credits,
    /// The part of them that paid owed credits (rule 9).
    pub offset: Credits,
    /// The balance after it.
    pub balance: Credits,
    /// The sequence of its entry.
    pub sequence: Sequence,
    /// The time of its entry.
    pub at: DateTime<Utc>,
}

impl TryFrom<&Entry> for ReversalOutcome {
    type Error = OtherKind;

    fn try_from(entry: &Entry) -> Result<Self, OtherKind> {
        let Event::Reversal { debit_id, offset, .. } = &entry.event else { return Err(OtherKind) };
        Ok(Self {
            debit_id: debit_id.clone(),
            // Both are parts of what a debit took, so their sum is within the limit.
            credits: entry.returned(*offset).unwrap_or_default(),
            offset: *offset,
            balance: entry.account.balance,
            sequence: entry.account.sequence,
            at: entry.at,
        })
    }
}

impl Command for Reversal {
    type Outcome = ReversalOutcome;

    fn key(&self) -> CommandKey {
        CommandKey::Reversal(self.id.clone())
    }

    fn subject(&self) -> Subject<'_> {
        Subject::Debit(&self.debit_id)
    }

    /// Makes the entry that gives the credits back, and updates the debit's total.
    ///
    /// # Errors
    /// [`Refusal::DebitNotFound`]; [`Refusal::ExceedsDebit`] if the request exceeds what is left of the debit in any
    /// kind, or if nothing is left.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal> {
        let debit = state.debit.ok_or(Refusal::DebitNotFound)?;
        let reversible = debit.taken.checked_sub(debit.reversed).unwrap_or(Credits::ZERO);
        let credits = self.request.credits.unwrap_or(reversible);
        if credits.is_zero() || !reversible.covers(credits) {
            return Err(Refusal::ExceedsDebit { reversible });
        }
        let after = debit.reversed.checked_add(credits).ok_or(Refusal::BalanceLimit)?;
        let journal = Journal::open(state.account, state.now);
        // Owed credits are paid first, so no customer keeps both the money and the credits (rule 9).
        let (given, owed) = pay_owed(journal.account().owed, credits);
        let offset = given.shortfall(credits);
        let change = Change::give(given).ok_or(Refusal::BalanceLimit)?;
        let (debit_id, reason) = (self.debit_id.clone(), self.request.reason.clone());
        let reversed = Record::Reversed {
            debit_id: debit_id.clone(),
            sequence: debit.sequence,
            before: debit.reversed,
            after,
        };
        let event = Event::Reversal { debit_id, offset, reason };
        let posting = journal.close_with(event, change, self.id.as_str(), |account| account.owed = owed)?;
        Ok(Posting { records: vec![reversed], ..posting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, DebitRecord, EntryKind};

    fn now() -> DateTime<Utc> {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    /// A reversal `r` of the debit `d`.
    fn decide(
        account: &Account,
        debit: Option<&DebitRecord>,
        credits: Option<Credits>,
    ) -> Result<Posting, Refusal> {
        let (id, debit_id) = (ReversalId::parse("r").unwrap(), DebitId::parse("d").unwrap());
        let reversal = Reversal { id, debit_id, request: ReversalRequest { credits, reason: None } };
        reversal.decide(&CommandState { account, debit, hold: None, now: now() })
    }

    fn record(taken: Credits, reversed: Credits) -> DebitRecord {
        DebitRecord { sequence: Sequence::new(3), taken, reversed }
    }

    fn reversed(before: Credits, after: Credits) -> [Record; 1] {
        let (debit_id, sequence) = (DebitId::parse("d").unwrap(), Sequence::new(3));
        [Record::Reversed { debit_id, sequence, before, after }]
    }

    fn playground(credits: u64) -> Credits {
        Credits::new(credits, 0, 0)
    }

    #[test]
    fn never_more_comes_back_than_was_taken_of_any_kind() {
        let tune = Credits::new(0, 1, 64);
        // taken, reversed before, asked for -> given, or what is reversible
        for (taken, before, asked, expected) in [
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
            let decided = decide(&Account::unseen(now()), Some(&record(taken, before)), asked);
            match (decided, expected) {
                (Ok(Posting { due, entry, records }), Ok(given)) => {
                    assert!(due.is_empty());
                    assert_eq!(entry.event.kind(), EntryKind::Reversal);
                    assert_eq!((entry.change.given(), entry.account.balance), (given, given));
                    let after = before.checked_add(given).unwrap();
                    assert!(taken.covers(after));
                    assert_eq!(records, reversed(before, after));
                }
                (Err(refusal), Err(reversible)) => assert_eq!(refusal, Refusal::ExceedsDebit { reversible }),
                (decided, _) => panic!("{taken:?} {before:?} {asked:?}: {decided:?}"),
            }
        }
    }

    #[test]
    fn a_reversal_pays_owed_credits_first() {
        let c = Credits::new;
        // owed, reversed -> given, still owed
        for (owed, taken, given, still) in [
            (c(0, 0, 0), c(10, 0, 0), c(10, 0, 0), c(0, 0, 0)),
            (c(4, 0, 0), c(10, 0, 0), c(6, 0, 0), c(0, 0, 0)),
            (c(10, 0, 0), c(10, 0, 0), c(0, 0, 0), c(0, 0, 0)),
            (c(14, 0, 0), c(10, 0, 0), c(0, 0, 0), c(4, 0, 0)),
            // Each kind by itself.
            (c(9, 0, 8), c(0, 1, 64), c(0, 1, 56), c(9, 0, 0)),
        ] {
            let account = Account { owed, ..Account::unseen(now()) };
            let posting = decide(&account, Some(&record(taken, Credits::ZERO)), None).unwrap();
            let entry = posting.entry;
            let Event::Reversal { offset, .. } = entry.event else { panic!("{entry:?}") };
            assert_eq!((entry.change.given(), entry.account.owed), (given, still), "{owed:?} {taken:?}");
            assert_eq!(given.checked_add(offset), Some(taken), "{owed:?} {taken:?}");
            let all = reversed(Credits::ZERO, taken);
            assert_eq!(posting.records, all, "the debit counts all of it as reversed");
        }
    }

    #[test]
    fn an_unknown_debit_is_not_reversed() {
        assert_eq!(decide(&Account::unseen(now()), None, None), Err(Refusal::DebitNotFound));
    }

    #[test]
    fn a_reversals_body_is_checked() {
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
            assert_eq!(serde_json::from_str::<ReversalRequest>(&body).is_ok(), valid, "{body}");
        }
        let reversal: ReversalRequest = serde_json::from_str(r#"{"reason":"one image failed"}"#).unwrap();
        assert_eq!(reversal.reason.as_ref().map(Reason::as_str), Some("one image failed"));
    }

    #[test]
    fn the_json_of_a_reversal_never_changes() {
        let (id, debit_id) = (ReversalId::parse("r").unwrap(), DebitId::parse("d").unwrap());
        let request = serde_json::from_str(r#"{"reason":"one image failed"}"#).unwrap();
        let json = serde_json::to_string(&Reversal { id, debit_id, request }).unwrap();
        // The hash of this text is stored in every entry and compared with that of a retry.
        assert_eq!(json, r#"["d",{"reason":"one image failed"}]"#);
    }
}
