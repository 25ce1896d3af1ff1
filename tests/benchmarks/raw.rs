//! The calls of a debit, and of a refill, without anything around them: what the SDK and the database cost alone.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeValue, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    },
};
use serde_json::Value;

use crate::setting::text_of;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// The calls of a debit, taken from a real one.
#[derive(Debug, Clone)]
pub struct Calls {
    client: Client,
    table: String,
    claim: Item,
    entry: Item,
}

impl Calls {
    /// The calls of the debit with that key, which is the account's newest entry.
    pub async fn of(client: &Client, table: &str, account: &str, key: &str) -> Result<Self, String> {
        let newest = head(client, table, account).await?.ok_or("the account has no entry")?;
        let id = format!("OPERATION#{account}#debit#{key}");
        let claim = client.get_item().table_name(table).key("pk", text(id)).key("sk", text("OPERATION"));
        let claim = claim.send().await.map_err(text_of)?.item.ok_or("the debit left no claim")?;
        Ok(Self { client: client.clone(), table: table.to_owned(), claim, entry: newest })
    }

    /// The same calls, by another client.
    pub fn by(&self, client: Client) -> Self {
        Self { client, ..self.clone() }
    }

    /// The items that a debit will write: the claim, and the entry, but for their places in the history.
    pub fn prepared(&self, account: &str, key: &str) -> (Item, Item) {
        let (mut claim, mut entry) = (self.claim.clone(), self.entry.clone());
        claim.insert("pk".to_owned(), text(format!("OPERATION#{account}#debit#{key}")));
        entry.insert("pk".to_owned(), text(format!("ACCOUNT#{account}")));
        (claim, entry)
    }

    /// Reads an account's newest entry, and puts a claim and the next entry.
    pub async fn debit(&self, account: &str, (mut claim, mut entry): (Item, Item)) -> Result<(), String> {
        let newest = head(&self.client, &self.table, account).await?;
        let sequence = newest.as_ref().and_then(|newest| newest.get("sequence")?.as_n().ok()?.parse().ok());
        let from: u64 = sequence.unwrap_or(0);
        claim.insert("from".to_owned(), AttributeValue::N(from.to_string()));
        entry.insert("sk".to_owned(), text(format!("ENTRY#{:012}", from + 1)));
        entry.insert("sequence".to_owned(), AttributeValue::N((from + 1).to_string()));
        self.put_if_absent(claim).await?;
        self.put_if_absent(entry).await
    }

    async fn put_if_absent(&self, item: Item) -> Result<(), String> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", "pk")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        put.send().await.map(drop).map_err(text_of)
    }
}

/// The reads and writes of an account's settlement: an expiry, a refill, and the next due item.
#[derive(Debug)]
pub struct AccountSettlement {
    client: Client,
    table: String,
    expired: Item,
    refilled: Item,
}

impl AccountSettlement {
    /// With these entries, in DynamoDB's JSON.
    pub fn of(client: &Client, table: &str, expired: &Value, refilled: &Value) -> Result<Self, String> {
        let (expired, refilled) = (item(expired)?, item(refilled)?);
        Ok(Self { client: client.clone(), table: table.to_owned(), expired, refilled })
    }

    /// Settles an account that has one entry, and is due next in that partition of the index.
    pub async fn settle(&self, account: &str, due: &str) -> Result<(), String> {
        head(&self.client, &self.table, account).await?.ok_or("the account has no entry")?;
        let of_account = |entry: &Item| {
            let mut entry = entry.clone();
            entry.insert("pk".to_owned(), text(format!("ACCOUNT#{account}")));
            entry
        };
        let due = [("pk", format!("ACCOUNT#{account}")), ("sk", "DUE".to_owned()), ("due", due.to_owned())];
        let due = due.map(|(name, value)| (name.to_owned(), text(value)));
        let due =
            Put::builder().table_name(&self.table).set_item(Some(due.into())).build().map_err(text_of)?;
        let writes = vec![
            put_new(&self.table, of_account(&self.expired))?,
            put_new(&self.table, of_account(&self.refilled))?,
            TransactWriteItem::builder().put(due).build(),
        ];
        write(&self.client, writes).await
    }
}

fn put_new(table: &str, item: Item) -> Result<TransactWriteItem, String> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#pk)")
        .expression_attribute_names("#pk", "pk")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build();
    Ok(TransactWriteItem::builder().put(put.map_err(text_of)?).build())
}

/// An item of DynamoDB's JSON.
fn item(json: &Value) -> Result<Item, String> {
    let attributes = json.as_object().ok_or("an item is an object")?;
    attributes.iter().map(|(name, value)| Ok((name.clone(), attribute(value)?))).collect()
}

fn attribute(json: &Value) -> Result<AttributeValue, String> {
    let (kind, value) =
        json.as_object().and_then(|json| json.iter().next()).ok_or("an attribute has a kind")?;
    let text = || value.as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "S" => Ok(AttributeValue::S(text())),
        "N" => Ok(AttributeValue::N(text())),
        "BOOL" => Ok(AttributeValue::Bool(value == true)),
        "M" => item(value).map(AttributeValue::M),
        other => Err(format!("no entry has an attribute of kind {other}")),
    }
}

/// An account's newest entry.
async fn head(client: &Client, table: &str, account: &str) -> Result<Option<Item>, String> {
    let query = client
        .query()
        .table_name(table)
        .key_condition_expression("#pk = :pk AND begins_with(#sk, :entry)")
        .expression_attribute_names("#pk", "pk")
        .expression_attribute_names("#sk", "sk")
        .expression_attribute_values(":pk", text(format!("ACCOUNT#{account}")))
        .expression_attribute_values(":entry", text("ENTRY#"))
        .scan_index_forward(false)
        .consistent_read(true)
        .limit(1)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let answer = query.send().await.map_err(text_of)?;
    Ok(answer.items.and_then(|mut items| items.pop()))
}

/// Writes all of them, or none.
async fn write(client: &Client, writes: Vec<TransactWriteItem>) -> Result<(), String> {
    let request = client.transact_write_items().set_transact_items(Some(writes));
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    request.send().await.map(drop).map_err(text_of)
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}
