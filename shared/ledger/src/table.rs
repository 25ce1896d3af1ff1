//! The table, and what is asked of DynamoDB: each operation once, and what it used.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig},
    error::SdkError,
    operation::{
        get_item::GetItemError,
        query::{QueryError, QueryOutput, builders::QueryInputBuilder},
        transact_get_items::TransactGetItemsError,
        transact_write_items::TransactWriteItemsError,
    },
    types::{ReturnConsumedCapacity, TransactGetItem, TransactWriteItem},
};
use aws_types::SdkConfig;

use crate::{
    items::Item,
    keys::Key,
    usage::{Meter, Usage},
};

/// The ledger in its table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    pub(crate) table: String,
    meter: Arc<Meter>,
}

impl Ledger {
    /// The ledger kept in that table. Each request is sent once: every attempt here reads again first, which
    /// makes a lost response harmless.
    #[must_use]
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        let config = Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), table: table.into(), meter: Arc::default() }
    }

    /// What was asked of DynamoDB since this was called last.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        self.meter.take()
    }

    /// A page of what a query finds in the table.
    pub(crate) async fn query(&self, query: QueryInputBuilder) -> Result<QueryOutput, SdkError<QueryError>> {
        let query = query.table_name(&self.table).return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let answer = query.send_with(&self.client).await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer)
    }

    /// An item as it is now.
    pub(crate) async fn get(&self, key: Key) -> Result<Option<Item>, SdkError<GetItemError>> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.into_attributes()));
        let get = get.consistent_read(true).return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.ask();
        let answer = get.send().await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Items as they were together, in the order that they were asked for in.
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

    /// Writes everything, or nothing. The SDK gives each request a token of its own, which makes no attempt a repetition
    /// of another: what is written says by itself whether it was written before.
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
