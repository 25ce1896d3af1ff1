//! The table's client, with the operator's own credentials.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use scrip_ledger::Ledger;

use crate::Trouble;

/// The time-out of one attempt. A page of a megabyte may come over a slow line.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The region for emulators, which don't check it.
const REGION_OF_EMULATORS: &str = "us-east-1";

/// The ledger in a table, at AWS or at an emulator.
///
/// # Errors
/// [`Trouble::NoRegion`].
pub(crate) async fn ledger(table: &str, endpoint_url: Option<&str>) -> Result<Ledger, Trouble> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let http_client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut config =
        aws_config::defaults(BehaviorVersion::latest()).http_client(http_client).timeout_config(timeouts);
    if let Some(endpoint_url) = endpoint_url {
        config = config.endpoint_url(endpoint_url);
    }
    let config = config.load().await;
    let emulators = endpoint_url.map(|_| Region::from_static(REGION_OF_EMULATORS));
    let region = config.region().cloned().or(emulators).ok_or(Trouble::NoRegion)?;
    Ok(Ledger::new(&config.into_builder().region(region).build(), table))
}
