//! What a command is decided from beside the account: for one with a key as `shared/ledger/src/related.rs` reads it.

use scrip_accounts::{
    CommandKey, DebitRecord, Entry, Event, HoldOutcome, Records, SettlementOutcome, SettlementStatus, Subject,
};
use scrip_pricing::Credits;

use crate::{
    append::claim_key,
    item::{AccountNumber, Row},
    plant::Plant,
    table::Table,
};

/// A key as a command reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum KeySeen {
    /// It was never claimed.
    Absent,
    /// It was claimed, and no entry up to the newest carries it.
    Unfinished(Row),
    /// Its claim and its entry.
    Found(Row, Row),
}

impl KeySeen {
    pub fn claim(&self) -> Option<&Row> {
        match self {
            Self::Absent => None,
            Self::Unfinished(claim) | Self::Found(claim, _) => Some(claim),
        }
    }

    pub fn entry(&self) -> Option<&Entry> {
        if let Self::Found(_, entry) = self { entry.entry() } else { None }
    }
}

/// The items that a command reads beside the account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RelatedItems {
    /// The keys that a command with a key names beside its own, in the order in which they were read.
    pub keys: Vec<(CommandKey, KeySeen)>,
    /// The entry of the hold that it names, if that was among the newest.
    pub recent: Option<Row>,
    /// The records that a command without a key reads. None where the subscription belongs to another account.
    pub records: Option<Records>,
}

impl RelatedItems {
    /// The key that is to be read next, if one is.
    pub fn unread(&self, subject: Subject<'_>) -> Option<CommandKey> {
        let is_hold =
            |seen: &KeySeen| seen.entry().is_some_and(|entry| matches!(entry.event, Event::Hold { .. }));
        match (subject, &self.keys[..]) {
            (Subject::Debit(id), []) => Some(CommandKey::Debit(id.clone())),
            (Subject::Debit(id), [(_, seen)]) if is_hold(seen) => Some(CommandKey::Settlement(id.into())),
            (Subject::Hold(id), []) if self.recent.is_none() => Some(CommandKey::Hold(id.clone())),
            _ => None,
        }
    }

    /// All of it as it was written.
    pub fn written(subject: Subject<'_>, table: &Table, account_number: AccountNumber) -> Self {
        let mut related = Self::default();
        while let Some(key) = related.unread(subject) {
            let entry = table.rows(account_number).map(|(_, row)| row).find(|row| row.is_of(&key)).cloned();
            let seen = match (table.written(&claim_key(account_number, &key)).cloned(), entry) {
                (Some(claim), Some(entry)) => KeySeen::Found(claim, entry),
                (Some(claim), None) => KeySeen::Unfinished(claim),
                (None, _) => KeySeen::Absent,
            };
            related.keys.push((key, seen));
        }
        related
    }

    /// The debit or captured hold that a reversal names.
    pub fn debit(&self, subject: Subject<'_>, plant: Option<Plant>) -> Option<DebitRecord> {
        let (Subject::Debit(_), Some((_, KeySeen::Found(claim, entry)))) = (subject, self.keys.first())
        else {
            return None;
        };
        let entry = entry.entry()?;
        let taken = match &entry.event {
            Event::Hold { .. } if plant != Some(Plant::IgnoredSettlement) => {
                self.keys.get(1).and_then(|(_, seen)| seen.entry()).and_then(captured)?
            }
            _ => entry.change.taken(),
        };
        let reversed = claim.claim()?.reversed;
        Some(DebitRecord { sequence: entry.account.sequence, taken, reversed })
    }

    /// The hold that a capture or release names.
    pub fn hold(&self, subject: Subject<'_>) -> Option<HoldOutcome> {
        let Subject::Hold(_) = subject else { return None };
        let found = self.keys.first().and_then(|(_, seen)| seen.entry());
        let entry = self.recent.as_ref().and_then(Row::entry).or(found)?;
        HoldOutcome::try_from(entry).ok()
    }

    /// Whether the claims are still as they were read, as far as a refusal stands on them.
    pub fn agrees_with(&self, now: &[Option<Row>]) -> bool {
        let reversed = |row: &Row| row.claim().map(|claim| claim.reversed);
        let is_same =
            |((_, seen), now): (&(CommandKey, KeySeen), &Option<Row>)| match (seen.claim(), now.as_ref()) {
                (None, None) => true,
                (Some(read), Some(now)) => reversed(read) == reversed(now),
                _ => false,
            };
        self.keys.iter().zip(now).all(is_same)
    }
}

/// The credits that the capture of a hold took; `None` if it was released.
fn captured(settlement: &Entry) -> Option<Credits> {
    let outcome = SettlementOutcome::try_from(settlement).ok()?;
    (outcome.status == SettlementStatus::Captured).then_some(outcome.captured)
}
