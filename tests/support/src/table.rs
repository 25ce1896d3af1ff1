//! The table in the form of `CreateTable`.
//!
//! Invariant: it equals the table of `template.yaml`. The template's test compares them.

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
        ProjectionType, ScalarAttributeType,
    },
};

/// Creates the table under a name.
pub async fn create(client: &Client, name: &str) -> Result<(), aws_sdk_dynamodb::Error> {
    let index = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("due", KeyType::Hash))
        .key_schema(key("pk", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()?;
    let request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(["pk", "sk", "due"].map(text).to_vec()))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(index);
    request.send().await?;
    Ok(())
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("a name and a kind")
}

fn text(name: &str) -> AttributeDefinition {
    let definition =
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
    definition.build().expect("a name and a type")
}
