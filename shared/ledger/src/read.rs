//! Reads accounts and their history. Every read is strongly consistent, so it sees every write that was answered.
//!
//! A read of several items may still see half of a transaction that is being written. If a decision ends in an append,
//! the append's conditions guard against that. A refusal of a command with a key is guarded by a [`Snapshot`].

use aws_sdk_dynamodb::{
    operation::query::{QueryInput, builders::QueryInputBuilder},
    types::{Get, TransactGetItem},
};
use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, AccountId, CommandKey, CustomerId, Entry, PaymentId, PurchaseId, Records, Sequence,
    SubscriptionId, SubscriptionRecord,
};

use crate::{
    Error, Ledger, ParkedPayment, Subjects,
    backoff::persist,
    cancellation::{Slot, read_cancelled},
    error::{Failure, classify},
    items::{self, Claim, Item, OwnerItem, StoredEntry, text},
    keys::{self, Key},
};

/// A page of an account's history, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The next page has the entries below this sequence; `None` after the account's first entry.
    pub next_below: Option<Sequence>,
}

/// The items that a refusal depends on, read in one transaction.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The claim of the command's key, if there is one.
    pub(crate) claim: Option<Claim>,
    /// Whether no entry follows the one that was read as the newest.
    pub(crate) is_newest: bool,
    /// The related claims, in the order of the request.
    pub(crate) related: Vec<Option<Claim>>,
}

