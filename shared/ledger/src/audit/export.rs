//! An export of the table to S3, in DynamoDB's JSON: a line for each item.

use serde::Deserialize;

use crate::{Error, items::Item};

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "Item")]
    item: serde_dynamo::Item,
}

/// The item of a line of a full export.
///
/// # Errors
/// [`Error::Internal`] if the line holds no item, as those of an incremental export.
pub fn read_export_line(line: &str) -> Result<Item, Error> {
    let line: Line = serde_json::from_str(line).map_err(|source| Error::internal("read a line", source))?;
    Ok(line.item.into())
}
