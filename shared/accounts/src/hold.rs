//! A hold: credits are set aside for work that takes time. They come back by themselves unless the hold is captured in
//! time (docs/rules.md, Holds and reversals).

use chrono::TimeDelta;
use scrip_pricing::{CATALOG, Count, Credits, Operation};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    Account, Change, Command, CommandKey, CommandState, Event, HoldId, HoldOutcome, OpenHold, Posting,
    Refusal, debit::charge, ids::present, journal::Journal,
};

/// The lifetime of a hold whose request leaves it out, in seconds.
const EXPIRES_IN_DEFAULT: i64 = 900;
/// The shortest lifetime of a hold, in seconds.
const EXPIRES_IN_MIN: i64 = 60;
/// The longest lifetime of a hold, in seconds.
const EXPIRES_IN_MAX: i64 = 86_400;

/// The body of a hold's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRequest {
    /// The price that the caller showed its user. If the price is another one now, nothing is held.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expected_credits: Option<Credits>,
    /// The time for which the credits are set aside, in seconds.
    #[serde(default = "expires_in_default", deserialize_with = "expires_in")]
    pub expires_in: Count,
    /// The work. Its variants refuse unknown fields for the whole body.
    #[serde(flatten)]
    pub operation: Operation,
}

fn expires_in_default() -> Count {
    Count::new(EXPIRES_IN_DEFAULT)
}

fn expires_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
    let seconds = Count::deserialize(deserializer)?;
    if !(EXPIRES_IN_MIN..=EXPIRES_IN_MAX).contains(&seconds.get()) {
        return Err(D::Error::custom(format_args!(
            "expires_in must be {EXPIRES_IN_MIN} to {EXPIRES_IN_MAX} seconds"
        )));
    }
    Ok(seconds)
}

/// The command that prices work and sets its credits aside.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Command, CommandState, Hold, HoldId};
/// use scrip_pricing::Credits;
///
/// let hold = Hold {
///     id: HoldId::parse("job-1")?,
///     request: serde_json::from_str(r#"{"operation":"face_enhance","images":2,"expires_in":60}"#)?,
/// };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account { balance: Credits::new(5, 0, 0), ..Account::unseen(now) };
/// let held = hold.decide(&CommandState::of_account(&account, now)).unwrap().entry.account;
/// assert_eq!((held.balance, held.held()), (Credits::new(3, 0, 0), Credits::new(2, 0, 0)));
/// // A minute later the hold is over, and its credits are back.
/// assert_eq!(held.as_of("2026-11-22T10:01:00Z".parse().unwrap()).balance, Credits::new(5, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The caller's idempotency key.
    pub id: HoldId,
    /// The request's body.
    pub request: HoldRequest,
}

/// The word `hold` is a part of the fingerprint: holds and debits share their keys, and a hold is another request than
/// a debit of the same work.
impl Serialize for Hold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ("hold", &self.request).serialize(serializer)
    }
}

impl Command for Hold {
    type Outcome = HoldOutcome;

    fn key(&self) -> CommandKey {
        CommandKey::Hold(self.id.clone())
    }

    /// Makes the entry that sets the credits aside.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`], [`Refusal::FreeHold`], [`Refusal::TooManyHolds`], [`Refusal::PriceChanged`],
    /// [`Refusal::InsufficientCredits`], in this order.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal> {
        let request = &self.request;
        let price = CATALOG.quote(&request.operation).map_err(Refusal::Unsupported)?;
        if price.credits().is_zero() {
            return Err(Refusal::FreeHold);
        }
        let journal = Journal::open(state.account, state.now);
        if journal.account().holds.len() >= Account::HOLDS_MAX {
            return Err(Refusal::TooManyHolds);
        }
        let charge = charge(&price, request.expected_credits, journal.account())?;
        let expires_at = journal.now() + TimeDelta::seconds(request.expires_in.get());
        let event = Event::Hold {
            operation: request.operation.clone(),
            deferred_images: charge.deferred_images,
            catalog_version: CATALOG.version().to_owned(),
            expires_at,
        };
        let taken = Change::take(charge.credits).ok_or(Refusal::BalanceLimit)?;
        let open = OpenHold { sequence: journal.next_sequence(), credits: charge.credits, expires_at };
        journal.close_with(event, taken, self.id.as_str(), |account| account.holds.push(open))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{EntryKind, Sequence, Subscription};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-22T10:00:00Z";

    /// An account of November 2026 on the basic plan, with so many open holds.
    fn account(balance: Credits, holds: usize) -> Account {
        let held = |number: usize| OpenHold {
            sequence: Sequence::new(u64::try_from(number).unwrap()),
            credits: Credits::new(1, 0, 0),
            expires_at: time("2026-11-22T10:15:00Z"),
        };
        Account {
            sequence: Sequence::new(40),
            balance,
            period: "2026-11".parse().unwrap(),
            subscriptions: vec![Subscription::of_basic(time("2027-11-01T00:00:00Z"))],
            holds: (1..=holds).map(held).collect(),
            ..Account::unseen(time("2026-11-20T00:00:00Z"))
        }
    }

    fn decide(account: &Account, body: &str, now: &str) -> Result<Posting, Refusal> {
        let request = serde_json::from_str(body).unwrap();
        let hold = Hold { id: HoldId::parse("h").unwrap(), request };
        hold.decide(&CommandState::of_account(account, time(now)))
    }

