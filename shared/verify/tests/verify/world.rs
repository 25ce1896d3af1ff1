//! A ledger in a table of its own on the embedded engine, its rows by hand, and `verify` on it.

use std::{
    collections::HashMap,
    env,
    net::Ipv4Addr,
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider},
    types::AttributeValue,
};
use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::{
    AccountId, Debit, DebitId, Hold, HoldId, PurchaseId, Reason, ReleaseRequest, Reversal, ReversalId,
    ReversalRequest, Settlement, SettlementRequest, facts::Facts, money_back, reconcile,
};
use scrip_ledger::{Ledger, Subjects};
use scrip_pricing::Credits;
use scrip_test_support::{faults::Faults, table};
use scrip_verify::{Form, Printer, Progress, RepairMode, TableOptions, Verdict, check_table};
use serde_json::{Value, json};

use crate::facts::{pack, plan};

pub const NOW: &str = "2026-11-22T10:00:00Z";

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The engine, which every test's table is in, and where it answers.
pub struct Engine {
    /// `None` if it is another that `SCRIP_TEST_DYNAMODB` names (tests/engines/second/run).
    pub embedded: Option<dynoxide::Database>,
    pub endpoint: String,
}

pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        if let Ok(endpoint) = env::var("SCRIP_TEST_DYNAMODB") {
            return Engine { embedded: None, endpoint };
        }
        let database = dynoxide::Database::memory().unwrap();
        let (served, (started, starting)) = (database.clone(), mpsc::channel());
        // On a runtime of its own, so that it outlives each test's.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                started.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                dynoxide::server::serve_with_shutdown(listener, served, std::future::pending())
                    .await
                    .unwrap();
            });
        });
        Engine { embedded: Some(database), endpoint: starting.recv().unwrap() }
    })
}

/// A table, and the ledger in it. Its requests meet the faults that the script has.
#[derive(Clone)]
pub struct World {
    pub ledger: Ledger,
    pub faults: Faults,
    pub client: Client,
    pub table: String,
}

/// A finding: its row and its code.
pub type Found = (String, String);

