//! `POST /v1/webhooks/stripe`: the payment provider's events (contract, section 5).
//!
//! An event says that something changed; Stripe's API says what is. Of an event only its signature, type and ids are
//! used. Its subject is read from the API and the account is brought in line with it, so late, repeated, reordered
//! and lost events end in the same account. Money is never taken in silence: what is paid and can't be granted is
//! parked.

mod apply;
mod disposition;
mod look;
mod recover;
mod subject;

use std::{env, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use lambda_http::{
    Body, Error, LambdaEvent, Request, Response,
    http::{HeaderName, StatusCode},
};
use scrip_accounts::{AccountId, EventId};
use scrip_api::{
    ApiRequest, ApiResponse, Code, Invocation, InvocationAnswer, Metric, Parameter, Problem, finish_command,
};
use scrip_ledger::Ledger;
use scrip_stripe::{Api, Client, ConfiguredPrices, StripeEvent, signature};
use serde_json::{json, value::RawValue};
use tokio::time::Instant;
use tracing::Instrument;

use apply::Application;
pub use recover::{Command, Recovery};

use disposition::{Disposition, Report};
use subject::Subject;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 1] = [STRIPE];

const STRIPE: &str = "POST /v1/webhooks/stripe";

/// The largest event that is read: an invoice with many lines is larger than other bodies (contract, section 1).
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long Stripe's API may take for one event in all.
const LOOK_TIME_MAX: Duration = Duration::from_secs(20);

/// The function: answers requests of [`ROUTES`], and carries out a [`Command`].
#[derive(Debug)]
pub struct WebhookFunction {
    /// Where accounts are kept.
    pub ledger: Ledger,
    /// Stripe's API.
    pub stripe: Client,
    /// The key that it is called with.
    pub api_key: Parameter,
    /// The signing secrets: one or more, comma-separated.
    pub secrets: Parameter,
    /// The SKUs of prices.
    pub prices: ConfiguredPrices,
}

/// Why a subject wasn't brought in line.
#[derive(Debug)]
enum Failure {
    /// Stripe's API didn't say what was asked.
    Stripe(scrip_stripe::Error),
    /// It is nothing of ours.
    Foreign,
    /// The records were written again and again while the provider was read.
    Outdated,
    /// Anything else.
    Problem(Problem),
}

impl From<scrip_stripe::Error> for Failure {
    fn from(error: scrip_stripe::Error) -> Self {
        Self::Stripe(error)
    }
}

