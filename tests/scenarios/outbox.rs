//! The outbox's events: what the real binary makes of records as the table's stream has them, of an account to which
//! everything happened; and that the rules in the documents match the events they should, and no other.

mod pattern;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use scrip_local::{seed, yaml};
use scrip_stripe_model::{Checkout, Generation, Interval};
use serde_json::{Map, Value, json};

use crate::{
    api::{Api, enhance},
    support, template,
    webhook::{self, settle, time},
};

const GUIDE: &str = include_str!("../../docs/events.md");
const RULES: &str = include_str!("../../docs/examples/events.yaml");
const SAMPLE: &str = include_str!("../../events/outbox.json");
const OPENAPI: &str = include_str!("../../shared/openapi.yaml");
/// The most records that the pipe sends at once.
const BATCH: usize = 10;

/// An account with an entry of every kind.
async fn history() -> Api {
    let api = Api::new().at("2026-11-03T10:00:00Z");
    let stripe = webhook::stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
    let plan = stripe.subscribe(&Checkout::new(&api.account, "basic_monthly", 1900), Interval::Month);
    settle(&plan.events, stripe.now()).await;
    api.debit("job-1", &enhance(4)).await.is(201);
    api.reverse("job-1", "job-1-failed", &json!({"reason": "one failed"})).await.is(201);
    for key in ["h-captured", "h-released", "h-expired"] {
        api.hold(key, &enhance(4)).await.is(201);
    }
    api.capture("h-captured", &json!({"images": 1})).await.is(200);
    api.release("h-released").await.is(200);
    let mut support = Api::new().with_token("support|ann", &["credits:adjust"]).at("2026-11-03T10:00:00Z");
    support.account.clone_from(&api.account);
    let goodwill = json!({"credits": {"playground": 5, "tune": 0, "tune_image": 0}, "reason": "goodwill"});
    support.post(&api.path("/adjustments"), Some("a-1"), &goodwill).await.is(201);

    let pack = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
    settle(&pack.events, stripe.now()).await;
    let payment = pack.payment_intent.unwrap();
    stripe.set_now(time("2026-11-10T09:00:00Z"));
    let (dispute, events) = stripe.dispute(&payment);
    settle(&events, stripe.now()).await;
    settle(&stripe.win_dispute(&dispute), stripe.now()).await;
    let (refund, events) = stripe.refund_in_dashboard(&payment, None).unwrap();
    settle(&events, stripe.now()).await;
    settle(&stripe.fail_refund(&refund), stripe.now()).await;

    // The next month's allowance, to the last credit.
    let api = api.at("2026-12-02T10:00:00Z");
    for number in 0..10 {
        api.debit(&format!("job-of-december-{number}"), &enhance(100)).await.is(201);
    }
    stripe.set_now(time("2026-12-02T11:00:00Z"));
    settle(&stripe.cancel(&plan.subscription.unwrap()), stripe.now()).await;
    api
}

/// The records of an account's entries, oldest first.
async fn records(api: &Api) -> Vec<Value> {
    let client = seed::client(&seed::aws_config(api.stack.database_url()));
    let query = client
        .query()
        .table_name(api.stack.table_name())
        .key_condition_expression("pk = :pk AND begins_with(sk, :entry)")
        .expression_attribute_values(":pk", AttributeValue::S(format!("ACCOUNT#{}", api.account)))
        .expression_attribute_values(":entry", AttributeValue::S("ENTRY#".to_owned()));
    let items = query.send().await.unwrap().items.unwrap_or_default();
    let record = |(index, item): (usize, _)| {
        let image = typed(&AttributeValue::M(item))["M"].take();
        json!({
            "eventID": index.to_string(), "eventName": "INSERT", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
            "dynamodb": {
                "Keys": {"pk": image["pk"], "sk": image["sk"]}, "NewImage": image,
                "SequenceNumber": index.to_string(), "SizeBytes": 500, "StreamViewType": "NEW_IMAGE",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/scrip-ledger/stream/1",
        })
    };
    items.into_iter().enumerate().map(record).collect()
}

/// An attribute as the stream carries it.
fn typed(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Bool(is_so) => json!({"BOOL": is_so}),
        AttributeValue::Null(_) => json!({"NULL": true}),
        AttributeValue::L(values) => json!({"L": values.iter().map(typed).collect::<Vec<_>>()}),
        AttributeValue::M(fields) => {
            let fields: Map<_, _> = fields.iter().map(|(name, value)| (name.clone(), typed(value))).collect();
            json!({"M": fields})
        }
        other => panic!("the ledger writes no {other:?}"),
    }
}

