//! The DynamoDB client, and what the environment says of it.

use std::{env, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::{Builder, tls};
use lambda_http::Error;
use ledger::Ledger;

/// A connection that isn't made by then won't be.
const CONNECT_TIMEOUT_MS: u64 = 1_000;
/// The services answer in milliseconds; what hasn't come by then is asked for again.
const ATTEMPT_TIMEOUT_MS: u64 = 2_000;

/// What every client starts from: the region and the credentials that Lambda sets, one connection pool.
pub async fn aws_config() -> SdkConfig {
    // ring: aws-lc gathers entropy for tens of milliseconds of CPU at the first handshake.
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
        .operation_attempt_timeout(Duration::from_millis(ATTEMPT_TIMEOUT_MS))
        .build();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts).load().await
}

/// The ledger in the table that the variable `TABLE_NAME` names.
///
/// # Errors
/// Where `TABLE_NAME` isn't set.
pub fn ledger(config: &SdkConfig) -> Result<Ledger, Error> {
    let table = env::var("TABLE_NAME").map_err(|_| "set TABLE_NAME to the ledger's table")?;
    let config = aws_sdk_dynamodb::config::Builder::from(config)
        // The ledger retries by itself, and reads again first.
        .retry_config(RetryConfig::disabled())
        .build();
    Ok(Ledger::new(Client::from_conf(config), table))
}