impl World {
    /// An empty table.
    pub async fn empty() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let table = format!("verify-{}-{}", process::id(), TABLES.fetch_add(1, Ordering::Relaxed));
        let faults = Faults::default();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&engine().endpoint)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "local", "local", None, None, "local",
            )))
            .http_client(faults.http_client())
            .build();
        let client = Client::new(&config);
        table::create(&client, &table).await.unwrap();
        Self { ledger: Ledger::new(&config, &table), faults, client, table }
    }

    /// What commands leave: of alice a plan (entry 1), the debits `d-1` of 10 and `d-2` of 5 (2, 3), the reversal `r-1`
    /// of 4 of the first (4), a pack (5) and its refund, which is pending (6); of bob a plan, a debit that emptied it,
    /// and the month's turn; and the claim `given-up` that no entry came after. Of carol see [`Self::used_holds`].
    pub async fn used() -> Self {
        let world = Self::empty().await;
        world.buy("alice", &plan("in_1", "sub_1")).await;
        world.take("alice", "d-1", 10).await;
        world.take("alice", "d-2", 5).await;
        world.reverse("alice", "r-1", "d-1", 4).await;
        world.buy("alice", &pack("pi_1")).await;
        world.ask_back("alice", "pi_1").await;
        world.buy("bob", &plan("in_2", "sub_2")).await;
        for number in 0..10 {
            world.take("bob", &format!("all-{number}"), 100).await;
        }
        world.ledger.turn_month(&account("bob"), time("2026-12-01T00:00:00Z")).await.unwrap();
        world.put("OPERATION#alice#debit#given-up", "OPERATION", &json!({"from": 2})).await;
        world.used_holds().await;
        world
    }

    /// Of carol a plan (entry 1), the holds `h-1` of 10 and `h-2` of 5 (2, 3), the capture of 4 of the first (4) and
    /// the reversal `r-1` of 2 of these (5), the release of the second (6), a hold `h-3` of 3 (7), which a debit `d-9`
    /// (9) of a later moment released (8), and a hold `h-4` of 6 (10), which is open.
    async fn used_holds(&self) {
        self.buy("carol", &plan("in_3", "sub_3")).await;
        self.hold("carol", "h-1", 10).await;
        self.hold("carol", "h-2", 5).await;
        self.settle("carol", "h-1", json!({"images": 4})).await;
        self.reverse("carol", "r-1", "h-1", 2).await;
        self.settle("carol", "h-2", Value::Null).await;
        self.hold("carol", "h-3", 3).await;
        let later = json!({"operation": "upscale", "factor": 2, "images": 1});
        let (id, request) = (DebitId::parse("d-9").unwrap(), serde_json::from_value(later).unwrap());
        let later = time(NOW) + TimeDelta::minutes(15);
        self.ledger.execute(&account("carol"), &Debit { id, request }, later).await.unwrap();
        self.hold("carol", "h-4", 6).await;
    }

    /// Holds a credit for each image.
    async fn hold(&self, account_id: &str, key: &str, images: u64) {
        let body = json!({"operation": "upscale", "factor": 2, "images": images});
        let hold = Hold { id: HoldId::parse(key).unwrap(), request: serde_json::from_value(body).unwrap() };
        self.ledger.execute(&account(account_id), &hold, time(NOW)).await.unwrap();
    }

    /// Captures a hold by that body, or releases it if there is none.
    async fn settle(&self, account_id: &str, hold_id: &str, capture: Value) {
        let request = match capture {
            Value::Null => SettlementRequest::Release(ReleaseRequest {}),
            capture => SettlementRequest::Capture(serde_json::from_value(capture).unwrap()),
        };
        let settlement = Settlement { hold_id: HoldId::parse(hold_id).unwrap(), request };
        self.ledger.execute(&account(account_id), &settlement, time(NOW)).await.unwrap();
    }

    /// Debits a credit for each image: the debit's sequence, and whether it was a replay.
    pub async fn take(&self, account_id: &str, key: &str, images: u64) -> (u64, bool) {
        let body = json!({"operation": "upscale", "factor": 2, "images": images});
        let debit =
            Debit { id: DebitId::parse(key).unwrap(), request: serde_json::from_value(body).unwrap() };
        let receipt = self.ledger.execute(&account(account_id), &debit, time(NOW)).await.unwrap();
        (receipt.entry.account.sequence.get(), receipt.is_replayed)
    }

    /// Reverses some credits of a debit: as [`Self::take`].
    pub async fn reverse(&self, account_id: &str, key: &str, debit_id: &str, credits: u64) -> (u64, bool) {
        let request = ReversalRequest { credits: Some(Credits::new(credits, 0, 0)), reason: None };
        let (id, debit_id) = (ReversalId::parse(key).unwrap(), DebitId::parse(debit_id).unwrap());
        let reversal = Reversal { id, debit_id, request };
        let receipt = self.ledger.execute(&account(account_id), &reversal, time(NOW)).await.unwrap();
        (receipt.entry.account.sequence.get(), receipt.is_replayed)
    }

    /// Grants what was paid for.
    pub async fn buy(&self, account_id: &str, facts: &Facts) {
        let purchases = [facts.paid[0].purchase_id.clone()];
        let subscription = facts.subscription.as_ref().map(|subscription| &subscription.id);
        let subjects = Subjects { subscription, purchases: &purchases };
        let now = facts.paid[0].paid_at.time();
        let decide =
            |state: &scrip_ledger::State| reconcile::decide(&state.account, &state.records, facts, now);
        self.ledger.apply(&account(account_id), subjects, now, decide).await.unwrap();
    }

    /// Asks for a pack's money back.
    async fn ask_back(&self, account_id: &str, purchase: &str) {
        let purchases = [PurchaseId::parse(purchase).unwrap()];
        let reason = Reason::try_from("changed their mind".to_owned()).unwrap();
        let subjects = Subjects { subscription: None, purchases: &purchases };
        let decide = |state: &scrip_ledger::State| {
            money_back::request(&state.account, &state.records, &purchases[0], Some(&reason), time(NOW))
        };
        self.ledger.apply(&account(account_id), subjects, time(NOW), decide).await.unwrap();
    }

    /// Puts a row, whatever was there.
    pub async fn put(&self, pk: &str, sk: &str, row: &Value) {
        let mut row = row.clone();
        row.as_object_mut().unwrap().extend([("pk".to_owned(), pk.into()), ("sk".to_owned(), sk.into())]);
        let item = serde_dynamo::to_item(row).unwrap();
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.unwrap();
    }

    /// Deletes a row, which must be there.
    pub async fn delete(&self, pk: &str, sk: &str) {
        let delete =
            self.client.delete_item().table_name(&self.table).condition_expression("attribute_exists(pk)");
        delete.key("pk", text(pk)).key("sk", text(sk)).send().await.unwrap();
    }

    /// A row without its key; `null` if there is none.
    pub async fn row(&self, pk: &str, sk: &str) -> Value {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let Some(mut item) = get.key("pk", text(pk)).key("sk", text(sk)).send().await.unwrap().item else {
            return Value::Null;
        };
        item.retain(|name, _| name != "pk" && name != "sk");
        serde_dynamo::from_item(item).unwrap()
    }

    /// Sets an attribute of a row, by a path of JSON; `null` removes it.
    pub async fn set(&self, (pk, sk): (&str, &str), path: &str, value: Value) {
        let mut row = self.row(pk, sk).await;
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = row.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => drop(parent.remove(name).unwrap()),
            value => drop(parent.insert(name.to_owned(), value)),
        }
        self.put(pk, sk, &row).await;
    }

    /// Every item, in the order of keys.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.client.scan().table_name(&self.table).consistent_read(true);
        let mut items = scan.send().await.unwrap().items.unwrap_or_default();
        items.sort_by_key(key);
        items
    }

    /// The lines that `verify` prints, and its verdict.
    pub async fn lines(&self, repairs: RepairMode) -> (Verdict, Vec<Value>) {
        let mut output = Vec::new();
        let options = TableOptions { segments: 1, repairs };
        let mut printer = Printer::new(&mut output, Form::Json);
        let verdict =
            check_table(&self.ledger, options, &mut printer, &mut Progress::hidden()).await.unwrap();
        (verdict, read_lines(&output))
    }

    /// What `verify` finds, in the order of rows.
    pub async fn found(&self, repairs: RepairMode) -> Vec<Found> {
        let (verdict, lines) = self.lines(repairs).await;
        let found = findings(&lines);
        assert_eq!(verdict == Verdict::Clean, found.is_empty(), "{lines:?}");
        found
    }
}

pub fn read_lines(output: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(output).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The findings among lines, in the order of rows.
pub fn findings(lines: &[Value]) -> Vec<Found> {
    let found = lines.iter().map(|line| &line["finding"]).filter(|finding| !finding.is_null());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found: Vec<_> = found
        .map(|finding| (format!("{} {}", text(&finding["pk"]), text(&finding["sk"])), text(&finding["code"])))
        .collect();
    found.sort();
    found
}

pub fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

/// An item's key.
pub fn key(item: &HashMap<String, AttributeValue>) -> String {
    format!("{} {}", item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap())
}

/// An item in DynamoDB's JSON.
pub fn wire_item(item: HashMap<String, AttributeValue>) -> Value {
    let wire = |value| serde_json::to_value(serde_dynamo::AttributeValue::from(value)).unwrap();
    item.into_iter().map(|(name, value)| (name, wire(value))).collect()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}