/// The function's events of some records, in batches as the pipe sends them.
async fn events(records: &[Value]) -> Vec<Value> {
    let mut events = Vec::new();
    for batch in records.chunks(BATCH) {
        let answer = support::stack().invoke("quote", json!(batch)).await.unwrap();
        let answer = answer.as_array().unwrap_or_else(|| panic!("no events: {answer}"));
        assert_eq!(answer.len(), batch.len());
        events.extend(answer.iter().cloned());
    }
    events
}

/// An event as the template's pipe puts it on the bus.
fn on_the_bus(event: &Value) -> Value {
    let pipe = &template::with_everything()["Resources"]["OutboxPipe"]["Properties"];
    let of_bus = &pipe["TargetParameters"]["EventBridgeEventBusParameters"];
    let path = of_bus["DetailType"].as_str().and_then(|path| path.strip_prefix("$."));
    json!({
        "source": of_bus["Source"], "detail-type": event[path.expect("a path into the event")], "detail": event,
    })
}

/// The kinds of entry that the API's document lists.
fn kinds() -> BTreeSet<String> {
    let document = yaml::load(OPENAPI).unwrap();
    let kinds = &document["components"]["schemas"]["Entry"]["properties"]["kind"]["enum"];
    kinds.as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned()).collect()
}

