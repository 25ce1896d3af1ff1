//! Claims: a claim is written before its entry, and is read to find the entry again.

use scrip_accounts::{AccountId, CommandKey, Sequence};

use crate::{
    Error, Ledger,
    error::{Failure, classify},
    items::{self, Claim, StoredEntry},
    keys,
};

impl Ledger {
    /// Claims a key, whose entry can only come after `from`. Returns `None` if the claim was written, else the existing
    /// one.
    pub(crate) async fn put_claim(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        from: Sequence,
    ) -> Result<Option<Claim>, Failure> {
        let item = items::write_claim(account_id, key, from)?;
        let exists = self.put_if_absent("claim a key", item).await?;
        Ok(exists.map(items::read_claim).transpose()?)
    }

    /// The claim of a key, if there is one.
    pub(crate) async fn claim(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
    ) -> Result<Option<Claim>, Failure> {
        let item = self.get(keys::operation(account_id, key)).await;
        let item = item.map_err(|error| classify("read a claim", error))?;
        Ok(item.map(items::read_claim).transpose()?)
    }

    /// Reads the entry that a claim names, in one attempt.
    ///
    /// If that entry carries another key, the claim outlived its own entry, as after a restore. This is an error, never
    /// an answer.
    pub(crate) async fn claimed_entry(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        sequence: Sequence,
    ) -> Result<StoredEntry, Failure> {
        // Entries are never deleted, so it is still being written.
        let stored = self.entry(account_id, sequence).await?.ok_or_else(Failure::contended)?;
        if !stored.entry.is_of(key) {
            return Err(
                Error::internal("read a claimed entry", format!("{sequence} carries another key")).into()
            );
        }
        Ok(stored)
    }

    /// Raises a claim's `from`: no entry up to that one carries its key, so later calls need not read these entries
    /// again. The write is safe at any time, because entries never change.
    pub(crate) async fn raise_claim(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        from: Sequence,
    ) -> Result<(), Failure> {
        let key = keys::operation(account_id, key);
        self.set_number("raise a claim", key, (keys::FROM, from.get())).await
    }
}
