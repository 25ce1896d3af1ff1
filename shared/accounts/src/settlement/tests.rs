use scrip_pricing::CATALOG;

use super::*;
use crate::{Account, EntryKind, Hold, OpenHold, Subscription};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const NOW: &str = "2026-11-22T10:00:00Z";
const EXPIRY: &str = "2026-11-22T10:15:00Z";

/// An account after a hold of that work, with a balance of zero and that many owed credits; and the hold.
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
fn a_capture_takes_the_credits_of_the_pieces_made_and_gives_the_rest_back() {
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
fn credits_that_come_back_pay_owed_credits_first() {
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
        // The clocks of two functions differ: one that is ahead has released the hold already.
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

/// The due entries at a given time: the kind, the reference, and the balance and owed credits after each.
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
    // A hold that expires in November pays owed credits, and the rest expires with the month.
    assert_eq!(
        due(&account(paid, &[hold(8, c(8, 2, 0), before)]), "2026-12-02T00:00:00Z"),
        [
            (Release, at("8"), c(43, 1, 0), c(0, 0, 0)),
            (Expiry, at("2026-11"), c(0, 1, 0), c(0, 0, 0)),
            (Refill, at("2026-12"), c(1000, 1, 0), c(0, 0, 0)),
        ]
    );
    // From the first moment of December no playground credits are owed any more, and those of the hold add to the
    // refill.
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
    // No write came until January: credits that came back in December expired at its end.
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
    // Of holds that expire at the same time, the older comes first. Open ones stay.
    let open = hold(3, c(1, 0, 0), "2026-12-01T22:00:00Z");
    let both = account(unpaid, &[hold(2, c(1, 0, 0), after), open, hold(4, c(1, 0, 0), after)]);
    let references: Vec<_> = due(&both, after).into_iter().map(|(_, reference, ..)| reference).collect();
    assert_eq!(references, ["2026-11", "2", "4"]);
    assert_eq!(both.as_of(time(after)).holds, [open]);
}

#[test]
fn a_balance_keeps_room_for_held_credits() {
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
fn a_captures_body_is_checked() {
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
fn the_json_of_a_settlement_never_changes() {
    let json = |request| {
        let hold_id = HoldId::parse("h").unwrap();
        serde_json::to_string(&Settlement { hold_id, request }).unwrap()
    };
    // The hash of this text is stored in every entry and compared with that of a retry.
    assert_eq!(json(capture_of("{}")), r#"{"capture":{}}"#);
    assert_eq!(json(capture_of(r#"{"images":2.0}"#)), r#"{"capture":{"images":2}}"#);
    assert_eq!(json(capture_of(r#"{"prompts":2}"#)), r#"{"capture":{"prompts":2}}"#);
    assert_eq!(json(RELEASE), r#"{"release":{}}"#);
}

#[test]
fn another_request_is_refused_with_the_holds_settlement() {
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
