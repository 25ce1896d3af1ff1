//! How the functions reach AWS's services: a request is written by the SDK (of two services, of which one operation is
//! used, here), signed and sent from here, and its answer read by the SDK.
//!
//! The SDK's clients do the same through an orchestrator that knows every service: its first client spends a third of a
//! function's start on parsing what partitions there are, and every request passes two dozen interceptors. Here it is
//! a few pages of code, and what DynamoDB is asked and answers has still the SDK's types.

mod call;
mod connector;
mod json;
mod kind;

use std::env;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;

pub use call::Service;
pub use connector::connector;
pub use kind::Kind;

/// What keeps a function from starting.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong and what caused it, for the log: without the answer, which may hold a secret.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// The region, the role's credentials, and the connections that all services share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Aws {
    region: String,
    credentials: Credentials,
    connector: SharedHttpConnector,
    url: Option<String>,
}

impl Aws {
    /// What Lambda puts into the environment. It starts a new one before the credentials expire, so nothing has to be
    /// looked for: a chain of credential providers would bring a client of STS, and be slower to start.
    ///
    /// # Errors
    /// Where Lambda's variables aren't set, or the roots that are named instead of Amazon's can't be read.
    pub fn from_env() -> Result<Self, Error> {
        let set = |name: &str| env::var(name).map_err(|_| format!("set {name}, as Lambda does"));
        let (id, secret) = (set("AWS_ACCESS_KEY_ID")?, set("AWS_SECRET_ACCESS_KEY")?);
        let credentials =
            Credentials::new(id, secret, env::var("AWS_SESSION_TOKEN").ok(), None, "environment");
        Ok(Self { region: set("AWS_REGION")?, credentials, connector: connector()?, url: None })
    }

    /// All services at one URL: an emulator, which takes any credentials.
    #[must_use]
    pub fn at(url: &str, region: &str, connector: SharedHttpConnector) -> Self {
        let credentials = Credentials::new("local", "local", None, None, "local");
        Self { region: region.to_owned(), credentials, connector, url: Some(url.to_owned()) }
    }

    /// A service: where `AWS_ENDPOINT_URL`, or the variable for this one, says, as with every SDK, and otherwise in the
    /// region.
    #[must_use]
    pub fn service(&self, kind: Kind) -> Service {
        let named = || {
            let own = env::var(format!("AWS_ENDPOINT_URL_{}", kind.name().to_uppercase()));
            own.or_else(|_| env::var("AWS_ENDPOINT_URL")).ok()
        };
        let url = self.url.clone().or_else(named).unwrap_or_else(|| kind.url(&self.region));
        let identity = self.credentials.clone().into();
        Service::new(kind, url, self.region.clone(), identity, self.connector.clone())
    }
}
