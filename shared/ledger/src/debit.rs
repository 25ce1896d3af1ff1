//! Finding a debit: by its claim, which names its entry once it was reversed, and else by a scan.

use scrip_accounts::{AccountId, CommandKey, DebitId, DebitRecord, OtherKind};

use crate::{
    DebitStatus, Error, Ledger,
    backoff::persist,
    error::Failure,
    items::{Claim, StoredEntry},
    scan::{Raise, Scanned},
};

/// A debit as a command reads it.
#[derive(Debug)]
pub(crate) enum DebitSeen {
    /// Its key was never claimed.
    Absent,
    /// Its key was claimed, and no entry up to the newest carries it.
    Unfinished(Claim),
    /// It was carried out.
    Found(Claim, Box<StoredEntry>),
}

impl DebitSeen {
    /// What a reversal needs to know of it.
    pub(crate) fn record(&self) -> Option<DebitRecord> {
        let Self::Found(claim, stored) = self else { return None };
        let entry = &stored.entry;
        let (sequence, taken) = (entry.account.sequence, entry.change.taken());
        Some(DebitRecord { sequence, taken, reversed: claim.reversed })
    }

    /// Whether the claim is still as it was read, as far as a refusal stands on it.
    pub(crate) fn agrees_with(&self, now: Option<&Claim>) -> bool {
        match (self, now) {
            (Self::Absent, None) => true,
            (Self::Unfinished(claim) | Self::Found(claim, _), Some(now)) => claim.reversed == now.reversed,
            (Self::Absent, Some(_)) | (Self::Unfinished(_) | Self::Found(..), None) => false,
        }
    }
}

impl Ledger {
    /// A debit and what came back of it; `None` if the account has no such debit.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn debit(&self, account_id: &AccountId, id: &DebitId) -> Result<Option<DebitStatus>, Error> {
        let seen = persist(|| self.debit_seen(account_id, id, Raise::Nothing)).await?;
        let DebitSeen::Found(claim, stored) = seen else { return Ok(None) };
        let outcome = (&stored.entry)
            .try_into()
            .map_err(|source: OtherKind| Error::internal("read a debit", source))?;
        Ok(Some(DebitStatus { outcome, reversed: claim.reversed }))
    }

    /// Finds a debit. One attempt.
    pub(crate) async fn debit_seen(
        &self,
        account_id: &AccountId,
        id: &DebitId,
        raise: Raise,
    ) -> Result<DebitSeen, Failure> {
        let key = CommandKey::Debit(id.clone());
        let Some(claim) = self.claim(account_id, &key).await? else { return Ok(DebitSeen::Absent) };
        if let Some(sequence) = claim.sequence {
            let stored = self.claimed_entry(account_id, &key, sequence).await?;
            return Ok(DebitSeen::Found(claim, Box::new(stored)));
        }
        Ok(match self.scan(account_id, &key, claim.from, raise).await? {
            Scanned::Found(stored) => DebitSeen::Found(claim, stored),
            Scanned::Absent(_) => DebitSeen::Unfinished(claim),
            // The claim is raised, so the next attempt goes on from there.
            Scanned::Unfinished(_) => return Err(Failure::contended()),
        })
    }
}