    const TWO: &str = r#"{"operation":"face_enhance","images":2}"#;
    const TRAIN: &str = r#"{"operation":"train_tune"}"#;

    #[test]
    fn a_hold_sets_its_price_aside() {
        let c = Credits::new;
        // balance, body -> balance after, held, images that wait, seconds
        for (balance, body, after, held, deferred, seconds) in [
            (c(5, 0, 0), TWO, c(3, 0, 0), c(2, 0, 0), 0, 900),
            (
                c(2, 0, 0),
                r#"{"operation":"face_enhance","images":2,"expires_in":60}"#,
                c(0, 0, 0),
                c(2, 0, 0),
                0,
                60,
            ),
            (c(0, 1, 70), TRAIN, c(0, 0, 6), c(0, 1, 64), 0, 900),
            (
                c(0, 1, 63),
                r#"{"operation":"train_tune","expires_in":86400}"#,
                c(0, 0, 63),
                c(0, 1, 0),
                64,
                86_400,
            ),
        ] {
            let before = account(balance, 0);
            let Posting { due, entry, records } = decide(&before, body, NOW).unwrap();
            assert_eq!((due, records), (Vec::new(), Vec::new()), "{body}");
            let Event::Hold { deferred_images, expires_at, .. } = entry.event else { panic!("{entry:?}") };
            let expected = time(NOW) + TimeDelta::seconds(seconds);
            assert_eq!((deferred_images, expires_at), (deferred, expected), "{body}");
            assert_eq!((entry.account.balance, entry.account.held()), (after, held), "{body}");
            let open = OpenHold { sequence: Sequence::new(41), credits: held, expires_at: expected };
            assert_eq!((entry.reference.as_str(), entry.account.holds), ("h", vec![open]), "{body}");
        }
    }

    #[test]
    fn refusals_come_in_their_order() {
        let free = r#"{"operation":"download","expected_credits":{"playground":1,"tune":0,"tune_image":0}}"#;
        let range = r#"{"operation":"upscale","factor":3}"#;
        let expecting =
            r#"{"operation":"face_enhance","expected_credits":{"playground":2,"tune":0,"tune_image":0}}"#;
        let (poor, rich) = (Credits::ZERO, Credits::new(9, 0, 0));
        let kind = |refusal: Refusal| match refusal {
            Refusal::Unsupported(_) => "unsupported",
            Refusal::FreeHold => "free",
            Refusal::TooManyHolds => "too many",
            Refusal::PriceChanged { .. } => "price",
            Refusal::InsufficientCredits { .. } => "credits",
            other => panic!("{other:?}"),
        };
        // balance, open holds, body -> the refusal, none if it is held
        for (balance, holds, body, refusal) in [
            (poor, 16, range, Some("unsupported")),
            (poor, 16, free, Some("free")),
            (poor, 16, expecting, Some("too many")),
            (poor, 15, expecting, Some("price")),
            (poor, 15, TWO, Some("credits")),
            (rich, 16, TWO, Some("too many")),
            (rich, 15, TWO, None),
        ] {
            let decided = decide(&account(balance, holds), body, NOW);
            assert_eq!(decided.err().map(kind), refusal, "{balance:?} {holds} {body}");
        }
    }

    #[test]
    fn holds_that_expired_make_room_in_the_same_write() {
        let full = account(Credits::ZERO, 16);
        let last_moment = decide(&full, TWO, "2026-11-22T10:14:59.999Z");
        assert_eq!(last_moment, Err(Refusal::TooManyHolds));
        let Posting { due, entry, .. } = decide(&full, TWO, "2026-11-22T10:15:00Z").unwrap();
        assert_eq!(due.len(), 16);
        assert!(due.iter().all(|entry| entry.event.kind() == EntryKind::Release));
        assert_eq!(
            (entry.account.balance, entry.account.held()),
            (Credits::new(14, 0, 0), Credits::new(2, 0, 0))
        );
    }

    #[test]
    fn a_hold_lasts_from_a_minute_to_a_day() {
        for (seconds, is_valid) in [
            ("60", true),
            ("86400", true),
            ("900.0", true),
            ("59", false),
            ("86401", false),
            ("-60", false),
            ("60.5", false),
            ("\"60\"", false),
            ("null", false),
            ("1e30", false),
        ] {
            let body = format!(r#"{{"operation":"face_enhance","expires_in":{seconds}}}"#);
            assert_eq!(serde_json::from_str::<HoldRequest>(&body).is_ok(), is_valid, "{seconds}");
        }
        assert!(serde_json::from_str::<HoldRequest>(r#"{"operation":"face_enhance","expire":60}"#).is_err());
    }

    #[test]
    fn the_json_of_a_hold_never_changes() {
        let json = |body: &str| {
            let request = serde_json::from_str(body).unwrap();
            serde_json::to_string(&Hold { id: HoldId::parse("h").unwrap(), request }).unwrap()
        };
        // The hash of this text is stored in every entry and compared with that of a retry.
        let spelled_out = r#"["hold",{"expires_in":900,"operation":"face_enhance","images":2}]"#;
        assert_eq!(json(TWO), spelled_out);
        assert_eq!(json(r#"{"images":2,"expires_in":900.0,"operation":"face_enhance"}"#), spelled_out);
    }
}
