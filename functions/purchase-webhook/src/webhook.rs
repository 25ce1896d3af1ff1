//! The function: its ledger, its client of Stripe, and the application of a subject with them.

use std::env;

use lambda_http::Error;
use scrip_accounts::{AccountId, EventId};
use scrip_api::{Parameter, Problem};
use scrip_ledger::Ledger;
use scrip_stripe::{Api, Client, ConfiguredPrices};
use tokio::time::Instant;

use crate::{
    apply::{Application, Cause},
    disposition::{Disposition, Report},
    failure::{Failure, problem},
    subject::Subject,
};

/// The function: answers requests of [`ROUTES`](crate::ROUTES), and carries out a [`Command`](crate::Command).
#[derive(Debug)]
pub struct WebhookFunction {
    /// The ledger of the accounts.
    pub ledger: Ledger,
    /// Stripe's API.
    pub stripe: Client,
    /// The key of Stripe's API.
    pub api_key: Parameter,
    /// The signing secrets: one or more, comma-separated.
    pub secrets: Parameter,
    /// The SKUs that the configuration maps prices to.
    pub prices: ConfiguredPrices,
}

impl WebhookFunction {
    /// Makes the function from the environment: the table, Stripe's API, the parameters and the prices. `STRIPE_PRICES` is a
    /// JSON object of price ids, each with a SKU or null; if it isn't set, no price is mapped.
    ///
    /// # Errors
    /// If a variable isn't set or is malformed.
    pub async fn from_env() -> Result<Self, Error> {
        let config = scrip_api::aws_config().await?;
        Ok(Self {
            ledger: scrip_api::ledger_from_env(&config).await?,
            stripe: Client::from_env()?,
            api_key: Parameter::from_env(&config, "STRIPE_API_KEY_PARAMETER")?,
            secrets: Parameter::from_env(&config, "STRIPE_WEBHOOK_SECRET_PARAMETER")?,
            prices: env::var("STRIPE_PRICES").unwrap_or_default().parse()?,
        })
    }

    /// Brings the account of a subject in line with it. If Stripe doesn't accept the key, it may have been rotated, so it is
    /// read again, once.
    pub(crate) async fn apply(
        &self,
        subject: Subject,
        cause: &Cause,
        deadline: Instant,
    ) -> Result<Report, Problem> {
        let api = self.stripe.api(&self.api_key.value().await?, deadline);
        let mut result = self.apply_with(&api, subject.clone(), cause).await;
        if matches!(result, Err(Failure::Stripe(scrip_stripe::Error::Unauthenticated)))
            && let Some(key) = self.api_key.read_again().await?
        {
            result = self.apply_with(&self.stripe.api(&key, deadline), subject.clone(), cause).await;
        }
        match result {
            Ok(report) => {
                if report.disposition == Disposition::Parked && !cause.is_dry_run {
                    log_parked(&subject, cause, &report);
                }
                Ok(report)
            }
            Err(Failure::Foreign) => Ok(Disposition::Ignored.into()),
            Err(failure) => Err(problem(failure)),
        }
    }

    async fn apply_with(&self, api: &Api<'_>, subject: Subject, cause: &Cause) -> Result<Report, Failure> {
        let application = Application { ledger: &self.ledger, api, configured: &self.prices, cause };
        application.apply(subject).await
    }
}

/// Logs a parked payment by its ids. The reason is stored with the parked payment, not logged, because it may quote
/// metadata.
fn log_parked(subject: &Subject, cause: &Cause, report: &Report) {
    let (kind, id) = subject.name();
    let event_id = cause.event_id.as_ref().map(EventId::as_str);
    let account_id = report.account_id.as_ref().map(AccountId::as_str);
    tracing::error!(event_id, object = kind, object_id = id, account_id, "payment parked");
}