/// The JSON block of a document below a comment that names it.
fn block(document: &str, name: &str) -> Value {
    let (_, below) = document.split_once(&format!("<!-- {name} -->\n```json\n")).expect(name);
    let (text, _) = below.split_once("```").unwrap();
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[tokio::test]
async fn every_kind_of_entry_is_an_event_that_shows_what_the_api_shows() {
    let api = history().await;
    let records = records(&api).await;
    let (made, shown) = (events(&records).await, api.statement().await);
    assert_eq!(made.len(), shown.len());
    let mut found = BTreeSet::new();
    for (event, entry) in made.iter().zip(&shown) {
        let (kind, sequence) = (entry["kind"].as_str().unwrap(), &entry["sequence"]);
        let mut expected = entry.clone();
        expected["type"] = format!("credits.{kind}").into();
        expected["event_id"] = format!("{}#{sequence}", api.account).into();
        expected["account_id"] = api.account.clone().into();
        assert_eq!(*event, expected);
        assert_eq!(on_the_bus(event)["detail-type"], expected["type"]);
        found.insert(kind.to_owned());
    }
    assert_eq!(found, kinds());
    // Delivered again, alone or among others, an entry is the same event.
    for (record, event) in records.iter().zip(&made) {
        assert_eq!(events(std::slice::from_ref(record)).await, std::slice::from_ref(event));
    }
    assert!(events(&[]).await.is_empty());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_the_batch_and_shows_nothing() {
    let api = Api::on_plan("basic_monthly").await;
    api.debit("job", &enhance(1)).await.is(201);
    let good = records(&api).await;
    let row = format!("ACCOUNT#{} ENTRY#000000000002", api.account);
    let stack = support::stack();
    for (wrong, value) in [
        ("/1/dynamodb/NewImage/kind/S", json!("a secret")),
        ("/1/dynamodb/NewImage/operation/M/operation/S", json!("a secret")),
        ("/1/dynamodb/NewImage/credits", json!({"S": "a secret"})),
        ("/1/dynamodb/NewImage/sequence/N", json!("7")),
        ("/1/dynamodb/NewImage", Value::Null),
        ("/1/eventName", json!("MODIFY")),
        ("/1", json!("a secret")),
    ] {
        let mut batch = json!(good);
        *batch.pointer_mut(wrong).unwrap() = value;
        let error = stack.invoke("quote", batch).await.expect_err(wrong).to_string();
        assert!(error.contains("a record can't become an event"), "{wrong}: {error}");
    }
    let logged = stack.logs().of("quote").join("\n");
    assert!(logged.contains("a record can't become an event") && logged.contains(&row), "{logged}");
    assert!(!logged.contains("a secret"), "{logged}");
    // Whole records become events as before.
    assert_eq!(events(&good).await.len(), 2);
}

#[tokio::test]
async fn a_caller_of_the_api_asks_for_no_events() {
    let batch: Value = serde_json::from_str(SAMPLE).unwrap();
    let api = Api::new();
    api.post("/v1/quotes", None, &batch).await.is_problem(400, "invalid_request");
    api.post(&api.path("/quotes"), None, &batch).await.is_problem(400, "invalid_request");
}

#[tokio::test]
async fn the_documents_show_events_as_they_are_made() {
    let made = events(serde_json::from_str::<Value>(SAMPLE).unwrap().as_array().unwrap()).await;
    let [debit, purchase] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(block(GUIDE, "event: debit"), on_the_bus(debit));
    assert_eq!(block(GUIDE, "event: purchase"), *purchase);
    for kind in kinds() {
        assert!(GUIDE.contains(&format!("| `credits.{kind}` |")), "docs/events.md has no {kind}");
    }
}

/// Whether an event is one that a pattern is for.
type EventFilter = fn(&Value) -> bool;

/// The patterns of the guide, and the events that each is for.
const PATTERNS: [(&str, EventFilter); 6] = [
    ("rule: Receipts", |event| ["purchase", "refund"].contains(&kind(event))),
    ("rule: LowBalances", |event| is_low(event, "playground")),
    ("rule: Analytics", |_| true),
    ("rule: Webhooks", |event| !["debit", "reversal", "hold", "capture"].contains(&kind(event))),
    ("pattern: below 100", |event| event["balance"]["playground"].as_u64().unwrap() < 100),
    ("pattern: one account", |event| {
        event["account_id"] == "alice" && ["refill", "expiry"].contains(&kind(event))
    }),
];

fn kind(event: &Value) -> &str {
    event["kind"].as_str().unwrap()
}

fn is_low(event: &Value, kind: &str) -> bool {
    event["low"].as_array().is_some_and(|low| low.contains(&json!(kind)))
}

#[tokio::test]
async fn the_patterns_of_the_documents_match_the_events_they_are_for() {
    let api = history().await;
    let mut made = events(&records(&api).await).await;
    let of_alice: Vec<_> = made
        .iter()
        .cloned()
        .map(|mut event| {
            event["account_id"] = "alice".into();
            event
        })
        .collect();
    made.extend(of_alice);
    // Falls to the low-balance mark, of one kind and of another.
    for low in ["playground", "tune"] {
        let mut event = made[1].clone();
        event["low"] = json!([low]);
        made.push(event);
    }
    let rules = yaml::load(RULES).unwrap();
    for (name, is_wanted) in PATTERNS {
        let pattern = block(GUIDE, name);
        if let Some(rule) = name.strip_prefix("rule: ") {
            assert_eq!(rules["Resources"][rule]["Properties"]["EventPattern"], pattern, "{rule}");
        }
        let mut counts = [0, 0];
        for event in &made {
            assert_eq!(pattern::matches(&pattern, &on_the_bus(event)), is_wanted(event), "{name}: {event}");
            counts[usize::from(is_wanted(event))] += 1;
        }
        assert!(counts[1] > 0 && (counts[0] > 0 || name == "rule: Analytics"), "{name}: {counts:?}");
        // Of another source nothing is.
        let mut strange = on_the_bus(&made[0]);
        strange["source"] = "another".into();
        assert!(!pattern::matches(&pattern, &strange), "{name}");
    }
    // Each of the example's rules is one of the guide's.
    let resources = rules["Resources"].as_object().unwrap();
    let rules = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Events::Rule");
    let documented: BTreeSet<_> =
        PATTERNS.iter().filter_map(|(name, _)| name.strip_prefix("rule: ")).collect();
    assert_eq!(rules.map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>(), documented);
}
