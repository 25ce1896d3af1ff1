//! What a command reads beside the account: a debit or a hold, found by its claim and a scan from there.

use scrip_accounts::{
    AccountId, CommandKey, DebitId, DebitOutcome, DebitRecord, Entry, Event, HoldId, HoldOutcome, OtherKind,
    SettlementOutcome, SettlementStatus, Subject,
};
use scrip_pricing::Credits;

use crate::{
    DebitStatus, Error, HoldStatus, Ledger,
    backoff::persist,
    error::Failure,
    items::{Claim, StoredEntry},
    scan::{Raise, Scanned},
};

/// How many of the newest entries a command reads that names a hold: of up to 1 KB each, they cost one read unit as the
/// newest alone does, and mostly the hold is among them.
const RECENT_ENTRIES: u8 = 4;

/// A key as a command reads it.
#[derive(Debug)]
pub(crate) enum KeySeen {
    /// It was never claimed.
    Absent,
    /// It was claimed, and no entry up to the newest carries it.
    Unfinished(Claim),
    /// Its command was carried out.
    Found(Claim, Box<StoredEntry>),
}

impl KeySeen {
    fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Found(_, stored) => Some(&stored.entry),
            Self::Absent | Self::Unfinished(_) => None,
        }
    }

    fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Absent => None,
            Self::Unfinished(claim) | Self::Found(claim, _) => Some(claim),
        }
    }
}

/// What a command's decision rests on beside the account.
#[derive(Debug, Default)]
pub(crate) struct Related {
    /// The debit or captured hold that it names.
    pub(crate) debit: Option<DebitRecord>,
    /// The hold that it names.
    pub(crate) hold: Option<HoldOutcome>,
    /// The claims that were read for it, as far as a refusal rests on them.
    pub(crate) claims: Vec<ClaimRead>,
}

/// A claim as it was read.
#[derive(Debug)]
pub(crate) struct ClaimRead {
    pub(crate) key: CommandKey,
    /// What it counts as reversed; `None` if there was no claim.
    reversed: Option<Credits>,
}

impl ClaimRead {
    fn of(key: CommandKey, seen: &KeySeen) -> Self {
        Self { key, reversed: seen.claim().map(|claim| claim.reversed) }
    }

    /// Whether the claim is still as it was read.
    pub(crate) fn agrees_with(&self, now: Option<&Claim>) -> bool {
        self.reversed == now.map(|claim| claim.reversed)
    }
}

/// How many of the newest entries are read for a command.
pub(crate) fn recent_entries(subject: Subject<'_>) -> u8 {
    match subject {
        Subject::Account | Subject::Debit(_) => 1,
        Subject::Hold(_) => RECENT_ENTRIES,
    }
}

impl Ledger {
    /// A debit and what came back of it; `None` if the account has no such debit.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn debit(&self, account_id: &AccountId, id: &DebitId) -> Result<Option<DebitStatus>, Error> {
        let key = CommandKey::Debit(id.clone());
        let seen = persist(|| self.key_seen(account_id, &key, Raise::Nothing)).await?;
        let KeySeen::Found(claim, stored) = seen else { return Ok(None) };
        let outcome = DebitOutcome::try_from(&stored.entry).ok();
        Ok(outcome.map(|outcome| DebitStatus { outcome, reversed: claim.reversed }))
    }

    /// A hold and what became of it; `None` if the account has no such hold.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn hold(&self, account_id: &AccountId, id: &HoldId) -> Result<Option<HoldStatus>, Error> {
        let key = CommandKey::Hold(id.clone());
        let seen = persist(|| self.key_seen(account_id, &key, Raise::Nothing)).await?;
        let KeySeen::Found(claim, stored) = seen else { return Ok(None) };
        let Ok(outcome) = HoldOutcome::try_from(&stored.entry) else { return Ok(None) };
        let key = CommandKey::Settlement(id.clone());
        let seen = persist(|| self.key_seen(account_id, &key, Raise::Nothing)).await?;
        let settlement = seen.entry().map(SettlementOutcome::try_from).transpose();
        let settlement =
            settlement.map_err(|source: OtherKind| Error::internal("read what became of a hold", source))?;
        Ok(Some(HoldStatus { outcome, settlement, reversed: claim.reversed }))
    }

    /// What a command reads beside the account. `recent` are newest entries that were read already. One attempt.
    pub(crate) async fn related(
        &self,
        account_id: &AccountId,
        subject: Subject<'_>,
        recent: &[Entry],
        raise: Raise,
    ) -> Result<Related, Failure> {
        match subject {
            Subject::Account => Ok(Related::default()),
            Subject::Debit(id) => self.related_debit(account_id, id, raise).await,
            Subject::Hold(id) => self.related_hold(account_id, id, recent, raise).await,
        }
    }

    /// A debit, or a hold with its capture: what that took is what can be reversed.
    async fn related_debit(
        &self,
        account_id: &AccountId,
        id: &DebitId,
        raise: Raise,
    ) -> Result<Related, Failure> {
        let key = CommandKey::Debit(id.clone());
        let seen = self.key_seen(account_id, &key, raise).await?;
        let mut related = Related { claims: vec![ClaimRead::of(key, &seen)], ..Related::default() };
        let KeySeen::Found(claim, stored) = seen else { return Ok(related) };
        let entry = &stored.entry;
        let taken = if let Event::Hold { .. } = entry.event {
            let key = CommandKey::Settlement(id.into());
            let seen = self.key_seen(account_id, &key, raise).await?;
            related.claims.push(ClaimRead::of(key, &seen));
            seen.entry().and_then(captured)
        } else {
            Some(entry.change.taken())
        };
        let (sequence, reversed) = (entry.account.sequence, claim.reversed);
        related.debit = taken.map(|taken| DebitRecord { sequence, taken, reversed });
        Ok(related)
    }

    /// A hold as it was made. Entries never change: only that there is none rests on its claim.
    async fn related_hold(
        &self,
        account_id: &AccountId,
        id: &HoldId,
        recent: &[Entry],
        raise: Raise,
    ) -> Result<Related, Failure> {
        let key = CommandKey::Hold(id.clone());
        if let Some(entry) = recent.iter().find(|entry| entry.is_of(&key)) {
            return Ok(Related { hold: entry.try_into().ok(), ..Related::default() });
        }
        let seen = self.key_seen(account_id, &key, raise).await?;
        let hold = seen.entry().and_then(|entry| HoldOutcome::try_from(entry).ok());
        Ok(Related { hold, claims: vec![ClaimRead::of(key, &seen)], ..Related::default() })
    }

    /// Finds the entry of a key. One attempt.
    pub(crate) async fn key_seen(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        raise: Raise,
    ) -> Result<KeySeen, Failure> {
        let Some(claim) = self.claim(account_id, key).await? else { return Ok(KeySeen::Absent) };
        if let Some(sequence) = claim.sequence {
            let stored = self.claimed_entry(account_id, key, sequence).await?;
            return Ok(KeySeen::Found(claim, Box::new(stored)));
        }
        Ok(match self.scan(account_id, key, claim.from, raise).await? {
            Scanned::Found(stored) => KeySeen::Found(claim, stored),
            Scanned::Absent(_) => KeySeen::Unfinished(claim),
            // The claim is raised, so the next attempt goes on from there.
            Scanned::Unfinished(_) => return Err(Failure::contended()),
        })
    }
}

/// What the capture of a hold took; `None` if it was released.
fn captured(settlement: &Entry) -> Option<Credits> {
    let outcome = SettlementOutcome::try_from(settlement).ok()?;
    (outcome.status == SettlementStatus::Captured).then_some(outcome.captured)
}
