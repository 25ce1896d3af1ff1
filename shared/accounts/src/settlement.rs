//! The end of a hold that its caller asks for: a capture takes what the work used, a release gives all of it back
//! (contract, section 3). Both have the hold's id as their key, so whichever comes first is the only one.

use chrono::{DateTime, Utc};
use scrip_pricing::{Count, Credits, Operation, Pieces, Unit};
use serde::{Deserialize, Serialize};

use crate::{
    Change, Command, CommandKey, CommandState, Entry, Event, HoldId, HoldOutcome, OtherKind, Posting,
    Refusal, Sequence, SettlementStatus, Subject, gone::share, ids::present, journal::Journal,
};

/// The body of a capture's request: `{}` for all that is held, `{"images": n}` or `{"prompts": n}` for what was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenCapture", into = "WrittenCapture")]
pub struct CaptureRequest {
    /// What was made; `None` for all that is held.
    pub made: Option<Pieces>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCapture {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    images: Option<Count>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    prompts: Option<Count>,
}

impl TryFrom<WrittenCapture> for CaptureRequest {
    type Error = &'static str;

    fn try_from(written: WrittenCapture) -> Result<Self, Self::Error> {
        let (unit, count) = match (written.images, written.prompts) {
            (None, None) => return Ok(Self { made: None }),
            (Some(images), None) => (Unit::Images, images),
            (None, Some(prompts)) => (Unit::Prompts, prompts),
            (Some(_), Some(_)) => return Err("a capture is of images or of prompts, not of both"),
        };
        match u64::try_from(count.get()) {
            Ok(count) if count > 0 => Ok(Self { made: Some(Pieces { unit, count }) }),
            _ => Err("a capture is of 1 or more; release the hold if nothing was made"),
        }
    }
}

impl From<CaptureRequest> for WrittenCapture {
    fn from(request: CaptureRequest) -> Self {
        let count = |of: Unit| {
            let made = request.made.filter(|made| made.unit == of)?;
            i64::try_from(made.count).ok().map(Count::new)
        };
        Self { images: count(Unit::Images), prompts: count(Unit::Prompts) }
    }
}

/// The body of a release's request: `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {}

/// What a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementRequest {
    /// The work was done, all of it or a part.
    Capture(CaptureRequest),
    /// The work was not done.
    Release(ReleaseRequest),
}

/// Ends a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Settlement {
    /// The hold.
    #[serde(skip)]
    pub hold_id: HoldId,
    /// What the caller asks for.
    pub request: SettlementRequest,
}

/// A capture or release that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementOutcome {
    /// Which of the two.
    pub status: SettlementStatus,
    /// The work that was captured, in the number that was; `None` of a release.
    pub operation: Option<Operation>,
    /// What the work took.
    pub captured: Credits,
    /// What came back of the hold, the offset counted in.
    pub returned: Credits,
    /// The part that was set against what the account owes (rule 9).
    pub offset: Credits,
    /// What the account had after it.
    pub balance: Credits,
    /// Its entry.
    pub sequence: Sequence,
    /// When it was carried out.
    pub at: DateTime<Utc>,
}

impl TryFrom<&Entry> for SettlementOutcome {
    type Error = OtherKind;

    fn try_from(entry: &Entry) -> Result<Self, OtherKind> {
        let (status, operation, captured, offset) = match &entry.event {
            Event::Capture { operation, captured, offset, .. } => {
                (SettlementStatus::Captured, Some(operation.clone()), *captured, *offset)
            }
            Event::Release { offset, expired: false, .. } => {
                (SettlementStatus::Released, None, Credits::ZERO, *offset)
            }
            _ => return Err(OtherKind),
        };
        Ok(Self {
            status,
            operation,
            captured,
            // Both are parts of what was held, so they have room together.
            returned: entry.change.given().checked_add(offset).unwrap_or_default(),
            offset,
            balance: entry.account.balance,
            sequence: entry.account.sequence,
            at: entry.at,
        })
    }
}

impl Command for Settlement {
    type Outcome = SettlementOutcome;

    fn key(&self) -> CommandKey {
        CommandKey::Settlement(self.hold_id.clone())
    }

