//! Settlement: a caller ends a hold. A capture takes the credits of the work that was done, and a release gives all of
//! them back (docs/rules.md, Holds and reversals). The key of both is the hold's id, so only the first one is carried
//! out.

use chrono::{DateTime, Utc};
use scrip_pricing::{Count, Credits, Operation, Pieces, Unit};
use serde::{Deserialize, Serialize};

use crate::{
    Change, Command, CommandKey, CommandState, Entry, Event, HoldId, HoldOutcome, OtherKind, Posting,
    Refusal, Sequence, SettlementStatus, Subject, ids::present, journal::Journal, proportion::share,
};

/// The body of a capture's request: `{}` for all that is held; `{"images": n}` or `{"prompts": n}` for a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenCapture", into = "WrittenCapture")]
pub struct CaptureRequest {
    /// The pieces that were made; `None` for all that is held.
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
            (Some(_), Some(_)) => return Err("send either images or prompts, not both"),
        };
        match u64::try_from(count.get()) {
            Ok(count) if count > 0 => Ok(Self { made: Some(Pieces { unit, count }) }),
            _ => Err("capture 1 or more; release the hold if nothing was made"),
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

/// The request to end a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementRequest {
    /// The work was done, in whole or in part.
    Capture(CaptureRequest),
    /// The work was not done.
    Release(ReleaseRequest),
}

/// The command that ends a hold, by a capture or a release.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{
///     Account, CaptureRequest, Command, CommandState, Hold, HoldId, HoldOutcome, Settlement,
///     SettlementOutcome, SettlementRequest,
/// };
/// use scrip_pricing::Credits;
///
/// // A hold of four images, for eight credits.
/// let hold_id = HoldId::parse("job-1")?;
/// let request = serde_json::from_str(r#"{"operation":"upscale","factor":4,"images":4}"#)?;
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account { balance: Credits::new(8, 0, 0), ..Account::unseen(now) };
/// let hold = Hold { id: hold_id.clone(), request };
/// let entry = hold.decide(&CommandState::of_account(&account, now)).unwrap().entry;
///
/// // Three of them were made: six credits are taken, and two come back.
/// let capture: CaptureRequest = serde_json::from_str(r#"{"images":3}"#)?;
/// let settlement = Settlement { hold_id, request: SettlementRequest::Capture(capture) };
/// let held = HoldOutcome::try_from(&entry)?;
/// let state = CommandState { hold: Some(&held), ..CommandState::of_account(&entry.account, now) };
/// let captured = SettlementOutcome::try_from(&settlement.decide(&state).unwrap().entry)?;
/// assert_eq!(captured.captured, Credits::new(6, 0, 0));
/// assert_eq!(captured.returned, Credits::new(2, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Settlement {
    /// The id of the hold.
    #[serde(skip)]
    pub hold_id: HoldId,
    /// The capture or release.
    pub request: SettlementRequest,
}

/// A capture or release that was carried out, as its entry records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementOutcome {
    /// Whether the hold was captured or released.
    pub status: SettlementStatus,
    /// The work that was captured, with its number of pieces; `None` for a release.
    pub operation: Option<Operation>,
    /// The credits that the work took.
    pub captured: Credits,
    /// The credits that came back, including the offset.
    pub returned: Credits,
    /// The part of them that paid owed credits (rule 9).
    pub offset: Credits,
    /// The balance after it.
    pub balance: Credits,
    /// The sequence of its entry.
    pub sequence: Sequence,
    /// The time of its entry.
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
            // Both are parts of what was held, so their sum is within the limit.
            returned: entry.returned(offset).unwrap_or_default(),
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

    /// Makes the entry that ends the hold.
    ///
    /// # Errors
    /// [`Refusal::HoldNotFound`], [`Refusal::HoldExpired`], [`Refusal::ExceedsHold`], in this order.
    /// [`Refusal::HoldMissing`] if the hold is not open though it has not expired.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal> {
        let hold = state.hold.ok_or(Refusal::HoldNotFound)?;
        let journal = Journal::open(state.account, state.now);
        if !journal.account().holds.iter().any(|open| open.sequence == hold.sequence) {
            // If it had been settled, this command's key would have an entry. So it can only have expired.
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

/// The captured work and its credits: the number of pieces times the hold's price of a piece, which divides the held
/// credits without a rest.
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
mod tests;
