//! The stored items, one file each, and their conversion from and to the accounts crate's types.
//!
//! An entry's item carries the whole account after it. If an item can't be read back exactly, that is an error: no
//! default replaces a missing value.

mod claim;
mod due;
mod entry;
mod owner;
mod parked;
mod purchase;
mod subscription;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    claim::rebuilt_claim,
    due::due,
    owner::{OwnerItem, owner, read_owner},
    parked::{parked, read_parked},
    purchase::{bought, purchase, read_purchase},
    subscription::{read_subscription, subscription},
};
pub use self::{
    claim::{Claim, read_claim, write_claim},
    entry::{StoredEntry, read_entry, write_entry},
    parked::ParkedPayment,
};

use crate::Error;

/// An item in the SDK's form.
pub type Item = HashMap<String, AttributeValue>;

/// A number as an attribute.
pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A text as an attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A field in its stored form, for conditions and updates.
pub(crate) fn attribute(field: &impl Serialize) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(field).map_err(|source| Error::internal("write an attribute", source))
}

fn to_item(item: &impl Serialize) -> Result<Item, Error> {
    serde_dynamo::to_item(item).map_err(|source| Error::internal("write an item", source))
}

fn from_item<T: for<'de> Deserialize<'de>>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|source| Error::internal("read an item", source))
}

#[cfg(test)]
mod tests;
