//! The due index: which accounts a month's turn still has to settle, and which refunds are pending.
//!
//! An account that is settled leaves its partition in the write that settles it, so the index is its own
//! cursor: a sweep that was killed finds what is left by starting again. The index follows the table a
//! moment later, so it may still list an account that is settled; settling that one writes nothing.

use aws_sdk_dynamodb::{
    operation::query::{QueryInput, builders::QueryInputBuilder},
    types::{AttributeValue, Select},
};
use scrip_accounts::{AccountId, Period, PurchaseId};

use crate::{
    Error, Ledger, backoff,
    error::{Failure, classify},
    items::Item,
    keys,
};

/// How many accounts, or refunds, are listed at once: enough that asking for them weighs little beside what is done for
/// them, and few enough that a million weigh no more in memory than a thousand.
const PAGE_ITEMS_MAX: i32 = 1_000;

/// A part of a month's due accounts: the month they were settled for last, and the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePartition {
    /// The month that was settled last.
    pub settled: Period,
    /// The shard, below [`DUE_SHARDS`](crate::DUE_SHARDS).
    pub shard: u64,
}

/// A page of due accounts.
#[derive(Debug, Clone, Default)]
pub struct DuePage {
    /// The accounts.
    pub accounts: Vec<AccountId>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<DueCursor>,
}

/// Where a page of due accounts begins.
#[derive(Debug, Clone)]
pub struct DueCursor(Item);

impl Ledger {
    /// A page of a partition's accounts, in no order that means anything.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where throttling or faults outlast the attempts, [`Error::Internal`].
    pub async fn due(&self, partition: DuePartition, from: Option<DueCursor>) -> Result<DuePage, Error> {
        let start = from.map(|cursor| cursor.0);
        backoff::persist(|| self.due_page(partition, start.clone())).await
    }

    /// A page of the purchases whose refund is pending, those whose index is a moment behind among them.
    ///
    /// # Errors
    /// As [`Ledger::due`].
    pub async fn pending_refunds(
        &self,
        from: Option<DueCursor>,
    ) -> Result<(Vec<(AccountId, PurchaseId)>, Option<DueCursor>), Error> {
        let start = from.map(|cursor| cursor.0);
        let partition = || keys::PENDING_REFUNDS.to_owned();
        let (items, next) = backoff::persist(|| self.index_page(partition(), start.clone())).await?;
        Ok((items.into_iter().map(keys::purchase_of).collect::<Result<_, _>>()?, next))
    }

    /// A page of the ids of what is parked, that whose index is a moment behind among it.
    ///
    /// # Errors
    /// As [`Ledger::due`].
    pub async fn list_parked(
        &self,
        from: Option<DueCursor>,
    ) -> Result<(Vec<String>, Option<DueCursor>), Error> {
        let start = from.map(|cursor| cursor.0);
        let partition = || keys::PARKED.to_owned();
        let (items, next) = backoff::persist(|| self.index_page(partition(), start.clone())).await?;
        Ok((items.into_iter().map(keys::parked_of).collect::<Result<_, _>>()?, next))
    }

    /// How many accounts a partition holds.
    ///
    /// # Errors
    /// As [`Ledger::due`].
    pub async fn count_due(&self, partition: DuePartition) -> Result<u64, Error> {
        let (mut count, mut start) = (0, None);
        loop {
            let (page, next) = backoff::persist(|| self.count_page(partition, start.clone())).await?;
            count += page;
            match next {
                Some(next) => start = Some(next),
                None => return Ok(count),
            }
        }
    }

    async fn due_page(&self, partition: DuePartition, start: Option<Item>) -> Result<DuePage, Failure> {
        let value = keys::due_partition(partition.settled, partition.shard);
        let (items, next) = self.index_page(value, start).await?;
        let accounts = items.into_iter().map(keys::account_of).collect::<Result<_, _>>()?;
        Ok(DuePage { accounts, next })
    }

    async fn index_page(
        &self,
        partition: String,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<DueCursor>), Failure> {
        let query = Self::due_query(partition).limit(PAGE_ITEMS_MAX).set_exclusive_start_key(start);
        let answer = self.query(query).await.map_err(|error| classify("read the due index", error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.map(DueCursor)))
    }

    async fn count_page(
        &self,
        partition: DuePartition,
        start: Option<Item>,
    ) -> Result<(u64, Option<Item>), Failure> {
        let value = keys::due_partition(partition.settled, partition.shard);
        let query = Self::due_query(value).select(Select::Count).set_exclusive_start_key(start);
        let answer = self.query(query).await.map_err(|error| classify("count the due accounts", error))?;
        Ok((u64::from(answer.count.unsigned_abs()), answer.last_evaluated_key))
    }

    fn due_query(partition: String) -> QueryInputBuilder {
        QueryInput::builder()
            .index_name(keys::DUE)
            .key_condition_expression("#due = :due")
            .expression_attribute_names("#due", keys::DUE)
            .expression_attribute_values(":due", AttributeValue::S(partition))
    }
}