    fn subject(&self) -> Subject<'_> {
        Subject::Hold(&self.hold_id)
    }

    fn lost_to(&self, entry: &Entry) -> Option<Refusal> {
        let SettlementOutcome { status, captured, returned, .. } = entry.try_into().ok()?;
        Some(Refusal::HoldSettled { status, captured, returned })
    }

    /// The entry that ends the hold.
    ///
    /// # Errors
    /// [`Refusal::HoldNotFound`], [`Refusal::HoldExpired`], [`Refusal::ExceedsHold`], in this order.
    /// [`Refusal::HoldMissing`] instead of the second if it can't have expired.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal> {
        let hold = state.hold.ok_or(Refusal::HoldNotFound)?;
        let journal = Journal::open(state.account, state.now);
        if !journal.account().holds.iter().any(|open| open.sequence == hold.sequence) {
            // One that was settled is known by its key: here it can only have expired.
            let has_expired = hold.expires_at <= journal.now();
            let expired = Refusal::HoldExpired { expired_at: hold.expires_at };
            return Err(if has_expired { expired } else { Refusal::HoldMissing });
        }
        let (operation, captured) = match self.request {
            SettlementRequest::Capture(CaptureRequest { made }) => capture(hold, made)?,
            SettlementRequest::Release(_) => (None, Credits::ZERO),
        };
        let returned = hold.credits.checked_sub(captured).ok_or(Refusal::BalanceLimit)?;
        let returned = journal.returned(returned);
        let (hold_sequence, offset) = (hold.sequence, returned.offset);
        let event = match operation {
            Some(operation) => Event::Capture { hold_sequence, operation, captured, offset },
            None => Event::Release { hold_sequence, offset, expired: false },
        };
        let change = Change::give(returned.given).ok_or(Refusal::BalanceLimit)?;
        journal.close_with(event, change, self.hold_id.as_str(), |account| {
            account.close_hold(hold_sequence, &returned);
        })
    }
}

/// The work that was done, and what it takes of a hold: so many pieces at the hold's price for each, which divides what
/// is held.
fn capture(hold: &HoldOutcome, made: Option<Pieces>) -> Result<(Option<Operation>, Credits), Refusal> {
    let Some(made) = made else { return Ok((Some(hold.operation.clone()), hold.credits)) };
    let all = hold.operation.pieces();
    let Some(whole) = all.filter(|all| all.unit == made.unit && all.count >= made.count) else {
        return Err(Refusal::ExceedsHold { held: all });
    };
    let part = |credits: u64| share(credits, made.count, whole.count);
    let credits = hold.credits;
    let captured = Credits::new(part(credits.playground()), part(credits.tune()), part(credits.tune_image()));
    Ok((Some(hold.operation.with_pieces(made.count)), captured))
}

#[cfg(test)]
mod tests {
    use scrip_pricing::CATALOG;

    use super::*;
    use crate::{Account, EntryKind, Hold, OpenHold, Subscription};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-22T10:00:00Z";
    const EXPIRY: &str = "2026-11-22T10:15:00Z";

    /// An account after a hold of that work, which left it with nothing, and owes that much.
    fn held(work: &str, owed: Credits) -> (Account, HoldOutcome) {
        let request: crate::HoldRequest = serde_json::from_str(work).unwrap();
        let price = CATALOG.quote(&request.operation).unwrap().credits();
        let before = Account { balance: price, owed, ..Account::unseen(time(NOW)) };
        let hold = Hold { id: HoldId::parse("h").unwrap(), request };
        let entry = hold.decide(&CommandState::of_account(&before, time(NOW))).unwrap().entry;
        (entry.account.clone(), (&entry).try_into().unwrap())
    }

    fn settle(
        (account, hold): &(Account, HoldOutcome),
        request: SettlementRequest,
        now: &str,
    ) -> Result<Posting, Refusal> {
        let settlement = Settlement { hold_id: HoldId::parse("h").unwrap(), request };
        let state = CommandState { account, debit: None, hold: Some(hold), now: time(now) };
        settlement.decide(&state)
    }

    fn capture_of(body: &str) -> SettlementRequest {
        SettlementRequest::Capture(serde_json::from_str(body).unwrap())
    }

