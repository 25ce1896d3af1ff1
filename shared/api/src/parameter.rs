//! A secret in SSM Parameter Store. It is read when it is first needed, cached for a minute, and read again if it seems to
//! have been rotated.

use std::{env, sync::OnceLock, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_ssm::{Client, Config, config::Builder};
use lambda_http::Error;
use scrip_ledger::chain;
use tokio::{sync::Mutex, time::Instant};

use crate::{Problem, aws_retries};

/// How long a value is cached, so that a secret that was revoked is not used for longer.
const AGE_MAX: Duration = Duration::from_mins(1);
/// How long after a useless second read the next one may follow. So forged requests can't make each call read the
/// parameter.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How often a read is attempted. Two attempts end well before Stripe, or the caller of a refund, stops waiting.
const READ_ATTEMPTS_MAX: u32 = 2;

/// A parameter of the type `SecureString`, decrypted.
#[derive(Debug)]
pub struct Parameter {
    config: Box<Config>,
    /// Made when it is first needed, because making it takes half as long as a start, and few starts read a secret.
    client: OnceLock<Client>,
    name: String,
    cached: Mutex<Option<CachedValue>>,
}

struct CachedValue {
    value: String,
    read_at: Instant,
    /// When it was last read again and found unchanged.
    read_again_at: Option<Instant>,
}

// The value is a secret, so `Debug` doesn't show it.
impl std::fmt::Debug for CachedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedValue").finish_non_exhaustive()
    }
}

impl Parameter {
    /// Makes the parameter whose name is the value of an environment variable. Nothing is read yet.
    ///
    /// # Errors
    /// If the variable isn't set.
    pub fn from_env(config: &SdkConfig, variable: &str) -> Result<Self, Error> {
        let name =
            env::var(variable).map_err(|_| format!("set {variable} to the name of an SSM parameter"))?;
        Ok(Self::new(config, name))
    }

    /// Makes the parameter of that name. Nothing is read yet.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        let config = Builder::from(config).retry_config(aws_retries(READ_ATTEMPTS_MAX)).build();
        Self { config: Box::new(config), client: OnceLock::new(), name, cached: Mutex::new(None) }
    }

    /// The value, at most a minute old.
    ///
    /// # Errors
    /// `internal` if it can't be read.
    pub async fn value(&self) -> Result<String, Problem> {
        let mut cached = self.cached.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.read_at.elapsed() < AGE_MAX) {
            return Ok(cached.value.clone());
        }
        let value = self.read().await?;
        let read_again_at = cached.as_ref().and_then(|cached| cached.read_again_at);
        *cached = Some(CachedValue { value: value.clone(), read_at: Instant::now(), read_again_at });
        Ok(value)
    }

    /// The value, if it has changed since it was cached; `None` if it is the same, or was read again just now.
    ///
    /// # Errors
    /// `internal` if it can't be read.
    pub async fn read_again(&self) -> Result<Option<String>, Problem> {
        let mut cached = self.cached.lock().await;
        let read_again_at = cached.as_ref().and_then(|cached| cached.read_again_at);
        if read_again_at.is_some_and(|at| at.elapsed() < READ_AGAIN_AFTER) {
            return Ok(None);
        }
        let value = self.read().await?;
        let is_new = cached.as_ref().is_none_or(|cached| cached.value != value);
        let now = Instant::now();
        // A useless read isn't repeated at once, because requests without a valid signature must not cost a call each.
        let read_again_at = (!is_new).then_some(now);
        *cached = Some(CachedValue { value: value.clone(), read_at: now, read_again_at });
        Ok(is_new.then_some(value))
    }

    async fn read(&self) -> Result<String, Problem> {
        let client = self.client.get_or_init(|| Client::from_conf(Config::clone(&self.config)));
        let get = client.get_parameter().name(&self.name).with_decryption(true);
        let answer = get
            .send()
            .await
            .map_err(|error| Problem::internal(format!("could not read {}: {}", self.name, chain(&error))))?;
        let value = answer.parameter.and_then(|parameter| parameter.value);
        value.ok_or_else(|| Problem::internal(format!("{} has no value", self.name)))
    }
}
