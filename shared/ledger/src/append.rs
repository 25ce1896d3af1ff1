//! Writing what was decided: one entry by itself, or everything that changes together in one transaction.

use scrip_accounts::{Account, AccountId, Decision, Entry, Posting, Record};

use crate::{
    Error, Ledger,
    cancellation::Slot,
    cancellation::{Cancelled, read_reasons},
    error::{Failure, cancellation, classify},
    items::{self, StoredEntry},
    keys,
    request_hash::RequestHash,
    writes::Writes,
};

/// What came of the append of a command with a key.
#[derive(Debug)]
pub(crate) enum Appended {
    /// It was written.
    Done,
    /// Nothing was written: the next entry exists.
    Exists(Box<StoredEntry>),
    /// Nothing was written: something that it was decided from has changed.
    Raced,
}

/// What came of the append of a command without a key.
#[derive(Debug)]
pub(crate) enum DecisionAppended {
    /// It was written.
    Done,
    /// Nothing was written: what was paid belongs to another account.
    Taken,
    /// Nothing was written: others appended first. The newest entry that is known, if one is.
    Raced(Option<Box<Entry>>),
}

impl Ledger {
    /// Writes the posting of a command, decided on an account. One attempt.
    pub(crate) async fn append_posting(
        &self,
        account_id: &AccountId,
        from: &Account,
        posting: &Posting,
        request: &RequestHash,
    ) -> Result<Appended, Failure> {
        check_follow(from, posting.entries());
        let item = items::write_entry(account_id, &posting.entry, Some(request))?;
        let due = self.write_due(account_id, from, &posting.entry.account)?;
        if posting.due.is_empty() && posting.records.is_empty() && due.is_none() {
            return match self.put_if_absent("append an entry", item).await? {
                None => Ok(Appended::Done),
                Some(exists) => Ok(Appended::Exists(Box::new(items::read_entry(exists)?))),
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
            None => Ok(Appended::Done),
            Some(Cancelled::Raced(_)) => Ok(Appended::Raced),
            Some(cancelled) => Err(unexpected(&cancelled)),
        }
    }

    /// Writes a decision that was made on an account. One attempt.
    pub(crate) async fn append_decision(
        &self,
        account_id: &AccountId,
        from: &Account,
        decision: &Decision,
    ) -> Result<DecisionAppended, Failure> {
        check_follow(from, &decision.entries);
        let mut writes = Writes::default();
        for entry in &decision.entries {
            writes.add(Slot::Entry, self.put_new(items::write_entry(account_id, entry, None)?)?);
        }
        if decision.entries.is_empty() {
            // What is only recorded was decided from the newest entry too: it must still be the newest.
            writes.add(Slot::Entry, self.check_none(keys::entry(account_id, from.sequence.next()))?);
        }
        self.add_records(&mut writes, account_id, &decision.records)?;
        if let Some(last) = decision.entries.last() {
            writes.add_due(self.write_due(account_id, from, &last.account)?);
        }
        match self.write_all(writes).await? {
            None => Ok(DecisionAppended::Done),
            Some(Cancelled::Taken) => Ok(DecisionAppended::Taken),
            Some(Cancelled::CustomerKnown) => {
                let mut rest = decision.clone();
                rest.records.retain(|record| !matches!(record, Record::Customer(_)));
                Box::pin(self.append_decision(account_id, from, &rest)).await
            }
            Some(Cancelled::Raced(newest)) => {
                let newest = newest.map(|item| items::read_entry(*item)).transpose()?;
                Ok(DecisionAppended::Raced(newest.map(|stored| Box::new(stored.entry))))
            }
            Some(cancelled) => Err(unexpected(&cancelled)),
        }
    }

    /// Sends a transaction: `None` once it is written, else why not, as far as that is news to the caller.
    async fn write_all(&self, writes: Writes) -> Result<Option<Cancelled>, Failure> {
        let Err(error) = self.transact(writes.items).await else { return Ok(None) };
        let Some(reasons) = cancellation(&error) else {
            return Err(classify("append", error));
        };
        match read_reasons(&writes.slots, reasons) {
            Cancelled::Wait(fault) => Err(Failure::Transient(fault, Some(error.into()))),
            Cancelled::Unknown(cause) => Err(Error::internal("append", cause).into()),
            cancelled => Ok(Some(cancelled)),
        }
    }
}

fn unexpected(cancelled: &Cancelled) -> Failure {
    Error::internal("append", format!("cancelled without such a write: {cancelled:?}")).into()
}

/// Checks that entries follow an account: no gap, and each balance is the one before and its change. They were made so;
/// one that is not must never be written.
fn check_follow<'a>(from: &Account, entries: impl IntoIterator<Item = &'a Entry>) {
    let mut before = from;
    for entry in entries {
        assert_eq!(entry.account.sequence, before.sequence.next(), "sequences have no gap");
        assert_eq!(entry.change.apply(before.balance), Some(entry.account.balance), "an entry adds up");
        before = &entry.account;
    }
}
