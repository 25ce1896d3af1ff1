//! A secret in SSM Parameter Store: read when it is first needed, kept for a minute, and read again when it
//! seems to have been rotated.

use std::{env, sync::OnceLock, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_ssm::{Client, Config, config::Builder};
use lambda_http::Error;
use scrip_ledger::chain;
use tokio::{sync::Mutex, time::Instant};

use crate::{Problem, aws_retries};

/// A value that is older is read anew, so that a secret that was taken away doesn't live on.
const AGE_MAX: Duration = Duration::from_mins(1);
/// However many forged requests come, the parameter is read again at most once in this time.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How often it is asked for: two attempts end well before Stripe, or who asks for a refund, stops waiting.
const READ_ATTEMPTS_MAX: u32 = 2;

/// A parameter of the type `SecureString`, decrypted.
#[derive(Debug)]
pub struct Parameter {
    config: Box<Config>,
    /// Made when it is first needed: making one takes as long as half a start, and few starts read a secret.
    client: OnceLock<Client>,
    name: String,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    value: String,
    read_at: Instant,
    /// When it was last read again in vain, if it was.
    read_again_at: Option<Instant>,
}

// The value is a secret: it isn't even shown by accident.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl Parameter {
    /// The parameter whose name stands in that variable. Nothing is read yet.
    ///
    /// # Errors
    /// Where the variable isn't set.
    pub fn from_env(config: &SdkConfig, variable: &str) -> Result<Self, Error> {
        let name =
            env::var(variable).map_err(|_| format!("set {variable} to the name of an SSM parameter"))?;
        Ok(Self::new(config, name))
    }

    /// The parameter of that name.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        let config = Builder::from(config).retry_config(aws_retries(READ_ATTEMPTS_MAX)).build();
        Self { config: Box::new(config), client: OnceLock::new(), name, kept: Mutex::new(None) }
    }

    /// The value as it was read last.
    ///
    /// # Errors
    /// `internal` where it can't be read.
    pub async fn value(&self) -> Result<String, Problem> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.read_at.elapsed() < AGE_MAX) {
            return Ok(kept.value.clone());
        }
        let value = self.read().await?;
        let read_again_at = kept.as_ref().and_then(|kept| kept.read_again_at);
        *kept = Some(Kept { value: value.clone(), read_at: Instant::now(), read_again_at });
        Ok(value)
    }

    /// The value, read again where that wasn't done just now; `None` where it is still the same.
    ///
    /// # Errors
    /// `internal` where it can't be read.
    pub async fn read_again(&self) -> Result<Option<String>, Problem> {
        let mut kept = self.kept.lock().await;
        let read_again_at = kept.as_ref().and_then(|kept| kept.read_again_at);
        if read_again_at.is_some_and(|at| at.elapsed() < READ_AGAIN_AFTER) {
            return Ok(None);
        }
        let value = self.read().await?;
        let is_new = kept.as_ref().is_none_or(|kept| kept.value != value);
        let now = Instant::now();
        // In vain only so often: what isn't signed at all must not cost a call each time.
        let read_again_at = (!is_new).then_some(now);
        *kept = Some(Kept { value: value.clone(), read_at: now, read_again_at });
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
