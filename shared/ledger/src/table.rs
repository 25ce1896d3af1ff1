//! The table's client: each of DynamoDB's operations in one place, with its metered capacity.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig},
    error::SdkError,
    operation::{
        get_item::GetItemError,
        put_item::PutItemError,
        query::{QueryError, QueryOutput, builders::QueryInputBuilder},
        scan::{ScanError, ScanOutput, builders::ScanInputBuilder},
        transact_get_items::TransactGetItemsError,
        transact_write_items::TransactWriteItemsError,
    },
    types::{
        ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactGetItem, TransactWriteItem,
    },
};
use aws_types::SdkConfig;

use crate::{
    Error,
    error::{Failure, classify},
    items::{self, Item},
    keys::{self, Key},
    usage::{Meter, Usage},
};

/// The ledger in one DynamoDB table. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    pub(crate) table: String,
    meter: Arc<Meter>,
}

impl Ledger {
    /// The ledger in a table. The SDK's retries are off: after a fault, the ledger's next attempt reads before it
    /// writes, so a lost answer does no harm. See the crate's example.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn example(config: &aws_types::SdkConfig) {
    /// let ledger = scrip_ledger::Ledger::new(config, "scrip-ledger");
    /// # }
    /// ```
    #[must_use]
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        let config = Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), table: table.into(), meter: Arc::default() }
    }

    /// The requests and capacity since the last call of this function.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// ledger.account(&scrip_accounts::AccountId::parse("alice")?).await?;
    /// let usage = ledger.take_usage();
    /// println!("{} requests, {} half read units", usage.requests, usage.read_half_units);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        self.meter.take()
    }

    /// Reads a page of a query.
    pub(crate) async fn query(&self, query: QueryInputBuilder) -> Result<QueryOutput, SdkError<QueryError>> {
        let query = query.table_name(&self.table).return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let answer = query.send_with(&self.client).await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer)
    }

    /// Reads a page of the whole table. Items may be of different moments.
    pub(crate) async fn scan_table(&self, scan: ScanInputBuilder) -> Result<ScanOutput, SdkError<ScanError>> {
        let scan = scan.table_name(&self.table).consistent_read(true);
        let scan = scan.return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let answer = scan.send_with(&self.client).await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer)
    }

    /// Reads an item, strongly consistent.
    pub(crate) async fn get(&self, key: Key) -> Result<Option<Item>, SdkError<GetItemError>> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.into_attributes()));
        let get = get.consistent_read(true).return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let answer = get.send().await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Reads items in one transaction; the results are in the order of the requests.
    pub(crate) async fn transact_reads(
        &self,
        reads: Vec<TransactGetItem>,
    ) -> Result<Vec<Option<Item>>, SdkError<TransactGetItemsError>> {
        let transaction = self.client.transact_get_items().set_transact_items(Some(reads));
        let transaction = transaction.return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let answer = transaction.send().await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer.responses.unwrap_or_default().into_iter().map(|response| response.item).collect())
    }

    /// Puts an item that must not exist: `None` if it was written, else the existing item.
    pub(crate) async fn put_if_absent(
        &self,
        doing: &'static str,
        item: Item,
    ) -> Result<Option<Item>, Failure> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put =
            put.condition_expression("attribute_not_exists(#pk)").expression_attribute_names("#pk", keys::PK);
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = put.return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let error = match put.send().await {
            Ok(answer) => {
                self.meter.write(answer.consumed_capacity());
                return Ok(None);
            }
            Err(error) => error,
        };
        if let SdkError::ServiceError(service) = &error
            && let PutItemError::ConditionalCheckFailedException(failed) = service.err()
        {
            let exists = failed.item().cloned();
            return exists
                .map(Some)
                .ok_or_else(|| Error::internal(doing, "the answer lacks the item that exists").into());
        }
        Err(classify(doing, error))
    }

    /// Sets a number of an item; does nothing if the item doesn't exist.
    pub(crate) async fn set_number(
        &self,
        doing: &'static str,
        key: Key,
        (name, number): (&'static str, u64),
    ) -> Result<(), Failure> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key.into_attributes()));
        let update =
            update.update_expression("SET #name = :number").condition_expression("attribute_exists(#pk)");
        let update =
            update.expression_attribute_names("#name", name).expression_attribute_names("#pk", keys::PK);
        let update = update.expression_attribute_values(":number", items::number(number));
        let update = update.return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        match update.send().await {
            Ok(answer) => {
                self.meter.write(answer.consumed_capacity());
                Ok(())
            }
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => {
                Ok(())
            }
            Err(error) => Err(classify(doing, error)),
        }
    }

    /// Writes all items or none. The SDK gives each request a client token of its own, so DynamoDB never takes an
    /// attempt for a repetition; the writes' conditions find out whether an earlier attempt was carried out.
    pub(crate) async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        let transaction = self.client.transact_write_items().set_transact_items(Some(writes));
        let transaction = transaction.return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let answer = transaction.send().await?;
        self.meter.write(answer.consumed_capacity());
        Ok(())
    }
}
