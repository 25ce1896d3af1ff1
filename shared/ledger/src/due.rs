//! The due index: it lists the accounts whose month must still be turned, pending refunds and parked payments.
//!
//! The write that turns an account's month also removes the account from its partition. So the index is its own cursor:
//! a sweep that was killed finds the rest by starting again. The index is eventually consistent and may list an account
//! that was turned a moment ago; turning it again writes nothing.

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

/// The most accounts or refunds of a page. It is large enough that listing costs little compared to the work for each
/// item, and small enough that memory doesn't grow with the number of accounts.
const PAGE_ITEMS_MAX: i32 = 1_000;

/// A partition of the due index: the accounts of one shard whose newest entry is of one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePartition {
    /// The accounts' month.
    pub month: Period,
    /// The shard, below [`DUE_SHARDS`](crate::DUE_SHARDS).
    pub shard: u64,
}

/// A page of due accounts.
#[derive(Debug, Clone, Default)]
pub struct DuePage {
    /// The accounts.
    pub accounts: Vec<AccountId>,
    /// The start of the next page; `None` after the last.
    pub next: Option<DueCursor>,
}

/// The start of a page of the due index.
#[derive(Debug, Clone)]
pub struct DueCursor(Item);

impl Ledger {
    /// Reads a page of a partition's accounts, in no particular order.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if throttling or faults outlast the attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_ledger::DuePartition;
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let partition = DuePartition { month: "2026-11".parse()?, shard: 0 };
    /// let mut from = None;
    /// loop {
    ///     let page = ledger.due(partition, from).await?;
    ///     println!("{} accounts", page.accounts.len());
    ///     from = page.next;
    ///     if from.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn due(&self, partition: DuePartition, from: Option<DueCursor>) -> Result<DuePage, Error> {
        let start = from.map(|cursor| cursor.0);
        backoff::persist(|| self.due_page(partition, start.clone())).await
    }

    /// Reads a page of the purchases whose refund is pending. It may have some whose refund has just ended.
    ///
    /// # Errors
    /// Those of [`Ledger::due`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), scrip_ledger::Error> {
    /// let (refunds, next) = ledger.pending_refunds(None).await?;
    /// println!("{} refunds; more follow: {}", refunds.len(), next.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pending_refunds(
        &self,
        from: Option<DueCursor>,
    ) -> Result<(Vec<(AccountId, PurchaseId)>, Option<DueCursor>), Error> {
        let start = from.map(|cursor| cursor.0);
        let partition = || keys::PENDING_REFUNDS.to_owned();
        let (items, next) = backoff::persist(|| self.index_page(partition(), start.clone())).await?;
        Ok((items.into_iter().map(keys::purchase_of).collect::<Result<_, _>>()?, next))
    }

    /// Reads a page of the ids of parked Stripe objects. It may have some that were just granted.
    ///
    /// # Errors
    /// Those of [`Ledger::due`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), scrip_ledger::Error> {
    /// let (object_ids, next) = ledger.list_parked(None).await?;
    /// println!("{}; more follow: {}", object_ids.join(", "), next.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list_parked(
        &self,
        from: Option<DueCursor>,
    ) -> Result<(Vec<String>, Option<DueCursor>), Error> {
        let start = from.map(|cursor| cursor.0);
        let partition = || keys::PARKED.to_owned();
        let (items, next) = backoff::persist(|| self.index_page(partition(), start.clone())).await?;
        Ok((items.into_iter().map(keys::parked_of).collect::<Result<_, _>>()?, next))
    }

    /// Counts the accounts of a partition.
    ///
    /// # Errors
    /// Those of [`Ledger::due`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_ledger::DuePartition;
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let partition = DuePartition { month: "2026-11".parse()?, shard: 0 };
    /// println!("{} accounts", ledger.count_due(partition).await?);
    /// # Ok(())
    /// # }
    /// ```
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
        let value = keys::due_partition(partition.month, partition.shard);
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
        let value = keys::due_partition(partition.month, partition.shard);
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
