//! Claims: written before an entry, read to find it again.

use scrip_accounts::{AccountId, CommandKey, Sequence};

use crate::{
    Error, Ledger,
    error::{Failure, classify},
    items::{self, Claim, StoredEntry},
    keys,
};

impl Ledger {
    /// Claims a key from an entry on: `None` once the claim is written, else the claim that exists.
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

    /// The entry that a claim names. One attempt.
    ///
    /// An entry of another key there means that a claim outlived its entry, as after a restore: an error, and never an
    /// answer.
    pub(crate) async fn claimed_entry(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        sequence: Sequence,
    ) -> Result<StoredEntry, Failure> {
        // Entries are never deleted: it is still being written.
        let stored = self.entry(account_id, sequence).await?.ok_or_else(Failure::contended)?;
        if !stored.entry.is_of(key) {
            return Err(
                Error::internal("read a claimed entry", format!("{sequence} carries another key")).into()
            );
        }
        Ok(stored)
    }

    /// Notes on a claim that no entry up to this one carries its key, so that nobody reads these again. Safe whenever
    /// it lands, because entries never change.
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
