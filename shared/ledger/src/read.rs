//! Reading accounts and their history. Every read is consistent: what was answered is seen.
//!
//! A read of several items may still see half of a transaction that is being written. A decision that ends
//! in an append is guarded by the append's conditions; what a command with a key is answered without one stands on
//! a [`Snapshot`].

use aws_sdk_dynamodb::{
    operation::query::{QueryInput, builders::QueryInputBuilder},
    types::{Get, TransactGetItem},
};
use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, AccountId, CommandKey, CustomerId, Entry, PaymentId, Purchase, PurchaseId, Records, Sequence,
    SubscriptionId, SubscriptionRecord,
};

use crate::{
    Error, Ledger, Parked, Subjects,
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
    /// Where the next page goes on: below this sequence; `None` after the first entry ever made.
    pub next_below: Option<Sequence>,
}

/// Where a page of purchases ends: the next goes on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseCursor(String);

impl PurchaseCursor {
    /// Reads a cursor that was given out; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sk = format!("{}{}", keys::BOUGHT_PREFIX, text.replacen('.', "#", 1));
        let is_time = |time: &str| time.len() == 10 && time.bytes().all(|byte| byte.is_ascii_digit());
        let is_valid = text.split_once('.').is_some_and(|(time, _)| is_time(time));
        (is_valid && keys::purchase_of_bought(&sk).is_ok()).then_some(Self(sk))
    }

    /// The cursor as text that needs no escapes in a URL.
    #[must_use]
    pub fn as_text(&self) -> String {
        self.0.trim_start_matches(keys::BOUGHT_PREFIX).replacen('#', ".", 1)
    }
}

/// What a refusal stands on.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The claim of the command's key, if there is one.
    pub(crate) claim: Option<Claim>,
    /// Whether nothing follows the entry that was taken for the newest.
    pub(crate) is_newest: bool,
    /// The claims that were read beside the account, in the order that they were asked for.
    pub(crate) related: Vec<Option<Claim>>,
}

impl Ledger {
    /// The account as its newest entry left it; `None` for an account that was never seen. One request,
    /// 1 RCU.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where throttling or faults outlast ten attempts, [`Error::Internal`].
    pub async fn account(&self, account_id: &AccountId) -> Result<Option<Account>, Error> {
        persist(|| self.head(account_id)).await
    }

    /// A page of the history, newest first, of at most `limit` entries (1 or more) below a sequence.
    ///
    /// # Errors
    /// As [`Ledger::account`].
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

    /// Entries from a sequence downwards, newest first, at most `limit` (1 or more): one attempt.
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

    /// The newest entry's account: one attempt.
    pub(crate) async fn head(&self, account_id: &AccountId) -> Result<Option<Account>, Failure> {
        Ok(self.newest_entries(account_id, 1).await?.pop().map(|entry| entry.account))
    }

    /// The newest entries, newest first, at most `limit` (1 or more): one attempt. Only the newest is sure to be the
    /// account's: below it some may be missing that are being written.
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

    /// Reads what isn't there, so that the connection is made and the credentials were used when the first call
    /// comes. That this fails is the first call's to find out.
    pub async fn warm_up(&self) {
        drop(self.read_nothing().await);
        let _ = self.take_usage();
    }

    /// Reads the head of no account: no id is empty.
    async fn read_nothing(&self) -> Result<(), Failure> {
        let query = QueryInput::builder()
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_values(":pk", text(keys::NOBODY))
            .limit(1);
        self.read_entries("warm up", query).await.map(drop)
    }

