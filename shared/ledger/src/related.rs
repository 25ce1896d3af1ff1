//! Related records: the debit or hold that a command names, found by its claim and a scan from there.

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
    scan::{RaisePolicy, ScanResult},
};

/// The number of newest entries that are read for a command that names a hold. The hold is mostly among them, and four
/// entries of up to 1 KB cost one read unit, like the newest alone.
const RECENT_ENTRIES: u8 = 4;

/// The state of a command's key.
#[derive(Debug)]
pub(crate) enum KeyState {
    /// It was never claimed.
    Absent,
    /// It has a claim, but no entry up to the newest carries it.
    Unfinished(Claim),
    /// Its command was carried out.
    Found(Claim, Box<StoredEntry>),
}

impl KeyState {
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

/// The records that a command's decision depends on, in addition to the account.
#[derive(Debug, Default)]
pub(crate) struct RelatedRecords {
    /// The debit or captured hold that the command names.
    pub(crate) debit: Option<DebitRecord>,
    /// The hold that the command names.
    pub(crate) hold: Option<HoldOutcome>,
    /// The claims that a refusal depends on.
    pub(crate) claims: Vec<ClaimSnapshot>,
}

/// The part of a claim that a refusal depends on, as it was read.
#[derive(Debug)]
pub(crate) struct ClaimSnapshot {
    pub(crate) key: CommandKey,
    /// The claim's total of reversed credits; `None` if there was no claim.
    reversed: Option<Credits>,
}

impl ClaimSnapshot {
    fn of(key: CommandKey, seen: &KeyState) -> Self {
        Self { key, reversed: seen.claim().map(|claim| claim.reversed) }
    }

    /// Whether a claim that was read again is still the same.
    pub(crate) fn agrees_with(&self, now: Option<&Claim>) -> bool {
        self.reversed == now.map(|claim| claim.reversed)
    }
}

/// The number of newest entries that are read for a command.
pub(crate) fn recent_entries(subject: Subject<'_>) -> u8 {
    match subject {
        Subject::Account | Subject::Debit(_) => 1,
        Subject::Hold(_) => RECENT_ENTRIES,
    }
}

impl Ledger {
    /// Reads a debit and the credits that came back; `None` if the account has no such debit.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, DebitId};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let (alice, id) = (AccountId::parse("alice")?, DebitId::parse("job-1")?);
    /// if let Some(debit) = ledger.debit(&alice, &id).await? {
    ///     println!("{} of {}", debit.reversed.playground(), debit.outcome.credits.playground());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn debit(&self, account_id: &AccountId, id: &DebitId) -> Result<Option<DebitStatus>, Error> {
        let key = CommandKey::Debit(id.clone());
        let seen = persist(|| self.key_state(account_id, &key, RaisePolicy::Nothing)).await?;
        let KeyState::Found(claim, stored) = seen else { return Ok(None) };
        let outcome = DebitOutcome::try_from(&stored.entry).ok();
        Ok(outcome.map(|outcome| DebitStatus { outcome, reversed: claim.reversed }))
    }

