//! The AWS clients, and what the environment says of them.
//!
//! Lambda puts the region and the role's credentials into the environment and starts a new one before they
//! expire, so nothing has to be looked for: a chain of credential providers would bring a client of STS, and be
//! slower to start.

use std::{env, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder,
    tls::{self, TlsContext, TrustStore},
};
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use lambda_http::Error;
use ledger::Ledger;

/// A connection that isn't made by then won't be.
const CONNECT_TIMEOUT_MS: u64 = 1_000;
/// The services answer in milliseconds; what hasn't come by then is asked for again.
const ATTEMPT_TIMEOUT_MS: u64 = 2_000;

/// Who vouches for AWS's endpoints: the five roots of <https://www.amazontrust.com/repository/>. A machine's own
/// hundred and more take longer to read than everything else that a function does at its start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");
/// Names a file of others: for a partition of AWS's with roots of its own, or the day that these are replaced.
const ROOTS_FILE: &str = "SSL_CERT_FILE";

/// Where `AWS_ENDPOINT_URL`, or that of a service, sends its client: an emulator.
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        env::var(format!("{}_{service}", key.env())).or_else(|_| env::var(key.env())).ok()
    }
}

/// What every client starts from: the region and the credentials that Lambda sets, one connection pool.
///
/// # Errors
/// Where Lambda's variables aren't set.
pub fn aws_config() -> Result<SdkConfig, Error> {
    let set = |name: &str| env::var(name).map_err(|_| format!("set {name}, as Lambda does"));
    let credentials = Credentials::new(
        set("AWS_ACCESS_KEY_ID")?,
        set("AWS_SECRET_ACCESS_KEY")?,
        env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    // ring: aws-lc gathers entropy for tens of milliseconds of CPU at the first handshake.
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .tls_context(TlsContext::builder().with_trust_store(trusted()).build()?)
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
        .operation_attempt_timeout(Duration::from_millis(ATTEMPT_TIMEOUT_MS))
        .build();
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(set("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Endpoints)
        .http_client(http)
        .timeout_config(timeouts);
    Ok(config.build())
}

/// Whose certificates are trusted.
fn trusted() -> TrustStore {
    match env::var_os(ROOTS_FILE) {
        // Read by what reads the machine's own.
        Some(_) => TrustStore::empty().with_native_roots(true),
        None => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
    }
}

/// The ledger in the table that the variable `TABLE_NAME` names, its connection made and its credentials
/// used once. A function's start isn't throttled as its calls are: what is done here is saved at the first call.
///
/// # Errors
/// Where `TABLE_NAME` isn't set.
pub async fn ledger(config: &SdkConfig) -> Result<Ledger, Error> {
    let table = env::var("TABLE_NAME").map_err(|_| "set TABLE_NAME to the ledger's table")?;
    let config = aws_sdk_dynamodb::config::Builder::from(config)
        // The ledger retries by itself, and reads again first.
        .retry_config(RetryConfig::disabled())
        .build();
    let ledger = Ledger::new(Client::from_conf(config), table);
    ledger.warm_up().await;
    Ok(ledger)
}