    const RELEASE: SettlementRequest = SettlementRequest::Release(ReleaseRequest {});
    const FOUR: &str = r#"{"operation":"upscale","factor":4,"images":4}"#;
    const PROMPTS: &str = r#"{"operation":"tune_images","prompts":3}"#;
    const TRAIN: &str = r#"{"operation":"train_tune"}"#;

    #[test]
    fn a_capture_takes_what_was_made_and_gives_the_rest_back() {
        let c = Credits::new;
        let exceeds = |unit, count| Err(Some(Pieces { unit, count }));
        // held, asked for -> captured and returned, or what could be captured
        for (work, body, expected) in [
            (FOUR, "{}", Ok((c(8, 0, 0), c(0, 0, 0)))),
            (FOUR, r#"{"images":4}"#, Ok((c(8, 0, 0), c(0, 0, 0)))),
            (FOUR, r#"{"images":3}"#, Ok((c(6, 0, 0), c(2, 0, 0)))),
            (FOUR, r#"{"images":1}"#, Ok((c(2, 0, 0), c(6, 0, 0)))),
            (FOUR, r#"{"images":5}"#, exceeds(Unit::Images, 4)),
            (FOUR, r#"{"prompts":1}"#, exceeds(Unit::Images, 4)),
            (PROMPTS, "{}", Ok((c(0, 0, 24), c(0, 0, 0)))),
            (PROMPTS, r#"{"prompts":2}"#, Ok((c(0, 0, 16), c(0, 0, 8)))),
            (PROMPTS, r#"{"images":2}"#, exceeds(Unit::Prompts, 3)),
            (TRAIN, "{}", Ok((c(0, 1, 64), c(0, 0, 0)))),
            (TRAIN, r#"{"prompts":8}"#, Err(None)),
        ] {
            match (settle(&held(work, Credits::ZERO), capture_of(body), NOW), expected) {
                (Ok(Posting { entry, .. }), Ok((captured, returned))) => {
                    let outcome = SettlementOutcome::try_from(&entry).unwrap();
                    assert_eq!(outcome.status, SettlementStatus::Captured);
                    assert_eq!((outcome.captured, outcome.returned), (captured, returned), "{work} {body}");
                    assert_eq!((outcome.balance, outcome.offset), (returned, Credits::ZERO), "{work} {body}");
                    assert_eq!((&entry.account.holds[..], entry.reference.as_str()), (&[][..], "h"));
                    let price = CATALOG.quote(&outcome.operation.unwrap()).unwrap().credits();
                    assert_eq!(price, captured, "a part costs as much as the part by itself: {work} {body}");
                }
                (Err(Refusal::ExceedsHold { held }), Err(expected)) => {
                    assert_eq!(held, expected, "{work} {body}");
                }
                (decided, _) => panic!("{work} {body}: {decided:?}"),
            }
        }
    }

    #[test]
    fn what_comes_back_pays_what_is_owed_first() {
        let c = Credits::new;
        // owed, asked for -> given, set against what is owed, still owed
        for (owed, request, given, offset, still) in [
            (c(0, 0, 0), RELEASE, c(8, 0, 0), c(0, 0, 0), c(0, 0, 0)),
            (c(5, 0, 0), RELEASE, c(3, 0, 0), c(5, 0, 0), c(0, 0, 0)),
            (c(9, 0, 1), RELEASE, c(0, 0, 0), c(8, 0, 0), c(1, 0, 1)),
            (c(5, 0, 0), capture_of(r#"{"images":2}"#), c(0, 0, 0), c(4, 0, 0), c(1, 0, 0)),
            (c(5, 0, 0), capture_of("{}"), c(0, 0, 0), c(0, 0, 0), c(5, 0, 0)),
        ] {
            let entry = settle(&held(FOUR, owed), request, NOW).unwrap().entry;
            let outcome = SettlementOutcome::try_from(&entry).unwrap();
            assert_eq!((entry.change.given(), outcome.offset), (given, offset), "{owed:?} {request:?}");
            assert_eq!(entry.account.owed, still, "{owed:?} {request:?}");
            let all = outcome.captured.checked_add(outcome.returned);
            assert_eq!(all, Some(c(8, 0, 0)), "{owed:?} {request:?}");
        }
    }

    #[test]
    fn a_hold_is_over_when_it_expires() {
        let hold = held(FOUR, Credits::ZERO);
        let expired = Err(Refusal::HoldExpired { expired_at: time(EXPIRY) });
        for request in [capture_of("{}"), capture_of(r#"{"images":9}"#), RELEASE] {
            assert_eq!(settle(&hold, request, EXPIRY), expired, "{request:?}");
            // The clocks of two functions differ: one that was late has released it already.
            let over = (hold.0.as_of(time(EXPIRY)), hold.1.clone());
            assert_eq!(settle(&over, request, "2026-11-22T10:14:59.999Z"), expired, "{request:?}");
        }
        for request in [capture_of("{}"), RELEASE] {
            assert!(settle(&hold, request, "2026-11-22T10:14:59.999Z").is_ok(), "{request:?}");
        }
        let unknown = Settlement { hold_id: HoldId::parse("h").unwrap(), request: RELEASE };
        let state = CommandState::of_account(&hold.0, time(NOW));
        assert_eq!(unknown.decide(&state), Err(Refusal::HoldNotFound));
    }

    /// What is due at a moment, in its order: the kind, its reference, and the balance and what is owed after it.
    fn due(account: &Account, now: &str) -> Vec<(EntryKind, String, Credits, Credits)> {
        let entries = crate::refill::decide(account, time(now)).entries;
        let row = |entry: crate::Entry| {
            (entry.event.kind(), entry.reference, entry.account.balance, entry.account.owed)
        };
        entries.into_iter().map(row).collect()
    }

    #[test]
    fn expiries_and_month_turns_come_in_the_order_of_time() {
        use EntryKind::{Expiry, Refill, Release};
        let c = Credits::new;
        let hold = |sequence, credits, expires_at: &str| OpenHold {
            sequence: Sequence::new(sequence),
            credits,
            expires_at: time(expires_at),
        };
        let account = |paid_through: &str, holds: &[OpenHold]| Account {
            sequence: Sequence::new(9),
            balance: c(40, 0, 0),
            owed: c(5, 1, 0),
            period: "2026-11".parse().unwrap(),
            subscriptions: vec![Subscription::of_basic(time(paid_through))],
            holds: holds.to_vec(),
            ..Account::unseen(time("2026-11-30T23:00:00Z"))
        };
        let paid = "2027-06-01T00:00:00Z";
        let unpaid = "2026-12-01T00:00:00Z";
        let at = |month: &str| month.to_owned();
        let (before, after) = ("2026-11-30T23:59:59.999Z", "2026-12-01T00:10:00Z");
        let turn = "2026-12-01T00:00:00Z";
        // In November it pays what is owed and expires with the month.
        assert_eq!(
            due(&account(paid, &[hold(8, c(8, 2, 0), before)]), "2026-12-02T00:00:00Z"),
            [
                (Release, at("8"), c(43, 1, 0), c(0, 0, 0)),
                (Expiry, at("2026-11"), c(0, 1, 0), c(0, 0, 0)),
                (Refill, at("2026-12"), c(1000, 1, 0), c(0, 0, 0)),
            ]
        );
        // In the first moment of December, and later, nothing of playground is owed any more, and it comes on top.
        for expires_at in [turn, after] {
            assert_eq!(
                due(&account(paid, &[hold(8, c(8, 2, 0), expires_at)]), "2026-12-02T00:00:00Z"),
                [
                    (Expiry, at("2026-11"), c(0, 0, 0), c(0, 1, 0)),
                    (Refill, at("2026-12"), c(1000, 0, 0), c(0, 1, 0)),
                    (Release, at("8"), c(1008, 1, 0), c(0, 0, 0)),
                ]
            );
        }
        // Nobody came by until January: what came back in December expired with it.
        assert_eq!(
            due(
                &account(unpaid, &[hold(8, c(8, 0, 3), after), hold(7, c(1, 0, 0), before)]),
                "2027-01-05T00:00:00Z"
            ),
            [
                (Release, at("7"), c(40, 0, 0), c(4, 1, 0)),
                (Expiry, at("2026-11"), c(0, 0, 0), c(0, 1, 0)),
                (Release, at("8"), c(8, 0, 3), c(0, 1, 0)),
                (Expiry, at("2026-12"), c(0, 0, 3), c(0, 1, 0)),
            ]
        );
        // Of holds that expire at one moment, the older comes first; those that are open stay.
        let open = hold(3, c(1, 0, 0), "2026-12-01T22:00:00Z");
        let both = account(unpaid, &[hold(2, c(1, 0, 0), after), open, hold(4, c(1, 0, 0), after)]);
        let references: Vec<_> = due(&both, after).into_iter().map(|(_, reference, ..)| reference).collect();
        assert_eq!(references, ["2026-11", "2", "4"]);
        assert_eq!(both.as_of(time(after)).holds, [open]);
    }

    #[test]
    fn a_balance_keeps_room_for_what_is_held() {
        let (account, _) = held(FOUR, Credits::ZERO);
        let max = Credits::MAX_OF_A_KIND;
        let adjust = |credits: i64| {
            let request = serde_json::from_value(serde_json::json!({
                "credits": {"playground": credits, "tune": 0, "tune_image": 0}, "reason": "goodwill",
            }));
            let (id, by) = (crate::AdjustmentId::parse("a").unwrap(), crate::CallerId::parse("ann").unwrap());
            let adjustment = crate::Adjustment { id, by, request: request.unwrap() };
            adjustment.decide(&CommandState::of_account(&account, time(NOW)))
        };
        assert_eq!(adjust((max - 7).cast_signed()), Err(Refusal::BalanceLimit));
        let full = adjust((max - 8).cast_signed()).unwrap().entry.account;
        assert_eq!(full.as_of(time(EXPIRY)).balance, Credits::new(max, 0, 0));
    }

    #[test]
    fn a_capture_says_what_was_made_at_most_once() {
        for (body, is_valid) in [
            ("{}", true),
            (r#"{"images":1}"#, true),
            (r#"{"prompts":100.0}"#, true),
            (r#"{"images":0}"#, false),
            (r#"{"images":-1}"#, false),
            (r#"{"images":1,"prompts":1}"#, false),
            (r#"{"images":null}"#, false),
            (r#"{"images":"1"}"#, false),
            (r#"{"image":1}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<CaptureRequest>(body).is_ok(), is_valid, "{body}");
        }
        assert!(serde_json::from_str::<ReleaseRequest>("{}").is_ok());
        assert!(serde_json::from_str::<ReleaseRequest>(r#"{"images":1}"#).is_err());
    }

    #[test]
    fn a_retry_is_known_by_what_it_asks_for() {
        let json = |request| {
            let hold_id = HoldId::parse("h").unwrap();
            serde_json::to_string(&Settlement { hold_id, request }).unwrap()
        };
        // Rows written by older versions are compared with this text's hash: it must never change.
        assert_eq!(json(capture_of("{}")), r#"{"capture":{}}"#);
        assert_eq!(json(capture_of(r#"{"images":2.0}"#)), r#"{"capture":{"images":2}}"#);
        assert_eq!(json(capture_of(r#"{"prompts":2}"#)), r#"{"capture":{"prompts":2}}"#);
        assert_eq!(json(RELEASE), r#"{"release":{}}"#);
    }

    #[test]
    fn another_request_learns_what_a_hold_came_to() {
        let hold = held(FOUR, Credits::new(1, 0, 0));
        let settlement = Settlement { hold_id: HoldId::parse("h").unwrap(), request: RELEASE };
        let c = Credits::new;
        for (request, status, captured, returned) in [
            (capture_of(r#"{"images":3}"#), SettlementStatus::Captured, c(6, 0, 0), c(2, 0, 0)),
            (RELEASE, SettlementStatus::Released, c(0, 0, 0), c(8, 0, 0)),
        ] {
            let entry = settle(&hold, request, NOW).unwrap().entry;
            let expected = Refusal::HoldSettled { status, captured, returned };
            assert_eq!(settlement.lost_to(&entry), Some(expected));
        }
    }
}
