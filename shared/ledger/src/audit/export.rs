//! Reads an export of the table to S3, in DynamoDB's JSON: one line for each item.

use serde::Deserialize;

use crate::{Error, items::Item};

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "Item")]
    item: serde_dynamo::Item,
}

/// Reads the item of a line of a full export.
///
/// # Errors
/// [`Error::Internal`] if the line has no item, as in an incremental export.
///
/// # Examples
///
/// ```
/// use scrip_ledger::audit::read_export_line;
///
/// let item = read_export_line(r#"{"Item":{"pk":{"S":"ACCOUNT#alice"},"sk":{"S":"DUE"}}}"#)?;
/// assert_eq!(item["pk"].as_s().unwrap(), "ACCOUNT#alice");
/// # Ok::<(), scrip_ledger::Error>(())
/// ```
pub fn read_export_line(line: &str) -> Result<Item, Error> {
    let line: Line = serde_json::from_str(line).map_err(|source| Error::internal("read a line", source))?;
    Ok(line.item.into())
}