    /// Reads a hold and how it ended; `None` if the account has no such hold.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, HoldId};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let (alice, id) = (AccountId::parse("alice")?, HoldId::parse("job-1")?);
    /// if let Some(hold) = ledger.hold(&alice, &id).await? {
    ///     let now = "2026-11-22T10:00:00Z".parse().unwrap();
    ///     println!("{}", hold.state(now).name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn hold(&self, account_id: &AccountId, id: &HoldId) -> Result<Option<HoldStatus>, Error> {
        let key = CommandKey::Hold(id.clone());
        let seen = persist(|| self.key_state(account_id, &key, RaisePolicy::Nothing)).await?;
        let KeyState::Found(claim, stored) = seen else { return Ok(None) };
        let Ok(outcome) = HoldOutcome::try_from(&stored.entry) else { return Ok(None) };
        let key = CommandKey::Settlement(id.clone());
        let seen = persist(|| self.key_state(account_id, &key, RaisePolicy::Nothing)).await?;
        let settlement = seen.entry().map(SettlementOutcome::try_from).transpose();
        let settlement = settlement
            .map_err(|source: OtherKind| Error::internal("read the settlement of a hold", source))?;
        Ok(Some(HoldStatus { outcome, settlement, reversed: claim.reversed }))
    }

    /// Reads the records that a command names, in one attempt. `recent` has the newest entries, if they were read
    /// already.
    pub(crate) async fn related(
        &self,
        account_id: &AccountId,
        subject: Subject<'_>,
        recent: &[Entry],
        raise: RaisePolicy,
    ) -> Result<RelatedRecords, Failure> {
        match subject {
            Subject::Account => Ok(RelatedRecords::default()),
            Subject::Debit(id) => self.related_debit(account_id, id, raise).await,
            Subject::Hold(id) => self.related_hold(account_id, id, recent, raise).await,
        }
    }

    /// Reads a debit, or a hold with its capture, which took the credits that can be reversed.
    async fn related_debit(
        &self,
        account_id: &AccountId,
        id: &DebitId,
        raise: RaisePolicy,
    ) -> Result<RelatedRecords, Failure> {
        let key = CommandKey::Debit(id.clone());
        let seen = self.key_state(account_id, &key, raise).await?;
        let mut related =
            RelatedRecords { claims: vec![ClaimSnapshot::of(key, &seen)], ..RelatedRecords::default() };
        let KeyState::Found(claim, stored) = seen else { return Ok(related) };
        let entry = &stored.entry;
        let taken = if let Event::Hold { .. } = entry.event {
            let key = CommandKey::Settlement(id.into());
            let seen = self.key_state(account_id, &key, raise).await?;
            related.claims.push(ClaimSnapshot::of(key, &seen));
            seen.entry().and_then(captured)
        } else {
            Some(entry.change.taken())
        };
        let (sequence, reversed) = (entry.account.sequence, claim.reversed);
        related.debit = taken.map(|taken| DebitRecord { sequence, taken, reversed });
        Ok(related)
    }

    /// Reads a hold's entry. Entries never change, so a refusal depends on the claim only if there is no entry.
    async fn related_hold(
        &self,
        account_id: &AccountId,
        id: &HoldId,
        recent: &[Entry],
        raise: RaisePolicy,
    ) -> Result<RelatedRecords, Failure> {
        let key = CommandKey::Hold(id.clone());
        if let Some(entry) = recent.iter().find(|entry| entry.is_of(&key)) {
            return Ok(RelatedRecords { hold: entry.try_into().ok(), ..RelatedRecords::default() });
        }
        let seen = self.key_state(account_id, &key, raise).await?;
        let hold = seen.entry().and_then(|entry| HoldOutcome::try_from(entry).ok());
        Ok(RelatedRecords { hold, claims: vec![ClaimSnapshot::of(key, &seen)], ..RelatedRecords::default() })
    }

    /// Finds the entry of a key, in one attempt.
    pub(crate) async fn key_state(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        raise: RaisePolicy,
    ) -> Result<KeyState, Failure> {
        let Some(claim) = self.claim(account_id, key).await? else { return Ok(KeyState::Absent) };
        if let Some(sequence) = claim.sequence {
            let stored = self.claimed_entry(account_id, key, sequence).await?;
            return Ok(KeyState::Found(claim, Box::new(stored)));
        }
        Ok(match self.scan(account_id, key, claim.from, raise).await? {
            ScanResult::Found(stored) => KeyState::Found(claim, stored),
            ScanResult::Absent(_) => KeyState::Unfinished(claim),
            // The scan has raised the claim, so the next attempt goes on from there.
            ScanResult::Unfinished(_) => return Err(Failure::contended()),
        })
    }
}

/// The credits that the capture of a hold took; `None` if the hold was released.
fn captured(settlement: &Entry) -> Option<Credits> {
    let outcome = SettlementOutcome::try_from(settlement).ok()?;
    (outcome.status == SettlementStatus::Captured).then_some(outcome.captured)
}