impl Ledger {
    /// Reads the account after its newest entry; `None` if it has no entries. It takes one request and 1 RCU.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if throttling or faults outlast ten attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{Account, AccountId};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = ledger.account(&AccountId::parse("alice")?).await?;
    /// // A refill that is due is counted in by `as_of`.
    /// let account = account.unwrap_or_else(|| Account::unseen(now)).as_of(now);
    /// println!("{} playground credits", account.balance.playground());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn account(&self, account_id: &AccountId) -> Result<Option<Account>, Error> {
        persist(|| self.head(account_id)).await
    }

    /// Reads a page of the history, newest first: at most `limit` entries (1 or more) below a sequence.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let alice = scrip_accounts::AccountId::parse("alice")?;
    /// let newest = ledger.entries(&alice, None, 20).await?;
    /// if newest.next_below.is_some() {
    ///     let older = ledger.entries(&alice, newest.next_below, 20).await?;
    ///     println!("{} entries", newest.entries.len() + older.entries.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn entries(
        &self,
        account_id: &AccountId,
        below: Option<Sequence>,
        limit: u8,
    ) -> Result<Page, Error> {
        let newest = below.map_or(u64::MAX, |below| below.get().saturating_sub(1));
        if newest == 0 {
            return Ok(Page { entries: Vec::new(), next_below: None });
        }
        let entries = persist(|| self.entries_from(account_id, Sequence::new(newest), limit)).await?;
        let oldest = entries.last().map(|entry| entry.account.sequence);
        Ok(Page { next_below: oldest.filter(|sequence| sequence.get() > 1), entries })
    }

    /// Reads entries from a sequence downwards, newest first, at most `limit` (1 or more), in one attempt.
    pub(crate) async fn entries_from(
        &self,
        account_id: &AccountId,
        newest: Sequence,
        limit: u8,
    ) -> Result<Vec<Entry>, Failure> {
        let query = Self::history(account_id)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :oldest AND :newest")
            .expression_attribute_values(":oldest", text(keys::entry_sort(Sequence::new(1))))
            .expression_attribute_values(":newest", text(keys::entry_sort(newest.min(keys::SEQUENCE_MAX))))
            .limit(i32::from(limit));
        self.read_page(query, limit).await
    }

    /// Reads the account after its newest entry, in one attempt.
    pub(crate) async fn head(&self, account_id: &AccountId) -> Result<Option<Account>, Failure> {
        Ok(self.newest_entries(account_id, 1).await?.pop().map(|entry| entry.account))
    }

    /// Reads the newest entries, newest first, at most `limit` (1 or more), in one attempt. Only the first is certain
    /// to be complete: below it, entries of a transaction that is being written may be missing.
    pub(crate) async fn newest_entries(
        &self,
        account_id: &AccountId,
        limit: u8,
    ) -> Result<Vec<Entry>, Failure> {
        let query = Self::history(account_id)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :entry)")
            .expression_attribute_values(":entry", text(keys::ENTRY_PREFIX))
            .limit(i32::from(limit));
        self.read_entries("read the head", query).await
    }

    /// Reads an item that doesn't exist, so the first call finds an open connection and fetched credentials. Failures
    /// are ignored, because the first call will see them too.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) {
    /// ledger.warm_up().await;
    /// # }
    /// ```
    pub async fn warm_up(&self) {
        drop(self.read_nothing().await);
        let _ = self.take_usage();
    }

    /// Queries a partition that no account has.
    async fn read_nothing(&self) -> Result<(), Failure> {
        let query = QueryInput::builder()
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_values(":pk", text(keys::NO_ACCOUNT))
            .limit(1);
        self.read_entries("warm up", query).await.map(drop)
    }

    /// Reads the account after an entry that is known to exist; before the first entry it is an unseen one. One
    /// attempt.
    pub(crate) async fn account_at(
        &self,
        account_id: &AccountId,
        sequence: Sequence,
        now: DateTime<Utc>,
    ) -> Result<Account, Failure> {
        if sequence == Sequence::NONE {
            return Ok(Account::unseen(now));
        }
        // Entries are never deleted, so it is still being written.
        let stored = self.entry(account_id, sequence).await?.ok_or_else(Failure::contended)?;
        Ok(stored.entry.account)
    }

    /// Reads the items that a refusal depends on, in one transaction. It fails while one of them is being written;
    /// another attempt may succeed.
    pub(crate) async fn snapshot<'a>(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        newest: Sequence,
        related: impl Iterator<Item = &'a CommandKey>,
    ) -> Result<Snapshot, Failure> {
        let mut wanted = vec![keys::operation(account_id, key), keys::entry(account_id, newest.next())];
        wanted.extend(related.map(|key| keys::operation(account_id, key)));
        let slots = vec![Slot::Read; wanted.len()];
        let wanted =
            wanted.into_iter().map(|key| self.transact_get(key)).collect::<Result<Vec<_>, Error>>()?;
        let found = self.transact_reads(wanted).await.map_err(|error| read_cancelled(&slots, error))?;
        let mut items = found.into_iter();
        let claim = items.next().flatten().map(items::read_claim).transpose()?;
        let is_newest = items.next().flatten().is_none();
        let related =
            items.map(|item| item.map(items::read_claim).transpose()).collect::<Result<_, Error>>()?;
        Ok(Snapshot { claim, is_newest, related })
    }

    fn transact_get(&self, key: Key) -> Result<TransactGetItem, Error> {
        let get = Get::builder().table_name(&self.table).set_key(Some(key.into_attributes())).build();
        let get = get.map_err(|source| Error::internal("build a read", source))?;
        Ok(TransactGetItem::builder().get(get).build())
    }

    /// Reads the records of a subscription and of purchases that exist; `None` if the subscription belongs to another
    /// account. One attempt.
    pub(crate) async fn records(
        &self,
        account_id: &AccountId,
        subjects: Subjects<'_>,
    ) -> Result<Option<Records>, Failure> {
        let mut records = Records::default();
        if let Some(id) = subjects.subscription
            && let Some((owner, record)) = self.subscription_once(id).await?
        {
            if owner != *account_id {
                return Ok(None);
            }
            records.subscription = Some(record);
        }
        for id in subjects.purchases {
            records.purchases.extend(self.purchase_once(account_id, id).await?);
        }
        Ok(Some(records))
    }

    /// Reads the account and the record of a subscription; `None` if it has no record.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let id = scrip_accounts::SubscriptionId::parse("sub_1")?;
    /// if let Some((account_id, record)) = ledger.subscription(&id).await? {
    ///     println!("{account_id}, past due: {}", record.past_due);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscription(
        &self,
        id: &SubscriptionId,
    ) -> Result<Option<(AccountId, SubscriptionRecord)>, Error> {
        persist(|| self.subscription_once(id)).await
    }

    async fn subscription_once(
        &self,
        id: &SubscriptionId,
    ) -> Result<Option<(AccountId, SubscriptionRecord)>, Failure> {
        let item = self.item("read a subscription", keys::subscription(id)).await?;
        Ok(item.map(items::read_subscription).transpose()?)
    }

    /// Reads the account and the purchase of a payment; `None` if the payment isn't recorded. A purchase's own id works
    /// too.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let id = scrip_accounts::PaymentId::parse("pi_1")?;
    /// if let Some((account_id, purchase_id)) = ledger.payment(&id).await? {
    ///     println!("{account_id} {purchase_id}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn payment(&self, id: &PaymentId) -> Result<Option<(AccountId, PurchaseId)>, Error> {
        let owner = self.owner(keys::payment(id)).await?;
        Ok(owner.and_then(|owner| Some((owner.account_id, owner.purchase_id?))))
    }

    async fn owner(&self, key: Key) -> Result<Option<OwnerItem>, Error> {
        let item = persist(|| self.item("look up an owner", key.clone())).await?;
        item.map(items::read_owner).transpose()
    }

    /// Reads the account that a customer first bought for; `None` if the customer isn't recorded.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let id = scrip_accounts::CustomerId::parse("cus_1")?;
    /// println!("it is known: {}", ledger.customer(&id).await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn customer(&self, id: &CustomerId) -> Result<Option<AccountId>, Error> {
        Ok(self.owner(keys::customer(id)).await?.map(|owner| owner.account_id))
    }

    /// Reads the parked payment of a Stripe object; `None` if it isn't parked.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), scrip_ledger::Error> {
    /// if let Some(parked) = ledger.parked("in_1").await? {
    ///     println!("{} {}: {}", parked.object, parked.object_id, parked.reason);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn parked(&self, object_id: &str) -> Result<Option<ParkedPayment>, Error> {
        let item = persist(|| self.item("read what is parked", keys::parked(object_id))).await?;
        item.map(items::read_parked).transpose()
    }

    /// Reads one entry, in one attempt.
    pub(crate) async fn entry(
        &self,
        account_id: &AccountId,
        sequence: Sequence,
    ) -> Result<Option<StoredEntry>, Failure> {
        let item = self.item("read an entry", keys::entry(account_id, sequence)).await?;
        Ok(item.map(items::read_entry).transpose()?)
    }

    pub(crate) async fn item(&self, doing: &'static str, key: Key) -> Result<Option<Item>, Failure> {
        self.get(key).await.map_err(|error| classify(doing, error))
    }

    pub(crate) fn history(account_id: &AccountId) -> QueryInputBuilder {
        QueryInput::builder()
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", text(keys::account(account_id)))
            .scan_index_forward(false)
            .consistent_read(true)
    }

    /// Reads a page without gaps. If a transaction is half visible for a moment, the page has a gap and the read must
    /// be repeated.
    async fn read_page(&self, query: QueryInputBuilder, limit: u8) -> Result<Vec<Entry>, Failure> {
        let entries = self.read_entries("read the history", query).await?;
        let sequence = |entry: &Entry| entry.account.sequence;
        let gap = entries.windows(2).any(|pair| sequence(&pair[1]).next() != sequence(&pair[0]));
        let adds_up =
            |pair: &[Entry]| pair[0].change.apply(pair[1].account.balance) == Some(pair[0].account.balance);
        let ends_early = entries.len() < usize::from(limit)
            && entries.last().is_some_and(|oldest| sequence(oldest) != Sequence::new(1));
        match () {
            () if gap || ends_early => Err(Failure::contended()),
            () if !entries.windows(2).all(adds_up) => {
                Err(Error::internal("read the history", "an entry doesn't add up").into())
            }
            () => Ok(entries),
        }
    }

    async fn read_entries(
        &self,
        doing: &'static str,
        query: QueryInputBuilder,
    ) -> Result<Vec<Entry>, Failure> {
        let answer = self.query(query).await.map_err(|error| classify(doing, error))?;
        let entries = answer.items.unwrap_or_default().into_iter();
        Ok(entries.map(|item| Ok(items::read_entry(item)?.entry)).collect::<Result<_, Error>>()?)
    }
}
