//! An adjustment: support gives or takes credits, with a reason (docs/rules.md, Holds and reversals).

use chrono::{DateTime, Utc};
use scrip_pricing::{Count, Credits};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    AdjustmentId, CallerId, Change, Command, CommandKey, CommandState, Entry, Event, OtherKind, Posting,
    Reason, Refusal, Sequence, journal::Journal,
};

/// The body of an adjustment's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentRequest {
    /// The change of each kind: credits are given above zero and taken below it. Not all are zero.
    #[serde(deserialize_with = "nonzero_change")]
    pub credits: Change,
    /// The reason, which is not blank.
    #[serde(deserialize_with = "nonblank_reason")]
    pub reason: Reason,
}

fn nonzero_change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change, D::Error> {
    let written = WrittenChange::deserialize(deserializer)?;
    let change = written.into_change();
    let (given, taken) = (change.given(), change.taken());
    if change == Change::NONE {
        return Err(D::Error::custom("credits must not all be zero"));
    }
    // Adding zero returns `None` above the limit.
    given.checked_add(Credits::ZERO).and_then(|_| taken.checked_add(Credits::ZERO)).ok_or_else(|| {
        D::Error::custom(format_args!("credits must be at most {} of a kind", Credits::MAX_OF_A_KIND))
    })?;
    Ok(change)
}

/// A change as a caller writes it: `5.0` is an integer too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenChange {
    playground: Count,
    tune: Count,
    tune_image: Count,
}

impl WrittenChange {
    fn into_change(self) -> Change {
        Change::new(self.playground.get(), self.tune.get(), self.tune_image.get())
    }
}

fn nonblank_reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reason, D::Error> {
    let reason = Reason::deserialize(deserializer)?;
    if reason.as_str().trim().is_empty() {
        return Err(D::Error::custom("reason must say why"));
    }
    Ok(reason)
}

/// The command that gives credits to an account or takes them, on behalf of support.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Adjustment, AdjustmentId, CallerId, Command, CommandState};
/// use scrip_pricing::Credits;
///
/// let request = r#"{"credits":{"playground":50,"tune":0,"tune_image":0},"reason":"goodwill"}"#;
/// let adjustment = Adjustment {
///     id: AdjustmentId::parse("ticket-7")?,
///     by: CallerId::parse("support|ann")?,
///     request: serde_json::from_str(request)?,
/// };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let posting = adjustment.decide(&CommandState::of_account(&Account::unseen(now), now)).unwrap();
/// assert_eq!(posting.entry.account.balance, Credits::new(50, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The caller's idempotency key.
    pub id: AdjustmentId,
    /// The subject of the caller's token.
    pub by: CallerId,
    /// The request's body.
    pub request: AdjustmentRequest,
}

/// The fingerprint leaves out the caller: a retry may come from a colleague, and the entry names the first caller.
impl Serialize for Adjustment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.request.serialize(serializer)
    }
}

/// An adjustment that was carried out, as its entry records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdjustmentOutcome {
    /// The change of the balance.
    pub credits: Change,
    /// The balance after it.
    pub balance: Credits,
    /// The sequence of its entry.
    pub sequence: Sequence,
    /// The time of its entry.
    pub at: DateTime<Utc>,
}

impl TryFrom<&Entry> for AdjustmentOutcome {
    type Error = OtherKind;

    fn try_from(entry: &Entry) -> Result<Self, OtherKind> {
        let Event::Adjustment { .. } = &entry.event else { return Err(OtherKind) };
        Ok(Self {
            credits: entry.change,
            balance: entry.account.balance,
            sequence: entry.account.sequence,
            at: entry.at,
        })
    }
}

impl Command for Adjustment {
    type Outcome = AdjustmentOutcome;

    fn key(&self) -> CommandKey {
        CommandKey::Adjustment(self.id.clone())
    }