    /// The account as an entry left it, which was seen or claimed from; one that was never seen before the first. One
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
        // Entries are never deleted: it is still being written.
        let stored = self.entry(account_id, sequence).await?.ok_or_else(Failure::contended)?;
        Ok(stored.entry.account)
    }

    /// What a refusal stands on, read in one transaction: it fails, and is worth another attempt, while
    /// one of the items is being written.
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

    /// The record of a purchase; `None` where the account has none of that id.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn purchase(&self, account_id: &AccountId, id: &PurchaseId) -> Result<Option<Purchase>, Error> {
        persist(|| self.purchase_once(account_id, id)).await
    }

    /// The record of a purchase: one attempt.
    pub(crate) async fn purchase_once(
        &self,
        account_id: &AccountId,
        id: &PurchaseId,
    ) -> Result<Option<Purchase>, Failure> {
        let item = self.item("read a purchase", keys::purchase(account_id, id)).await?;
        Ok(item.map(items::read_purchase).transpose()?)
    }

    /// The records of a subscription and of purchases, as far as there are any; `None` if the subscription belongs to
    /// another account: one attempt.
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

    /// The account of a subscription, and its record; `None` if nothing was recorded of it.
    ///
    /// # Errors
    /// As [`Ledger::account`].
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

    /// A page of an account's purchases, newest first, of at most `limit` (1 or more) after a cursor.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn purchases(
        &self,
        account_id: &AccountId,
        after: Option<PurchaseCursor>,
        limit: u8,
    ) -> Result<(Vec<Purchase>, Option<PurchaseCursor>), Error> {
        // One more than the page says whether another page follows.
        let mut listed = persist(|| self.bought(account_id, after.as_ref(), i32::from(limit) + 1)).await?;
        let has_more = listed.len() > usize::from(limit);
        listed.truncate(usize::from(limit));
        let mut purchases = Vec::with_capacity(listed.len());
        for PurchaseCursor(sk) in &listed {
            let id = keys::purchase_of_bought(sk)?;
            purchases.push(persist(|| self.listed_purchase(account_id, &id)).await?);
        }
        Ok((purchases, listed.pop().filter(|_| has_more)))
    }

    /// The record of a purchase that is listed: it is there, or being written.
    async fn listed_purchase(&self, account_id: &AccountId, id: &PurchaseId) -> Result<Purchase, Failure> {
        self.purchase_once(account_id, id).await?.ok_or_else(Failure::contended)
    }

    async fn bought(
        &self,
        account_id: &AccountId,
        after: Option<&PurchaseCursor>,
        limit: i32,
    ) -> Result<Vec<PurchaseCursor>, Failure> {
        let start = after.map(|PurchaseCursor(sk)| Key { pk: keys::account(account_id), sk: sk.clone() });
        let query = Self::history(account_id)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :bought)")
            .expression_attribute_values(":bought", text(keys::BOUGHT_PREFIX))
            .set_exclusive_start_key(start.map(Key::into_attributes))
            .limit(limit);
        let answer = self.query(query).await.map_err(|error| classify("list purchases", error))?;
        let keys = answer.items.unwrap_or_default().into_iter().filter_map(|mut item| item.remove(keys::SK));
        Ok(keys.filter_map(|sk| sk.as_s().ok().cloned()).map(PurchaseCursor).collect())
    }

    /// The account and the purchase that a payment was for. A purchase is found by its own id as well.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn payment(&self, id: &PaymentId) -> Result<Option<(AccountId, PurchaseId)>, Error> {
        let owner = self.owner(keys::payment(id)).await?;
        Ok(owner.and_then(|owner| Some((owner.account_id, owner.purchase_id?))))
    }

    async fn owner(&self, key: Key) -> Result<Option<OwnerItem>, Error> {
        let item = persist(|| self.item("look up an owner", key.clone())).await?;
        item.map(items::read_owner).transpose()
    }

    /// The account that a customer bought for first.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn customer(&self, id: &CustomerId) -> Result<Option<AccountId>, Error> {
        Ok(self.owner(keys::customer(id)).await?.map(|owner| owner.account_id))
    }

    /// What is parked of an object of the provider's.
    ///
    /// # Errors
    /// As [`Ledger::account`].
    pub async fn parked(&self, object_id: &str) -> Result<Option<Parked>, Error> {
        let item = persist(|| self.item("read what is parked", keys::parked(object_id))).await?;
        item.map(items::read_parked).transpose()
    }

    /// One entry: one attempt.
    pub(crate) async fn entry(
        &self,
        account_id: &AccountId,
        sequence: Sequence,
    ) -> Result<Option<StoredEntry>, Failure> {
        let item = self.item("read an entry", keys::entry(account_id, sequence)).await?;
        Ok(item.map(items::read_entry).transpose()?)
    }

    async fn item(&self, doing: &'static str, key: Key) -> Result<Option<Item>, Failure> {
        self.get(key).await.map_err(|error| classify(doing, error))
    }

    fn history(account_id: &AccountId) -> QueryInputBuilder {
        QueryInput::builder()
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", text(keys::account(account_id)))
            .scan_index_forward(false)
            .consistent_read(true)
    }

    /// Reads a page that has no gaps. Between its rows a transaction may be half visible for a moment;
    /// such a page is read again.
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
