//! What an account spent on some days, added up from its entries.
//!
//! Times rise with sequences. So the newest entry of the days is found by halving, a request each time, unless it is
//! the newest of all; one more request tells whether more entries are in the days than are read; and from there on
//! entries are read downwards, in pages that double, until one is older. So what is read in vain is less than what is
//! read for the answer, and a page. Entries never change: the answer is that of one moment, whatever is written
//! meanwhile.
//!
//! A reversal doesn't say the operation of its debit. Most debits are in the days, or in the last page. An older one is
//! found by its claim, which names its entry since it was reversed: two requests each. (Transactions would read a
//! hundred at once, and make the function's zip 35 KB larger for what is rare.)

use chrono::{DateTime, Utc};
use scrip_accounts::{AccountId, CommandKey, Days, DebitId, Entry, Sequence, Spending, SpendingBy, SumLimit};

use crate::{Error, Ledger, backoff::persist, error::Failure, related::KeySeen, scan::Raise};

/// The most entries of the days that are added up: by estimate some 9 s of a function's 15, for 200 requests, and for
/// the 18 µs of a CPU that an entry takes, of which a function with 256 MB has a seventh.
pub const SPENDING_ENTRIES_MAX: u64 = 50_000;
/// The most debits before the days that are looked up, for what came back of them on the days: by estimate 3 s.
pub const EARLIER_DEBITS_MAX: usize = 250;
/// The first page: as many as many users have in a month. Each further one is twice as large, up to 255, of which the
/// largest there can be are less than the megabyte of a query's page.
const PAGE_ENTRIES_FIRST: u8 = 32;

const DOING: &str = "add up what was spent";

/// What isn't added up at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// More than [`SPENDING_ENTRIES_MAX`] entries are in the days.
    Entries,
    /// What came back on the days is of more than [`EARLIER_DEBITS_MAX`] debits before them.
    EarlierDebits,
}

impl Ledger {
    /// What an account's work took and gave back on these days; or of what there is too much to be added up.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn spending(
        &self,
        account_id: &AccountId,
        days: Days,
        by: SpendingBy,
    ) -> Result<Result<Spending, TooMany>, Error> {
        let mut spending = Spending::new(by);
        let newest = self.newest_before(account_id, days.end()).await?;
        if let Some(beyond) = newest.get().checked_sub(SPENDING_ENTRIES_MAX).filter(|beyond| *beyond > 0)
            && self.time_of(account_id, Sequence::new(beyond)).await? >= days.start()
        {
            return Ok(Err(TooMany::Entries));
        }
        self.count_down(account_id, newest, days.start(), &mut spending).await?;
        let earlier = spending.unplaced();
        if earlier.len() > EARLIER_DEBITS_MAX {
            return Ok(Err(TooMany::EarlierDebits));
        }
        for debit_id in &earlier {
            place(&mut spending, &self.reversed_debit(account_id, debit_id).await?)?;
        }
        Ok(Ok(spending))
    }

    /// The newest entry before a moment; [`Sequence::NONE`] if there is none.
    async fn newest_before(&self, account_id: &AccountId, end: DateTime<Utc>) -> Result<Sequence, Error> {
        let newest = self.entries(account_id, None, 1).await?.entries.pop();
        let Some(newest) = newest else { return Ok(Sequence::NONE) };
        if newest.at < end {
            return Ok(newest.account.sequence);
        }
        // `before` is an entry before the moment, or none; `after` one that isn't. With 12 digits, it takes 40 steps.
        let (mut before, mut after) = (0, newest.account.sequence.get());
        while after - before > 1 {
            let middle = before.midpoint(after);
            let is_before = self.time_of(account_id, Sequence::new(middle)).await? < end;
            if is_before {
                before = middle;
            } else {
                after = middle;
            }
        }
        Ok(Sequence::new(before))
    }

    /// When an entry was made, of those up to the newest.
    async fn time_of(&self, account_id: &AccountId, sequence: Sequence) -> Result<DateTime<Utc>, Error> {
        let stored = persist(|| async {
            // Entries are never deleted: it is still being written.
            self.entry(account_id, sequence).await?.ok_or_else(Failure::contended)
        });
        Ok(stored.await?.entry.at)
    }

    /// Counts the entries from one downwards, to the last that isn't before a moment. Those below that were read with
    /// it aren't counted; they may be the debits of what came back.
    async fn count_down(
        &self,
        account_id: &AccountId,
        newest: Sequence,
        start: DateTime<Utc>,
        spending: &mut Spending,
    ) -> Result<(), Error> {
        let (mut newest, mut limit) = (newest, PAGE_ENTRIES_FIRST);
        // Ends with the entry that was looked at before, or with the first of all.
        while newest != Sequence::NONE {
            let entries = persist(|| self.unbroken(account_id, newest, limit)).await?;
            for entry in &entries {
                if entry.at < start {
                    place(spending, entry)?;
                } else {
                    spending.count(entry).map_err(too_much)?;
                }
            }
            if entries.last().is_some_and(|oldest| oldest.at < start) {
                break;
            }
            newest = Sequence::new(newest.get().saturating_sub(entries.len() as u64));
            limit = limit.saturating_mul(2);
        }
        Ok(())
    }

    /// A page of entries that begins with that one.
    async fn unbroken(
        &self,
        account_id: &AccountId,
        newest: Sequence,
        limit: u8,
    ) -> Result<Vec<Entry>, Failure> {
        let entries = self.entries_from(account_id, newest, limit).await?;
        let begins = entries.first().is_some_and(|entry| entry.account.sequence == newest);
        if begins { Ok(entries) } else { Err(Failure::contended()) }
    }

    /// The entry of a debit that was reversed.
    async fn reversed_debit(&self, account_id: &AccountId, id: &DebitId) -> Result<Entry, Error> {
        let key = CommandKey::Debit(id.clone());
        match persist(|| self.key_seen(account_id, &key, Raise::Nothing)).await? {
            KeySeen::Found(_, stored) => Ok(stored.entry),
            KeySeen::Absent | KeySeen::Unfinished(_) => {
                Err(Error::internal(DOING, "a debit that was reversed is missing"))
            }
        }
    }
}

fn place(spending: &mut Spending, debit: &Entry) -> Result<(), Error> {
    spending.place(debit).map_err(too_much)
}

fn too_much(limit: SumLimit) -> Error {
    Error::internal(DOING, limit)
}
