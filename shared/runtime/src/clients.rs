//! The AWS clients, and what the environment says of them.
//!
//! Lambda puts the region and the role's credentials into the environment and starts a new one before they
//! expire, so nothing has to be looked for: a chain of credential providers would bring a client of STS, and be
//! slower to start.

use std::{env, time::Duration};

use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, ConfigBag, Credentials, Intercept, Region, SharedCredentialsProvider,
        interceptors::BeforeSerializationInterceptorContextRef, retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::interceptors::disable_interceptor;
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use lambda_http::Error;
use ledger::Ledger;

use crate::https;

/// The services answer in milliseconds; what hasn't come by then is asked for again.
const ATTEMPT_TIMEOUT_MS: u64 = 2_000;

/// Where `AWS_ENDPOINT_URL`, or that of a service, sends its client: an emulator.
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        env::var(format!("{}_{service}", key.env())).or_else(|_| env::var(key.env())).ok()
    }
}

/// Keeps the SDK from writing anew into each request what it is made of, which takes a sixth of the CPU that a request
/// takes: every request is from the same build, and says so in a header that is always the same.
#[derive(Debug)]
struct SameUserAgent;

impl Intercept for SameUserAgent {
    fn name(&self) -> &'static str {
        "SameUserAgent"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let disabled = disable_interceptor::<UserAgentInterceptor>("each request has the same user agent");
        config.interceptor_state().store_put(disabled);
        Ok(())
    }
}

/// What every client starts from: the region and the credentials that Lambda sets, one connection pool.
///
/// # Errors
/// Where Lambda's variables aren't set, or the roots that are named instead of Amazon's can't be read.
pub fn aws_config() -> Result<SdkConfig, Error> {
    let set = |name: &str| env::var(name).map_err(|_| format!("set {name}, as Lambda does"));
    let credentials = Credentials::new(
        set("AWS_ACCESS_KEY_ID")?,
        set("AWS_SECRET_ACCESS_KEY")?,
        env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(ATTEMPT_TIMEOUT_MS)).build();
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(set("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Endpoints)
        .http_client(https::client()?)
        .timeout_config(timeouts);
    Ok(config.build())
}

/// The ledger in the table that the variable `TABLE_NAME` names, its connection made and its credentials
/// used once. A function's start isn't throttled as its calls are: what is done here is saved at the first call.
///
/// # Errors
/// Where `TABLE_NAME` isn't set.
pub async fn ledger(config: &SdkConfig) -> Result<Ledger, Error> {
    let table = env::var("TABLE_NAME").map_err(|_| "set TABLE_NAME to the ledger's table")?;
    let ledger = Ledger::new(Client::from_conf(of_ledger(config)), table);
    ledger.warm_up().await;
    Ok(ledger)
}

fn of_ledger(config: &SdkConfig) -> aws_sdk_dynamodb::Config {
    // The ledger retries by itself, and reads again first.
    let builder = aws_sdk_dynamodb::config::Builder::from(config).retry_config(RetryConfig::disabled());
    builder.interceptor(SameUserAgent).build()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_runtime_api::client::{
        http::{HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
        result::ConnectorError,
    };

    use super::*;

    /// Keeps the names of a request's headers, and loses the request.
    #[derive(Debug, Clone, Default)]
    struct Names(Arc<Mutex<Vec<String>>>);

    impl aws_smithy_runtime_api::client::http::HttpConnector for Names {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.0.lock().unwrap().extend(request.headers().iter().map(|(name, _)| name.to_owned()));
            HttpConnectorFuture::ready(Err(ConnectorError::io("lost".into())))
        }
    }

    #[tokio::test]
    async fn the_sdk_does_not_say_what_it_is_made_of() {
        let names = Names::default();
        let connector = SharedHttpConnector::new(names.clone());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "local", "local", None, None, "test",
            )))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        let lost = Client::from_conf(of_ledger(&config)).list_tables().send().await;
        assert!(lost.is_err());
        let names = names.0.lock().unwrap();
        // Signed, sent once, and without it.
        assert_eq!(names.iter().filter(|name| *name == "authorization").count(), 1, "{names:?}");
        assert!(!names.iter().any(|name| name.contains("user-agent")), "{names:?}");
    }
}
