//! Reads the records of purchases, and the list of an account's purchases.

use scrip_accounts::{AccountId, Purchase, PurchaseId};

use crate::{
    Error, Ledger,
    backoff::persist,
    error::{Failure, classify},
    items::{self, text},
    keys::{self, Key},
};

/// The end of a page of purchases, after which the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseCursor(String);

impl PurchaseCursor {
    /// Parses a cursor that [`Self::as_text`] wrote; `None` for any other text.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::PurchaseCursor;
    ///
    /// let cursor = PurchaseCursor::parse("1794307200.in_1").unwrap();
    /// assert_eq!(cursor.as_text(), "1794307200.in_1");
    /// assert_eq!(PurchaseCursor::parse("in_1"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sk = format!("{}{}", keys::BOUGHT_PREFIX, text.replacen('.', "#", 1));
        let is_time = |time: &str| time.len() == 10 && time.bytes().all(|byte| byte.is_ascii_digit());
        let is_valid = text.split_once('.').is_some_and(|(time, _)| is_time(time));
        (is_valid && keys::purchase_of_bought(&sk).is_ok()).then_some(Self(sk))
    }

    /// The cursor as text, which needs no escapes in a URL.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::PurchaseCursor;
    ///
    /// let cursor = PurchaseCursor::parse("1794307200.in_1").unwrap();
    /// assert_eq!(cursor.as_text(), "1794307200.in_1");
    /// ```
    #[must_use]
    pub fn as_text(&self) -> String {
        self.0.trim_start_matches(keys::BOUGHT_PREFIX).replacen('#', ".", 1)
    }
}

impl Ledger {
    /// Reads the record of a purchase; `None` if the account has no such purchase.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, PurchaseId};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let (alice, id) = (AccountId::parse("alice")?, PurchaseId::parse("in_1")?);
    /// if let Some(purchase) = ledger.purchase(&alice, &id).await? {
    ///     println!("paid at {}", purchase.paid_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn purchase(&self, account_id: &AccountId, id: &PurchaseId) -> Result<Option<Purchase>, Error> {
        persist(|| self.purchase_once(account_id, id)).await
    }

    /// Reads the record of a purchase, in one attempt.
    pub(crate) async fn purchase_once(
        &self,
        account_id: &AccountId,
        id: &PurchaseId,
    ) -> Result<Option<Purchase>, Failure> {
        let item = self.item("read a purchase", keys::purchase(account_id, id)).await?;
        Ok(item.map(items::read_purchase).transpose()?)
    }

    /// Reads a page of an account's purchases, newest first: at most `limit` (1 or more) after a cursor.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let alice = scrip_accounts::AccountId::parse("alice")?;
    /// let (purchases, next) = ledger.purchases(&alice, None, 20).await?;
    /// println!("{} purchases; the next page: {:?}", purchases.len(), next.map(|cursor| cursor.as_text()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn purchases(
        &self,
        account_id: &AccountId,
        after: Option<PurchaseCursor>,
        limit: u8,
    ) -> Result<(Vec<Purchase>, Option<PurchaseCursor>), Error> {
        // A row more than the page shows whether another page follows.
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

    /// Reads the record of a listed purchase. If it is missing, it is still being written.
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
}
