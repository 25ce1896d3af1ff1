//! The Runtime API as an instance sees it, without a real process behind it.

use reqwest::{Client, Response, StatusCode};
use scrip_local::{
    invocations::{FunctionError, InstanceEnd, Invocations, Outcome, Registration},
    runtime_api::RuntimeApi,
    template::Function,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

const FUNCTION: &str = "echo";

/// A Runtime API for one function.
struct Bench {
    client: Client,
    invocations: Arc<Invocations>,
    api: RuntimeApi,
}

impl Bench {
    async fn start(timeout: Duration) -> Self {
        let function = Function {
            logical_id: "EchoFunction".to_owned(),
            name: FUNCTION.to_owned(),
            environment: BTreeMap::new(),
            timeout,
            memory_mb: 128,
        };
        let invocations = Arc::new(Invocations::new(&[function]));
        let api = RuntimeApi::start(&invocations).await.unwrap();
        Self { client: Client::new(), invocations, api }
    }

    fn invoke(&self, event: Value) -> JoinHandle<Outcome> {
        let invocations = Arc::clone(&self.invocations);
        tokio::spawn(async move { invocations.invoke(FUNCTION, &event).await })
    }

    fn register(&self) -> Registration {
        self.invocations.register(FUNCTION).unwrap()
    }

    fn url(&self, instance: u64, rest: &str) -> String {
        format!("{}/{FUNCTION}/{instance}/2018-06-01/runtime/{rest}", self.api.url())
    }

    async fn next(&self, instance: u64) -> Response {
        self.client.get(self.url(instance, "invocation/next")).send().await.unwrap()
    }

    /// Asks for the next invocation and returns its request id.
    async fn take(&self, instance: u64) -> String {
        request_id(&self.next(instance).await)
    }

    async fn post(&self, instance: u64, rest: &str, body: impl Into<reqwest::Body>) -> StatusCode {
        self.client.post(self.url(instance, rest)).body(body).send().await.unwrap().status()
    }
}

fn request_id(response: &Response) -> String {
    response.headers()["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned()
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_invocation_goes_to_an_instance_and_its_answer_back() {
    let bench = Bench::start(LONG).await;
    let Registration { id, polled, .. } = bench.register();
    let outcome = bench.invoke(json!({ "n": 1 }));
    let next = bench.next(id).await;
    polled.await.unwrap();
    assert_eq!(next.status(), 200);
    let request = request_id(&next);
    let header = |name: &str| next.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("lambda-runtime-invoked-function-arn"),
        "arn:aws:lambda:us-east-1:123456789012:function:echo"
    );
    assert!(header("lambda-runtime-trace-id").starts_with("Root=1-"));
    let left_ms = header("lambda-runtime-deadline-ms").parse::<i64>().unwrap()
        - scrip_local::clock::now().timestamp_millis();
    assert!((50_000..=60_000).contains(&left_ms), "{left_ms}");
    assert_eq!(next.json::<Value>().await.unwrap(), json!({ "n": 1 }));

    let response = format!("invocation/{request}/response");
    assert_eq!(bench.post(id, &response, r#"{"answer":true}"#).await, 202);
    assert_eq!(outcome.await.unwrap(), Ok(json!({ "answer": true })));
    assert_eq!(bench.post(id, &response, r#"{"answer":false}"#).await, 400, "an outcome is final");
}

#[tokio::test]
async fn a_function_may_report_an_error() {
    let bench = Bench::start(LONG).await;
    let id = bench.register().id;
    let outcome = bench.invoke(json!({}));
    let request = bench.take(id).await;
    let error = r#"{"errorType":"Boom","errorMessage":"it broke"}"#;
    assert_eq!(bench.post(id, &format!("invocation/{request}/error"), error).await, 202);
    let reported = FunctionError::Reported { error_type: "Boom".to_owned(), message: "it broke".to_owned() };
    assert_eq!(outcome.await.unwrap(), Err(reported));
}

#[tokio::test]
async fn answers_that_lambda_refuses_fail_the_invocation() {
    let bench = Bench::start(LONG).await;
    let id = bench.register().id;
    for (body, status, error) in [
        (b"no json".to_vec(), 202, "the answer is not JSON"),
        (vec![b' '; 6 * 1024 * 1024 + 1], 413, "Exceeded maximum allowed payload size"),
    ] {
        let outcome = bench.invoke(json!({}));
        let request = bench.take(id).await;
        assert_eq!(bench.post(id, &format!("invocation/{request}/response"), body).await, status);
        let why = outcome.await.unwrap().unwrap_err().to_string();
        assert!(why.contains(error), "{why}");
    }
}

#[tokio::test]
async fn an_instance_that_ends_fails_what_it_held_and_gets_no_more() {
    let bench = Bench::start(LONG).await;
    let (first, second) = (bench.register().id, bench.register().id);
    let outcome = bench.invoke(json!({ "n": 1 }));
    let request = bench.take(first).await;
    let ended = bench.invocations.unregister(FUNCTION, first, "signal: 9");
    assert_eq!(ended, InstanceEnd { held: true, init_error: None });
    assert_eq!(outcome.await.unwrap(), Err(FunctionError::Ended("signal: 9".to_owned())));
    assert_eq!(bench.post(first, &format!("invocation/{request}/response"), "{}").await, 400);
    assert_eq!(bench.next(first).await.status(), 403);

    // The other instance is not affected.
    let outcome = bench.invoke(json!({ "n": 2 }));
    let request = bench.take(second).await;
    bench.post(second, &format!("invocation/{request}/response"), "2").await;
    assert_eq!(outcome.await.unwrap(), Ok(json!(2)));
}

#[tokio::test]
async fn an_instance_that_ends_while_it_waits_loses_no_invocation() {
    let bench = Arc::new(Bench::start(LONG).await);
    let (first, second) = (bench.register(), bench.register().id);
    let waiting = tokio::spawn({
        let (bench, id) = (Arc::clone(&bench), first.id);
        async move { bench.next(id).await.status() }
    });
    first.polled.await.unwrap();
    let _ = bench.invocations.unregister(FUNCTION, first.id, "exit status: 0");
    let outcome = bench.invoke(json!({ "n": 1 }));
    assert_eq!(waiting.await.unwrap(), 403);
    let request = bench.take(second).await;
    bench.post(second, &format!("invocation/{request}/response"), "1").await;
    assert_eq!(outcome.await.unwrap(), Ok(json!(1)));
}

#[tokio::test]
async fn time_runs_out() {
    let limit = Duration::from_millis(50);
    let bench = Bench::start(limit).await;
    let Registration { id, overdue, .. } = bench.register();
    let outcome = bench.invoke(json!({}));
    let request = bench.take(id).await;
    overdue.notified().await;
    assert_eq!(outcome.await.unwrap(), Err(FunctionError::TimedOut(limit)));
    assert_eq!(bench.post(id, &format!("invocation/{request}/response"), "{}").await, 400);
}

#[tokio::test]
async fn an_instance_holds_one_invocation_at_a_time() {
    let bench = Bench::start(LONG).await;
    let id = bench.register().id;
    let outcomes = [bench.invoke(json!(1)), bench.invoke(json!(2))];
    let request = bench.take(id).await;
    assert_eq!(bench.next(id).await.status(), 403);
    bench.post(id, &format!("invocation/{request}/response"), "1").await;
    let request = bench.take(id).await;
    bench.post(id, &format!("invocation/{request}/response"), "2").await;
    for outcome in outcomes {
        outcome.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_invocations_meet_several_instances() {
    let bench = Arc::new(Bench::start(LONG).await);
    let outcomes: Vec<_> = (0..200).map(|n| bench.invoke(json!(n))).collect();
    for _ in 0..4 {
        let (bench, id) = (Arc::clone(&bench), bench.register().id);
        tokio::spawn(async move {
            loop {
                let next = bench.next(id).await;
                let (request, event) = (request_id(&next), next.text().await.unwrap());
                bench.post(id, &format!("invocation/{request}/response"), event).await;
            }
        });
    }
    for (n, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.await.unwrap(), Ok(json!(n)));
    }
}

#[tokio::test]
async fn a_function_without_instances_to_come_fails_at_once() {
    let bench = Bench::start(LONG).await;
    let waiting = bench.invoke(json!({}));
    let why = FunctionError::Unavailable("given up".to_owned());
    tokio::task::yield_now().await;
    bench.invocations.close(FUNCTION, &why);
    assert_eq!(waiting.await.unwrap(), Err(why.clone()));
    assert_eq!(bench.invoke(json!({})).await.unwrap(), Err(why));
    let unknown = bench.invocations.invoke("other", &json!({})).await;
    assert_eq!(unknown, Err(FunctionError::Unknown("other".to_owned())));
}
