//! What is sent is what the SDK's own clients send, and what comes back means what it means to them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::UNIX_EPOCH,
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    config::{
        BehaviorVersion, Region, SharedCredentialsProvider, retry::RetryConfig, timeout::TimeoutConfig,
    },
    operation::{
        get_item::{GetItem, GetItemError, GetItemInput, GetItemOutput},
        query::{Query, QueryError, QueryInput, QueryOutput, builders::QueryInputBuilder},
        transact_get_items::{
            TransactGetItems, TransactGetItemsError, TransactGetItemsInput, TransactGetItemsOutput,
            builders::TransactGetItemsInputBuilder,
        },
        transact_write_items::{
            TransactWriteItems, TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput,
            builders::TransactWriteItemsInputBuilder,
        },
    },
    types::{AttributeValue, Get, Put, ReturnConsumedCapacity, TransactGetItem, TransactWriteItem},
};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnectorFuture, http_client_fn},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_types::SdkConfig;
use chrono::NaiveDateTime;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::{Aws, chain};

/// The services, in the order in which they are asked.
const KINDS: [Kind; 6] =
    [Kind::DynamoDb, Kind::DynamoDb, Kind::DynamoDb, Kind::DynamoDb, Kind::Ssm, Kind::Sqs];
const QUEUE: &str = "https://queue.example/refill";

/// What a service does with a request.
#[derive(Debug, Clone, PartialEq)]
enum Does {
    Answers(u16, &'static str),
    /// It takes the signature for an old one, or one to come, and says what time it is.
    RefusesAt(String),
    /// It answers, and breaks off.
    BreaksOff,
    Loses,
    Hangs,
}

/// A service that does one thing after another, and keeps what it was asked.
#[derive(Debug, Clone, Default)]
struct Scripted {
    does: Arc<Mutex<VecDeque<Does>>>,
    asked: Arc<Mutex<Vec<HttpRequest>>>,
}

impl Scripted {
    fn new(does: impl Into<VecDeque<Does>>) -> Self {
        Self { does: Arc::new(Mutex::new(does.into())), ..Self::default() }
    }

