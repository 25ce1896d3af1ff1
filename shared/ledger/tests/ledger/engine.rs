//! The engine that the tests run on: embedded, or the one that `SCRIP_TEST_DYNAMODB` names.
//!
//! Invariant: the embedded one lives on a thread and a runtime of its own, so that it outlives each test's
//! runtime. It ends with the test process.

use std::{
    env,
    net::Ipv4Addr,
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Builder, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig},
};
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_types::SdkConfig;

const REGION: &str = "us-east-1";

/// Where the engine answers; the first test that asks starts it.
pub fn endpoint() -> &'static str {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    ENDPOINT.get_or_init(|| env::var("SCRIP_TEST_DYNAMODB").unwrap_or_else(|_| start()))
}

/// Whether the engine meters as DynamoDB does. DynamoDB Local doesn't: a query that finds nothing takes nothing of it,
/// and the items of a transaction take other units.
pub fn is_metering() -> bool {
    env::var_os("SCRIP_TEST_DYNAMODB").is_none()
}

/// What a query that finds nothing takes, in half units: as much as one that finds a little.
pub fn found_nothing(half_units: u64) -> u64 {
    if is_metering() { half_units } else { 0 }
}

/// The configuration of clients of the engine by that HTTP client.
pub fn config(endpoint: &str, http_client: impl HttpClient + 'static) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "local", "local", None, None, "local",
        )))
        .http_client(http_client)
        .build()
}

/// A client of the engine that repeats nothing by itself.
pub fn client(endpoint: &str) -> Client {
    let config = config(endpoint, aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(Builder::from(&config).retry_config(RetryConfig::disabled()).build())
}

/// A name that no other table of the engine has.
pub fn fresh_name() -> String {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    format!("ledger-{}-{}", process::id(), TABLES.fetch_add(1, Ordering::Relaxed))
}

fn start() -> String {
    let (started, starting) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime for the engine").block_on(async {
            let engine = dynoxide::Database::memory().expect("an engine");
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
            let address = listener.local_addr().expect("an address");
            started.send(format!("http://{address}")).expect("the first test waits");
            dynoxide::server::serve_with_shutdown(listener, engine, std::future::pending())
                .await
                .expect("an engine that goes on");
        });
    });
    starting.recv().expect("an engine that starts")
}
