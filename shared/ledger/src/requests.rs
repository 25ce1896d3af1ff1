//! What is asked of DynamoDB: each operation with the types that the SDK has for it, and what it used.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{
        get_item::{GetItem, GetItemError, GetItemInput, GetItemOutput},
        query::{Query, QueryError, QueryOutput, builders::QueryInputBuilder},
        transact_get_items::{
            TransactGetItems, TransactGetItemsError, TransactGetItemsInput, TransactGetItemsOutput,
        },
        transact_write_items::{
            TransactWriteItems, TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput,
        },
    },
    types::{ReturnConsumedCapacity, TransactGetItem, TransactWriteItem},
};

use crate::{Ledger, items::Item, keys::Key};

impl Ledger {
    /// A page of what a query finds in the table.
    pub(crate) async fn query(&self, query: QueryInputBuilder) -> Result<QueryOutput, SdkError<QueryError>> {
        let query = query.table_name(&self.table).return_consumed_capacity(ReturnConsumedCapacity::Total);
        let query = query.build().map_err(SdkError::construction_failure)?;
        self.meter.ask();
        let answer: QueryOutput = self.database.call(&Query::new(), query).await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer)
    }

    /// An item as it is now.
    pub(crate) async fn get(&self, key: Key) -> Result<Option<Item>, SdkError<GetItemError>> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let get = get.build().map_err(SdkError::construction_failure)?;
        self.meter.ask();
        let answer: GetItemOutput = self.database.call(&GetItem::new(), get).await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Items as they were together, in the order that they were asked for in.
    pub(crate) async fn transact_reads(
        &self,
        reads: Vec<TransactGetItem>,
    ) -> Result<Vec<Option<Item>>, SdkError<TransactGetItemsError>> {
        let transaction = TransactGetItemsInput::builder()
            .set_transact_items(Some(reads))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let transaction = transaction.build().map_err(SdkError::construction_failure)?;
        self.meter.ask();
        let answer: TransactGetItemsOutput =
            self.database.call(&TransactGetItems::new(), transaction).await?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer.responses.unwrap_or_default().into_iter().map(|response| response.item).collect())
    }

    /// Writes everything, or nothing. Without a token that would make DynamoDB keep the answer for ten minutes: what
    /// is written says by itself whether it was written before.
    pub(crate) async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        let transaction = TransactWriteItemsInput::builder()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let transaction = transaction.build().map_err(SdkError::construction_failure)?;
        self.meter.ask();
        let answer: TransactWriteItemsOutput =
            self.database.call(&TransactWriteItems::new(), transaction).await?;
        self.meter.write(answer.consumed_capacity());
        Ok(())
    }
}