    fn take(&self) -> Vec<HttpRequest> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl HttpConnector for Scripted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.asked.lock().unwrap().push(request);
        let answer = |status, body| HttpResponse::new(StatusCode::try_from(status).unwrap(), body);
        match self.does.lock().unwrap().pop_front().unwrap_or(Does::Loses) {
            Does::Answers(status, body) => {
                HttpConnectorFuture::ready(Ok(answer(status, SdkBody::from(body))))
            }
            Does::RefusesAt(date) => {
                let body = r#"{"__type": "com.amazon.coral.service#InvalidSignatureException"}"#;
                let mut refused = answer(400, SdkBody::from(body));
                refused.headers_mut().insert("date", date);
                HttpConnectorFuture::ready(Ok(refused))
            }
            Does::BreaksOff => {
                let mut broken = answer(200, SdkBody::from("{"));
                broken.take_body();
                HttpConnectorFuture::ready(Ok(broken))
            }
            Does::Loses => HttpConnectorFuture::ready(Err(ConnectorError::io("lost".into()))),
            Does::Hangs => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

fn credentials() -> Credentials {
    Credentials::new("an-id", "a-secret", Some("a-token".to_owned()), None, "test")
}

fn aws(region: &str, connector: &Scripted) -> Aws {
    let connector = SharedHttpConnector::new(connector.clone());
    Aws { region: region.to_owned(), credentials: credentials(), connector, url: None }
}

fn get() -> GetItemInput {
    let get =
        GetItemInput::builder().table_name("table").key("pk", AttributeValue::S("ACCOUNT#ä".to_owned()));
    get.build().unwrap()
}

/// What the SDK's clients start from, before that service.
fn sdk(region: &str, scripted: &Scripted) -> SdkConfig {
    let connector = SharedHttpConnector::new(scripted.clone());
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build()
}

/// What the SDK's clients send where ours would.
async fn of_the_sdk(region: &str) -> Vec<(Kind, HttpRequest)> {
    let scripted = Scripted::default();
    let config = sdk(region, &scripted);
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    assert!(dynamodb.get_item().set_table_name(get().table_name).set_key(get().key).send().await.is_err());
    assert!(query().send_with(&dynamodb).await.is_err());
    assert!(reads().send_with(&dynamodb).await.is_err());
    assert!(writes().send_with(&dynamodb).await.is_err());
    let parameter = aws_sdk_ssm::Client::new(&config).get_parameter().name("/a").with_decryption(true);
    assert!(parameter.send().await.is_err());
    let message = SendMessageBatchRequestEntry::builder().id("0").message_body("{}").build().unwrap();
    let batch = aws_sdk_sqs::Client::new(&config).send_message_batch().queue_url(QUEUE).entries(message);
    assert!(batch.send().await.is_err());
    let sent = scripted.take();
    assert_eq!(sent.len(), KINDS.len());
    KINDS.into_iter().zip(sent).collect()
}

fn query() -> QueryInputBuilder {
    QueryInput::builder()
        .table_name("table")
        .key_condition_expression("#pk = :pk")
        .expression_attribute_names("#pk", "pk")
        .expression_attribute_values(":pk", AttributeValue::N("1".to_owned()))
        .consistent_read(true)
}

fn reads() -> TransactGetItemsInputBuilder {
    let get =
        Get::builder().table_name("table").key("pk", AttributeValue::S("a".to_owned())).build().unwrap();
    TransactGetItemsInput::builder().transact_items(TransactGetItem::builder().get(get).build())
}

fn writes() -> TransactWriteItemsInputBuilder {
    let put = Put::builder()
        .table_name("table")
        .item("pk", AttributeValue::S("a".to_owned()))
        .item("of", AttributeValue::M([("is".to_owned(), AttributeValue::Bool(true))].into()))
        .condition_expression("attribute_not_exists(pk)");
    TransactWriteItemsInput::builder()
        .transact_items(TransactWriteItem::builder().put(put.build().unwrap()).build())
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
}

#[tokio::test]
async fn services_are_where_the_sdk_has_them() {
    // One of each partition, and one that nobody knows yet.
    for region in [
        "us-east-1",
        "eu-central-1",
        "cn-north-1",
        "us-gov-west-1",
        "eusc-de-east-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "us-isof-south-1",
        "xx-nowhere-9",
    ] {
        for (kind, request) in of_the_sdk(region).await {
            assert_eq!(format!("{}/", kind.url(region)), request.uri());
        }
    }
}

/// The same requests, ours.
async fn of_ours(region: &str) -> Vec<(Kind, HttpRequest)> {
    let scripted = Scripted::default();
    let aws = aws(region, &scripted);
    let item: Result<GetItemOutput, SdkError<GetItemError, _>> =
        aws.service(Kind::DynamoDb).call(&GetItem::new(), get()).await;
    let database = aws.service(Kind::DynamoDb);
    let found: Result<QueryOutput, SdkError<QueryError, _>> =
        database.call(&Query::new(), query().build().unwrap()).await;
    let read: Result<TransactGetItemsOutput, SdkError<TransactGetItemsError, _>> =
        database.call(&TransactGetItems::new(), reads().build().unwrap()).await;
    let written: Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError, _>> =
        database.call(&TransactWriteItems::new(), writes().build().unwrap()).await;
    assert!(found.is_err() && read.is_err() && written.is_err());
    let parameter = json!({"Name": "/a", "WithDecryption": true});
    let parameter = aws.service(Kind::Ssm).ask("GetParameter", parameter).await;
    let batch = json!({"QueueUrl": QUEUE, "Entries": [{"Id": "0", "MessageBody": "{}"}]});
    let batch = aws.service(Kind::Sqs).ask("SendMessageBatch", batch).await;
    assert!(item.is_err() && parameter.is_err() && batch.is_err());
    let sent = scripted.take();
    assert_eq!(sent.len(), KINDS.len());
    KINDS.into_iter().zip(sent).collect()
}

fn headers(request: &HttpRequest, but: &[&str]) -> BTreeMap<String, String> {
    let kept = request.headers().iter().filter(|(name, _)| !but.contains(name));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// But for the token that the SDK's clients add: DynamoDB would keep a transaction's answer by it for ten minutes.
fn body(request: &HttpRequest) -> Value {
    let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    body.as_object_mut().unwrap().remove("ClientRequestToken");
    body
}

/// When it was signed.
fn at(request: &HttpRequest) -> SystemTime {
    let at = request.headers().get("x-amz-date").unwrap();
    let at = NaiveDateTime::parse_from_str(at, "%Y%m%dT%H%M%SZ").unwrap().and_utc().timestamp();
    UNIX_EPOCH + Duration::from_secs(at.try_into().unwrap())
}

#[tokio::test]
async fn a_request_is_the_sdks_but_for_what_it_says_of_itself() {
    // The length: it is longer by the token.
    const OTHER: [&str; 3] = ["authorization", "x-amz-date", "content-length"];
    // What it is made of, and that it could read SQS's older errors too.
    const OF_ITSELF: [&str; 5] =
        ["amz-sdk-invocation-id", "amz-sdk-request", "user-agent", "x-amz-user-agent", "x-amzn-query-mode"];
    let (ours, theirs) = (of_ours("eu-central-1").await, of_the_sdk("eu-central-1").await);
    for ((kind, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
        assert_eq!((ours.method(), ours.uri()), (theirs.method(), theirs.uri()));
        assert_eq!(body(&ours), body(&theirs), "{kind:?}");
        let expected = headers(&theirs, &[OTHER.as_slice(), &OF_ITSELF].concat());
        assert_eq!(headers(&ours, &OTHER), expected, "{kind:?}");
        assert!(OTHER.iter().all(|header| ours.headers().contains_key(*header)), "{kind:?}");
        let length = ours.body().bytes().unwrap().len().to_string();
        assert_eq!(ours.headers().get("content-length"), Some(length.as_str()), "{kind:?}");
    }
}

#[tokio::test]
async fn a_signature_is_the_sdks() {
    for (kind, mut theirs) in of_the_sdk("eu-central-1").await {
        for header in ["amz-sdk-invocation-id", "amz-sdk-request"] {
            // Added to what was signed.
            assert!(theirs.headers_mut().remove(header).is_some(), "{kind:?} has no {header}");
        }
        let mut ours = theirs.try_clone().unwrap();
        for header in ["authorization", "x-amz-date", "x-amz-security-token"] {
            assert!(ours.headers_mut().remove(header).is_some(), "{kind:?} has no {header}");
        }
        let ours = aws("eu-central-1", &Scripted::default()).service(kind).sign(ours, at(&theirs)).unwrap();
        assert_eq!(headers(&ours, &[]), headers(&theirs, &[]), "{kind:?}");
    }
}

/// What came of asking for an item up to so often, and how often it was asked for.
async fn asked(
    does: Does,
    then: Does,
    attempts: u32,
) -> (Result<GetItemOutput, SdkError<GetItemError, HttpResponse>>, usize) {
    let scripted = Scripted::new([does, then]);
    let service = aws("eu-central-1", &scripted).service(Kind::DynamoDb).with_attempts(attempts);
    let answer = service.call(&GetItem::new(), get()).await;
    (answer, scripted.take().len())
}

const FOUND: Does = Does::Answers(200, r#"{"Item": {"pk": {"S": "found"}}}"#);
const THROTTLED: Does = Does::Answers(400, r#"{"__type": "com.amazonaws.dynamodb#ThrottlingException"}"#);
const NO_TABLE: Does = Does::Answers(
    400,
    r#"{"__type": "com.amazonaws.dynamodb#ResourceNotFoundException", "message": "none"}"#,
);

#[tokio::test(start_paused = true)]
async fn what_may_help_is_asked_again_as_often_as_allowed() {
    for (does, attempts, expected) in [
        (FOUND, 3, 1),
        (NO_TABLE, 3, 1),
        (THROTTLED, 1, 1),
        (THROTTLED, 3, 2),
        (Does::Answers(500, "{}"), 3, 2),
        (Does::Answers(503, "<html>"), 3, 2),
        (Does::Loses, 1, 1),
        (Does::Loses, 3, 2),
        (Does::BreaksOff, 3, 2),
        (Does::Hangs, 3, 2),
    ] {
        let (answer, asked) = asked(does.clone(), FOUND, attempts).await;
        assert_eq!(asked, expected, "{does:?} {attempts}");
        let found = answer.is_ok_and(|answer| answer.item.is_some());
        assert_eq!(found, does == FOUND || expected > 1, "{does:?} {attempts}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_given_up_after_as_many_attempts() {
    let before = Instant::now();
    let (answer, asked) = asked(Does::Loses, Does::Loses, 3).await;
    assert!(answer.is_err());
    assert_eq!(asked, 3);
    // At most the first wait, and twice that.
    assert!(before.elapsed() <= Duration::from_millis(3 * BACKOFF_MS_FIRST + 2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_means_what_it_means_to_the_sdk() {
    for (does, expected) in [
        (FOUND, "found"),
        (NO_TABLE, "service error 400 ResourceNotFoundException none"),
        (THROTTLED, "service error 400 ThrottlingException"),
        (Does::Answers(500, "{}"), "service error 500"),
        (Does::Answers(503, "<html>"), "service error 503"),
        (Does::Answers(200, "not JSON"), "service error 200"),
        (Does::BreaksOff, "response error 200"),
        (Does::Loses, "dispatch failure"),
        (Does::Hangs, "timeout"),
    ] {
        let before = Instant::now();
        let ours = asked(does.clone(), Does::Loses, 1).await.0;
        assert_eq!(before.elapsed().as_secs(), if does == Does::Hangs { 2 } else { 0 });
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let config = sdk("eu-central-1", &Scripted::new([does.clone()])).into_builder();
        let client = aws_sdk_dynamodb::Client::new(&config.timeout_config(timeouts).build());
        let theirs = client.get_item().set_table_name(get().table_name).set_key(get().key).send().await;
        assert_eq!((meaning(ours).as_str(), meaning(theirs).as_str()), (expected, expected), "{does:?}");
    }
}

/// What an answer says, in words.
fn meaning(answer: Result<GetItemOutput, SdkError<GetItemError, HttpResponse>>) -> String {
    let error = match answer {
        Ok(found) => return found.item.unwrap()["pk"].as_s().unwrap().clone(),
        Err(error) => error,
    };
    let kind = match error {
        SdkError::ServiceError(_) => "service error",
        SdkError::ResponseError(_) => "response error",
        SdkError::DispatchFailure(_) => "dispatch failure",
        SdkError::TimeoutError(_) => "timeout",
        _ => "another",
    };
    let status = error.raw_response().map(|answer| answer.status().as_u16().to_string());
    let said = error.as_service_error();
    let (code, message) = (said.and_then(|said| said.code()), said.and_then(|said| said.message()));
    let words = [Some(kind), status.as_deref(), code, message];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_wrong_clock_is_set_right_by_the_first_refusal() {
    let now = || DateTime::from(SystemTime::now()).secs();
    let refused =
        |ahead: i64| Does::RefusesAt(DateTime::from_secs(now() + ahead).fmt(Format::HttpDate).unwrap());
    for (ahead, expected) in [(-3_600, -3_600), (3_600, 3_600), (300, 300), (-200, 0), (0, 0)] {
        // What is right again is believed again.
        let scripted = Scripted::new([refused(ahead), FOUND, refused(0), FOUND]);
        let service = aws("eu-central-1", &scripted).service(Kind::DynamoDb);
        for expected in [0, expected, expected, 0] {
            let _: Result<GetItemOutput, SdkError<GetItemError, _>> =
                service.call(&GetItem::new(), get()).await;
            let signed = DateTime::from(at(&scripted.take()[0])).secs();
            assert!((signed - now() - expected).abs() <= 5, "{ahead}: {expected}");
        }
    }
}

#[tokio::test]
async fn an_answer_in_json_is_read_or_told_of() {
    let of = async |does: Does| {
        let aws = aws("eu-central-1", &Scripted::new([does]));
        aws.service(Kind::Ssm).ask("GetParameter", json!({"Name": "/a"})).await
    };
    let found = of(Does::Answers(200, r#"{"Parameter": {"Value": "secret"}}"#)).await.unwrap();
    assert_eq!(found, json!({"Parameter": {"Value": "secret"}}));
    for (status, answer, code, message) in [
        (400, r#"{"__type": "ParameterNotFound"}"#, Some("ParameterNotFound"), None),
        (400, r#"{"__type": "com.amazon.coral#Denied", "Message": "no"}"#, Some("Denied"), Some("no")),
        (400, r#"{"__type": "com.amazon.coral#Denied", "message": "no"}"#, Some("Denied"), Some("no")),
        (503, "<html>", None, None),
    ] {
        let refused = of(Does::Answers(status, answer)).await.unwrap_err();
        let said = refused.as_service_error().unwrap();
        assert_eq!((said.code(), said.message()), (code, message), "{answer}");
        assert_eq!(refused.raw_response().unwrap().status().as_u16(), status);
    }
    // What isn't told of in the log is what an answer holds.
    let garbled = of(Does::Answers(200, r#"{"Parameter": {"Value": "secret"}"#)).await.unwrap_err();
    assert!(matches!(garbled, SdkError::ResponseError(_)), "{garbled:?}");
    assert!(!chain(&garbled).contains("secret") && chain(&garbled).contains("EOF"), "{}", chain(&garbled));
}
