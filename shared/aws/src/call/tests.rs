//! What is sent is what the SDK's own clients send, and what comes back means what it means to them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::UNIX_EPOCH,
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Region, SharedCredentialsProvider, retry::RetryConfig},
    operation::get_item::{GetItem, GetItemError, GetItemInput, GetItemOutput},
    types::AttributeValue,
};
use aws_sdk_sqs::operation::send_message_batch::{
    SendMessageBatch, SendMessageBatchError, SendMessageBatchInput, SendMessageBatchOutput,
};
use aws_sdk_ssm::operation::get_parameter::{
    GetParameter, GetParameterError, GetParameterInput, GetParameterOutput,
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnectorFuture, http_client_fn},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_types::SdkConfig;
use chrono::NaiveDateTime;
use tokio::time::Instant;

use super::*;
use crate::Aws;

/// The services, in the order in which they are asked.
const KINDS: [Kind; 3] = [Kind::DynamoDb, Kind::Ssm, Kind::Sqs];
const QUEUE: &str = "https://queue.example/refill";

/// What a service does with a request.
#[derive(Debug, Clone, PartialEq)]
enum Does {
    Answers(u16, &'static str),
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

/// What the SDK's clients send where ours would: by the name of the service.
async fn of_the_sdk(region: &str) -> Vec<(Kind, HttpRequest)> {
    let scripted = Scripted::default();
    let connector = SharedHttpConnector::new(scripted.clone());
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    assert!(dynamodb.get_item().set_table_name(get().table_name).set_key(get().key).send().await.is_err());
    assert!(aws_sdk_ssm::Client::new(&config).get_parameter().name("/a").send().await.is_err());
    let batch = aws_sdk_sqs::Client::new(&config).send_message_batch().queue_url(QUEUE);
    assert!(batch.send().await.is_err());
    KINDS.into_iter().zip(scripted.take()).collect()
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
    let parameter = GetParameterInput::builder().name("/a").build().unwrap();
    let parameter: Result<GetParameterOutput, SdkError<GetParameterError, _>> =
        aws.service(Kind::Ssm).call(&GetParameter::new(), parameter).await;
    let batch = SendMessageBatchInput::builder().queue_url(QUEUE).build().unwrap();
    let batch: Result<SendMessageBatchOutput, SdkError<SendMessageBatchError, _>> =
        aws.service(Kind::Sqs).call(&SendMessageBatch::new(), batch).await;
    assert!(item.is_err() && parameter.is_err() && batch.is_err());
    KINDS.into_iter().zip(scripted.take()).collect()
}

fn headers(request: &HttpRequest, but: &[&str]) -> BTreeMap<String, String> {
    let kept = request.headers().iter().filter(|(name, _)| !but.contains(name));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_request_is_the_sdks_but_for_what_it_says_of_itself() {
    const SIGNED: [&str; 2] = ["authorization", "x-amz-date"];
    const OF_ITSELF: [&str; 4] =
        ["amz-sdk-invocation-id", "amz-sdk-request", "user-agent", "x-amz-user-agent"];
    let (ours, theirs) = (of_ours("eu-central-1").await, of_the_sdk("eu-central-1").await);
    assert_eq!((ours.len(), theirs.len()), (KINDS.len(), KINDS.len()));
    for ((kind, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
        assert_eq!((ours.method(), ours.uri()), (theirs.method(), theirs.uri()));
        assert_eq!(ours.body().bytes(), theirs.body().bytes(), "{kind:?}");
        let expected = headers(&theirs, &[SIGNED.as_slice(), &OF_ITSELF].concat());
        assert_eq!(headers(&ours, &SIGNED), expected, "{kind:?}");
        assert!(SIGNED.iter().all(|header| ours.headers().contains_key(*header)), "{kind:?}");
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
        let at = theirs.headers().get("x-amz-date").unwrap();
        let at = NaiveDateTime::parse_from_str(at, "%Y%m%dT%H%M%SZ").unwrap().and_utc().timestamp();
        let at = UNIX_EPOCH + Duration::from_secs(at.try_into().unwrap());
        let ours = aws("eu-central-1", &Scripted::default()).service(kind).sign(ours, at).unwrap();
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
async fn an_answer_means_what_it_means_to_the_sdk() {
    let of = async |does: Does| asked(does, Does::Loses, 1).await.0;
    let found = of(FOUND).await.unwrap().item.unwrap();
    assert_eq!(found["pk"], AttributeValue::S("found".to_owned()));
    let refused = of(NO_TABLE).await.unwrap_err();
    assert!(
        matches!(refused.as_service_error(), Some(GetItemError::ResourceNotFoundException(_))),
        "{refused:?}"
    );
    assert_eq!(refused.as_service_error().unwrap().message(), Some("none"));
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 400);
    // Nobody knows whether these were carried out.
    assert!(matches!(of(Does::Loses).await, Err(SdkError::DispatchFailure(_))));
    assert!(matches!(of(Does::BreaksOff).await, Err(SdkError::ResponseError(_))));
    let before = Instant::now();
    assert!(matches!(of(Does::Hangs).await, Err(SdkError::TimeoutError(_))));
    assert_eq!(before.elapsed().as_secs(), ATTEMPT_TIMEOUT.as_secs());
    let garbled = of(Does::Answers(200, "not JSON")).await.unwrap_err();
    assert!(garbled.as_service_error().unwrap().code().is_none());
    assert!(garbled.raw_response().unwrap().status().is_success());
}
