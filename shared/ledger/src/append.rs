//! Writes a decision: a single entry by one put, or several items in one transaction.

use scrip_accounts::{Account, AccountId, Decision, Entry, Posting, Record};

use crate::{
    Error, Ledger,
    cancellation::Slot,
    cancellation::{Cancellation, read_reasons},
    error::{Failure, cancellation, classify},
    items::{self, StoredEntry},
    keys,
    request_hash::RequestHash,
    writes::Writes,
};

/// The result of appending the posting of a command with a key.
#[derive(Debug)]
pub(crate) enum AppendResult {
    /// It was written.
    Done,
    /// Nothing was written, because the next entry exists.
    Exists(Box<StoredEntry>),
    /// Nothing was written, because an entry or a record that it was decided on has changed.
    Raced,
}

/// The result of appending the decision of a command without a key.
#[derive(Debug)]
pub(crate) enum DecisionResult {
    /// It was written.
    Done,
    /// Nothing was written, because the payment belongs to another account.
    Taken,
    /// Nothing was written, because others appended first. If the answer carried a newer entry, it is here.
    Raced(Option<Box<Entry>>),
}

impl Ledger {
    /// Writes the posting that was decided on the account `from`, in one attempt.
    pub(crate) async fn append_posting(
        &self,
        account_id: &AccountId,
        from: &Account,
        posting: &Posting,
        request: &RequestHash,
    ) -> Result<AppendResult, Failure> {
        check_follow(from, posting.entries());
        let item = items::write_entry(account_id, &posting.entry, Some(request))?;
        let due = self.write_due(account_id, from, &posting.entry.account)?;
        if posting.due.is_empty() && posting.records.is_empty() && due.is_none() {
            return match self.put_if_absent("append an entry", item).await? {
                None => Ok(AppendResult::Done),
                Some(exists) => Ok(AppendResult::Exists(Box::new(items::read_entry(exists)?))),
            };
        }
        let mut writes = Writes::default();
        for entry in &posting.due {
            writes.add(Slot::Entry, self.put_new(items::write_entry(account_id, entry, None)?)?);
        }
        writes.add(Slot::Entry, self.put_new(item)?);
        self.add_records(&mut writes, account_id, &posting.records)?;
        writes.add_due(due);
        match self.write_all(writes).await? {
            None => Ok(AppendResult::Done),
            Some(Cancellation::Raced(_)) => Ok(AppendResult::Raced),
            Some(cancelled) => Err(unexpected(&cancelled)),
        }
    }

    /// Writes the decision that was made on the account `from`, in one attempt.
    pub(crate) async fn append_decision(
        &self,
        account_id: &AccountId,
        from: &Account,
        decision: &Decision,
    ) -> Result<DecisionResult, Failure> {
        check_follow(from, &decision.entries);
        let mut writes = Writes::default();
        for entry in &decision.entries {
            writes.add(Slot::Entry, self.put_new(items::write_entry(account_id, entry, None)?)?);
        }
        if decision.entries.is_empty() {
            // Records alone were decided on the newest entry too, so it must still be the newest.
            writes.add(Slot::Entry, self.check_none(keys::entry(account_id, from.sequence.next()))?);
        }
        self.add_records(&mut writes, account_id, &decision.records)?;
        if let Some(last) = decision.entries.last() {
            writes.add_due(self.write_due(account_id, from, &last.account)?);
        }
        match self.write_all(writes).await? {
            None => Ok(DecisionResult::Done),
            Some(Cancellation::Taken) => Ok(DecisionResult::Taken),
            Some(Cancellation::CustomerKnown) => {
                let mut rest = decision.clone();
                rest.records.retain(|record| !matches!(record, Record::Customer(_)));
                Box::pin(self.append_decision(account_id, from, &rest)).await
            }
            Some(Cancellation::Raced(newest)) => {
                let newest = newest.map(|item| items::read_entry(*item)).transpose()?;
                Ok(DecisionResult::Raced(newest.map(|stored| Box::new(stored.entry))))
            }
            Some(cancelled) => Err(unexpected(&cancelled)),
        }
    }

    /// Sends a transaction: `None` if it is written, else the reason of its cancellation.
    ///
    /// # Errors
    /// Faults that another attempt may overcome, and unknown reasons.
    async fn write_all(&self, writes: Writes) -> Result<Option<Cancellation>, Failure> {
        let Err(error) = self.transact(writes.items).await else { return Ok(None) };
        let Some(reasons) = cancellation(&error) else {
            return Err(classify("append", error));
        };
        match read_reasons(&writes.slots, reasons) {
            Cancellation::Wait(fault) => Err(Failure::Transient(fault, Some(error.into()))),
            Cancellation::Unknown(cause) => Err(Error::internal("append", cause).into()),
            cancelled => Ok(Some(cancelled)),
        }
    }
}

fn unexpected(cancelled: &Cancellation) -> Failure {
    Error::internal("append", format!("cancelled without such a write: {cancelled:?}")).into()
}

/// Asserts that entries follow an account: there is no gap, and each balance is the one before plus its change. The
/// journal makes them so; an entry that breaks this must never be written.
fn check_follow<'a>(from: &Account, entries: impl IntoIterator<Item = &'a Entry>) {
    let mut before = from;
    for entry in entries {
        assert_eq!(entry.account.sequence, before.sequence.next(), "sequences have no gap");
        assert_eq!(entry.change.apply(before.balance), Some(entry.account.balance), "an entry adds up");
        before = &entry.account;
    }
}
