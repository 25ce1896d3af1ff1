//! DynamoDB's attributes from serde's data model, and back: text, whole numbers, booleans, nothing, lists and maps,
//! which is all that is stored. Anything else isn't written, and is passed over where nobody asks for it.
//!
//! `serde_dynamo` writes the same, and the tests hold this to it; but it builds each item in a map of its own first
//! and then anew in the SDK's: half again as many instructions for writing an entry, and twice as many for reading one.

mod read;
mod write;

pub(crate) use read::from_item;
pub(crate) use write::{to_attribute, to_item};

#[cfg(test)]
mod tests;