impl From<scrip_ledger::Error> for Failure {
    fn from(error: scrip_ledger::Error) -> Self {
        Self::Problem(error.into())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// An event or a command, as its subjects are applied for it.
#[derive(Debug, Clone)]
struct Cause {
    now: DateTime<Utc>,
    /// The event; a command has none.
    event_id: Option<EventId>,
    /// How old it is; a command does not wait.
    age: Option<TimeDelta>,
    /// Whether nothing is written.
    is_dry_run: bool,
    /// Whether every invoice of a subscription is looked at.
    is_thorough: bool,
}

impl WebhookFunction {
    /// With the table, Stripe's API, the parameters and the prices that the environment names. `STRIPE_PRICES` is a JSON
    /// object of price ids, each with a SKU or null; without it there are none.
    ///
    /// # Errors
    /// If a variable isn't set or is malformed.
    pub async fn from_env() -> Result<Self, Error> {
        let config = scrip_api::aws_config().await?;
        Ok(Self {
            ledger: scrip_api::ledger(&config).await?,
            stripe: Client::from_env()?,
            api_key: Parameter::from_env(&config, "STRIPE_API_KEY_PARAMETER")?,
            secrets: Parameter::from_env(&config, "STRIPE_WEBHOOK_SECRET_PARAMETER")?,
            prices: env::var("STRIPE_PRICES").unwrap_or_default().parse()?,
        })
    }

    /// Handles an invocation.
    ///
    /// # Errors
    /// If the event can't be read, or its command can't be carried out now: Lambda invokes the function again.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<InvocationAnswer, Error> {
        match Invocation::parse(event)? {
            Invocation::Http(request) => Ok(self.answer(*request).await.into()),
            Invocation::Command(command, context) => {
                let started = std::time::Instant::now();
                let result = self.recover(&command).await;
                finish_command("recover", &context, started, result, self.ledger.take_usage())
            }
        }
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        let result = self.route(&request).instrument(request.span()).await;
        request.finish(result, self.ledger.take_usage())
    }

    async fn route(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        match request.route() {
            STRIPE => self.receive(request).await,
            _ => Err(request.no_such_route()),
        }
    }

    async fn receive(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        let body = request.body_up_to(BODY_BYTES_MAX)?;
        let now = request.now();
        self.check_signature(request, body, now).await?;
        let event = StripeEvent::parse(body)
            .map_err(|why| Problem::invalid(format!("The body is no event: {why}.")))?;
        let event_id = EventId::parse(event.id.as_str())
            .map_err(|invalid| Problem::invalid(format!("The event's id {invalid}.")))?;
        let report = self.apply_event(&event, event_id.clone(), now).await?;
        answer(event_id, report)
    }

    async fn apply_event(
        &self,
        event: &StripeEvent,
        event_id: EventId,
        now: DateTime<Utc>,
    ) -> Result<Report, Problem> {
        // An event with an account is that merchant's, who is connected to this one.
        let subject = if event.account.is_some() { None } else { Subject::of(event) };
        let Some(subject) = subject else { return Ok(Disposition::Ignored.into()) };
        let age = Some(now.signed_duration_since(event.created));
        let cause = Cause { now, event_id: Some(event_id), age, is_dry_run: false, is_thorough: false };
        self.apply(subject, &cause, Instant::now() + LOOK_TIME_MAX).await
    }

    async fn check_signature(
        &self,
        request: &ApiRequest,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let header = request.header(&HeaderName::from_static("stripe-signature")).unwrap_or_default();
        let check = |secrets: &str| {
            let secrets: Vec<_> = secrets.split(',').map(|secret| secret.trim().to_owned()).collect();
            signature::is_valid(header, body, &secrets, now)
        };
        if check(&self.secrets.value().await?) {
            return Ok(());
        }
        // The secret may have been rotated since it was read.
        match self.secrets.read_again().await? {
            Some(secrets) if check(&secrets) => Ok(()),
            _ => Err(Problem::new(
                Code::InvalidSignature,
                "Stripe-Signature must sign the body as it was sent, with the endpoint's secret, within 5 minutes.",
            )),
        }
    }

    /// Brings an account in line with a subject. A key that isn't accepted may have been rotated: it is read again,
    /// once.
    async fn apply(&self, subject: Subject, cause: &Cause, deadline: Instant) -> Result<Report, Problem> {
        let api = self.stripe.api(&self.api_key.value().await?, deadline);
        let mut result = self.apply_by(&api, subject.clone(), cause).await;
        if matches!(result, Err(Failure::Stripe(scrip_stripe::Error::Unauthenticated)))
            && let Some(key) = self.api_key.read_again().await?
        {
            result = self.apply_by(&self.stripe.api(&key, deadline), subject.clone(), cause).await;
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

    async fn apply_by(&self, api: &Api<'_>, subject: Subject, cause: &Cause) -> Result<Report, Failure> {
        let application = Application { ledger: &self.ledger, api, configured: &self.prices, cause };
        application.apply(subject).await
    }
}

/// Why something was parked is kept with it; the log has what it takes to find it.
fn log_parked(subject: &Subject, cause: &Cause, report: &Report) {
    let (kind, id) = subject.name();
    let event_id = cause.event_id.as_ref().map(EventId::as_str);
    let account_id = report.account_id.as_ref().map(AccountId::as_str);
    tracing::error!(event_id, object = kind, object_id = id, account_id, "payment parked");
}

/// What the caller gets if Stripe or the ledger can't be had. The permission that a key lacks is named in the log, the
/// key never.
fn problem(failure: Failure) -> Problem {
    match failure {
        Failure::Problem(problem) => problem,
        Failure::Foreign | Failure::Outdated => {
            Problem::try_again("the records changed while Stripe was read")
        }
        Failure::Stripe(error @ scrip_stripe::Error::Unreadable { .. }) => {
            Problem::internal(error.to_string())
        }
        Failure::Stripe(error) => {
            if let scrip_stripe::Error::Forbidden { permission } = &error {
                tracing::error!(permission, "the API key lacks a permission");
                scrip_api::count(&[Metric::stripe_key_refused()]);
            } else if matches!(error, scrip_stripe::Error::Unauthenticated) {
                tracing::error!("Stripe doesn't accept the API key");
                scrip_api::count(&[Metric::stripe_key_refused()]);
            }
            Problem::try_again(format!("Stripe's API: {error}"))
        }
    }
}

fn answer(event_id: EventId, report: Report) -> Result<ApiResponse, Problem> {
    let outcome = report.disposition.as_str();
    if report.disposition == Disposition::Retry {
        tracing::info!(event_id = event_id.as_str(), "event waits for its account");
        scrip_api::count(&[Metric::webhook_event(outcome)]);
        return Err(Problem::new(
            Code::NotYet,
            "No account is known for this payment yet. Send the event again; name the account in metadata.account_id.",
        ));
    }
    let parked = (report.disposition == Disposition::Parked).then(Metric::parked_event);
    let answer = ApiResponse::json(StatusCode::OK, &json!({"outcome": outcome}))?.outcome(outcome);
    let answer = answer.of_event(event_id, report.account_id).attempted(report.attempts);
    Ok(answer.counting([Metric::webhook_event(outcome)]).counting(parked))
}
