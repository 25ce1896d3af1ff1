//! Rows that are written past the ledger: as code before this one wrote them, or more of them than commands write in a
//! test's time.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::world::World;

/// As many as one request takes.
const BATCH_ITEMS_MAX: usize = 25;
/// How many requests are under way at once.
const WRITERS: usize = 8;

/// Credits of the playground alone.
pub fn playground(credits: i64) -> Value {
    json!({"playground": credits, "tune": 0, "tune_image": 0})
}

/// The sort key of an entry.
pub fn entry_key(sequence: u64) -> String {
    format!("ENTRY#{sequence:012}")
}

fn item(row: &Value) -> HashMap<String, AttributeValue> {
    serde_dynamo::to_item(row).unwrap()
}

impl World {
    /// The account's partition.
    pub fn pk(&self) -> String {
        format!("ACCOUNT#{}", self.account)
    }

    /// Puts a row in the place of what is there; `row` without its key.
    pub async fn plant(&self, pk: &str, sk: &str, mut row: Value) {
        row["pk"] = json!(pk);
        row["sk"] = json!(sk);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item(&row)));
        put.send().await.unwrap();
    }

    /// Gives the account a million playground credits by its first entry.
    pub async fn enrich(&self) {
        let sk = entry_key(1);
        let mut first = self.row(&self.pk(), &sk).await;
        first["credits"] = playground(1_000_000);
        first["balance"] = playground(1_000_000);
        self.plant(&self.pk(), &sk, first).await;
    }

    /// Appends copies of the account's newest entry, a debit of one credit: `other-<sequence>` each.
    pub async fn append_copies(&self, count: u64) {
        let newest = self.plain().ledger.account(&self.account).await.unwrap().unwrap();
        let (sequence, balance) = (newest.sequence.get(), newest.balance.playground());
        let mut template = self.row(&self.pk(), &entry_key(sequence)).await;
        template["pk"] = json!(self.pk());
        let copies: Vec<_> = (1..=count)
            .map(|number| {
                template["sk"] = json!(entry_key(sequence + number));
                template["sequence"] = json!(sequence + number);
                template["reference"] = json!(format!("other-{}", sequence + number));
                template["credits"] = playground(-1);
                template["balance"]["playground"] = json!(balance - number);
                let put = PutRequest::builder().set_item(Some(item(&template))).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            })
            .collect();
        let mut writers = JoinSet::new();
        for share in copies.chunks(copies.len().div_ceil(WRITERS)) {
            let (world, share) = (self.clone(), share.to_vec());
            writers.spawn(async move {
                for batch in share.chunks(BATCH_ITEMS_MAX) {
                    let write = world.client.batch_write_item().request_items(&world.table, batch.to_vec());
                    let answer = write.send().await.unwrap();
                    assert!(answer.unprocessed_items.unwrap_or_default().is_empty());
                }
            });
        }
        writers.join_all().await;
    }
}