    /// Makes the entry. Credits that support gives don't pay owed credits: rule 9 applies only to credits that come
    /// back.
    ///
    /// # Errors
    /// [`Refusal::Overdrawn`] if more credits of a kind are taken than the balance has; [`Refusal::BalanceLimit`].
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal> {
        let journal = Journal::open(state.account, state.now);
        let (change, balance) = (self.request.credits, journal.account().balance);
        if !balance.covers(change.taken()) {
            return Err(Refusal::Overdrawn { balance, shortfall: balance.shortfall(change.taken()) });
        }
        let event = Event::Adjustment { by: self.by.clone(), reason: self.request.reason.clone() };
        journal.close_with(event, change, self.id.as_str(), |_| {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, EntryKind, Subscription};

    fn now() -> DateTime<Utc> {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn adjustment(playground: i64, tune: i64, tune_image: i64) -> Adjustment {
        let credits = format!(r#"{{"playground":{playground},"tune":{tune},"tune_image":{tune_image}}}"#);
        let request = format!(r#"{{"credits":{credits},"reason":"goodwill"}}"#);
        Adjustment {
            id: AdjustmentId::parse("a").unwrap(),
            by: CallerId::parse("support|ann").unwrap(),
            request: serde_json::from_str(&request).unwrap(),
        }
    }

    fn decide(balance: Credits, adjustment: &Adjustment) -> Result<Posting, Refusal> {
        let account = Account { balance, ..Account::unseen(now()) };
        adjustment.decide(&CommandState::of_account(&account, now()))
    }

    #[test]
    fn credits_are_given_and_taken_and_never_below_zero() {
        let c = Credits::new;
        for (before, (playground, tune, tune_image), expected) in [
            (c(0, 0, 0), (50, 0, 0), Ok(c(50, 0, 0))),
            (c(50, 1, 64), (-50, -1, -64), Ok(c(0, 0, 0))),
            // One kind for another.
            (c(50, 0, 0), (-50, 1, 0), Ok(c(0, 1, 0))),
            (
                c(49, 1, 0),
                (-50, 0, 0),
                Err(Refusal::Overdrawn { balance: c(49, 1, 0), shortfall: c(1, 0, 0) }),
            ),
            (
                c(50, 0, 0),
                (5, -1, 0),
                Err(Refusal::Overdrawn { balance: c(50, 0, 0), shortfall: c(0, 1, 0) }),
            ),
            (c(Credits::MAX_OF_A_KIND, 0, 0), (1, 0, 0), Err(Refusal::BalanceLimit)),
        ] {
            let decided = decide(before, &adjustment(playground, tune, tune_image));
            assert_eq!(decided.map(|posting| posting.entry.account.balance), expected, "{before:?}");
        }
    }

    #[test]
    fn an_entry_names_its_reason_and_its_caller() {
        let posting = decide(Credits::ZERO, &adjustment(5, 0, 0)).unwrap();
        assert!(posting.due.is_empty() && posting.records.is_empty());
        let entry = posting.entry;
        assert_eq!((entry.event.kind(), entry.reference.as_str()), (EntryKind::Adjustment, "a"));
        let Event::Adjustment { by, reason } = &entry.event else { panic!("{entry:?}") };
        assert_eq!((by.as_str(), reason.as_str()), ("support|ann", "goodwill"));
    }

    #[test]
    fn owed_credits_stay_owed() {
        let account = Account { owed: Credits::new(9, 0, 0), ..Account::unseen(now()) };
        let state = CommandState::of_account(&account, now());
        let entry = adjustment(5, 0, 0).decide(&state).unwrap().entry;
        assert_eq!((entry.account.balance, entry.account.owed), (Credits::new(5, 0, 0), account.owed));
    }

    #[test]
    fn an_adjustment_of_a_new_month_comes_after_its_turn() {
        let subscription = Subscription::of_basic("2027-01-01T00:00:00Z".parse().unwrap());
        let account = Account {
            balance: Credits::new(7, 0, 0),
            subscriptions: vec![subscription],
            ..Account::unseen("2026-10-03T00:00:00Z".parse().unwrap())
        };
        let state = CommandState::of_account(&account, now());
        let posting = adjustment(-1000, 0, 0).decide(&state).unwrap();
        let kinds: Vec<_> = posting.entries().map(|entry| entry.event.kind()).collect();
        assert_eq!(kinds, [EntryKind::Expiry, EntryKind::Refill, EntryKind::Adjustment]);
        assert_eq!(posting.entry.account.balance, Credits::ZERO);
    }

    #[test]
    fn a_request_without_a_change_or_a_reason_is_refused() {
        let max = Credits::MAX_OF_A_KIND;
        let over = max + 1;
        let credits = |playground: &str| format!(r#"{{"playground":{playground},"tune":0,"tune_image":0}}"#);
        for (credits, reason, is_taken) in [
            (credits("1"), r#""goodwill""#, true),
            (credits("-1"), r#""correction""#, true),
            (credits(&max.to_string()), r#""x""#, true),
            (credits(&over.to_string()), r#""x""#, false),
            (credits(&format!("-{over}")), r#""x""#, false),
            (credits("-9223372036854775808"), r#""x""#, false),
            (credits("0"), r#""goodwill""#, false),
            (credits("-133.0"), r#""goodwill""#, true),
            (credits("1.5"), r#""goodwill""#, false),
            (r#"{"playground":1}"#.to_owned(), r#""goodwill""#, false),
            (credits("1"), r#""  ""#, false),
            (credits("1"), "null", false),
        ] {
            let body = format!(r#"{{"credits":{credits},"reason":{reason}}}"#);
            assert_eq!(serde_json::from_str::<AdjustmentRequest>(&body).is_ok(), is_taken, "{body}");
        }
        assert!(
            serde_json::from_str::<AdjustmentRequest>(&format!(r#"{{"credits":{}}}"#, credits("1"))).is_err()
        );
    }

    #[test]
    fn the_json_of_an_adjustment_leaves_out_the_caller_and_never_changes() {
        let mut other = adjustment(5, 0, 0);
        other.by = CallerId::parse("support|bob").unwrap();
        let json = |adjustment: &Adjustment| serde_json::to_string(adjustment).unwrap();
        assert_eq!(json(&other), json(&adjustment(5, 0, 0)));
        // Rows are compared with this text's hash forever.
        assert_eq!(
            json(&other),
            r#"{"credits":{"playground":5,"tune":0,"tune_image":0},"reason":"goodwill"}"#
        );
    }
}
