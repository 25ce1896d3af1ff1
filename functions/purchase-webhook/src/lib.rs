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

use accounts::EventId;
use chrono::{DateTime, TimeDelta, Utc};
use lambda_http::{
    Body, Error, Request, Response,
    http::{HeaderName, StatusCode},
};
use ledger::Ledger;
use runtime::{Answer, Call, Code, Metric, Parameter, Problem};
use serde_json::json;
use stripe::{Api, Client, ConfiguredPrices, StripeEvent, signature};
use tokio::time::Instant;

use apply::Application;
use disposition::{Disposition, Report};
use subject::Subject;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 1] = [STRIPE];

const STRIPE: &str = "POST /v1/webhooks/stripe";
/// The route of the recovery command and of the daily schedule: the gateway has none of this name, so only who may
/// invoke the function itself gets here.
const RECOVER: &str = "RECOVER payments";

/// The largest event that is read: an invoice with many lines is larger than other bodies (contract, section 1).
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long Stripe's API may take for one event in all.
const LOOK_TIME_MAX: Duration = Duration::from_secs(20);

/// The function's clients and configuration.
#[derive(Debug)]
pub struct Webhook {
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

/// Reads the variable `STRIPE_PRICES`, a JSON object of price ids, each with a SKU or null; empty if it isn't set.
///
/// # Errors
/// If it is set and isn't that.
pub fn prices_from_env() -> Result<ConfiguredPrices, Error> {
    Ok(env::var("STRIPE_PRICES").unwrap_or_default().parse()?)
}

/// Why a subject wasn't brought in line.
#[derive(Debug)]
enum Failure {
    /// Stripe's API didn't say what was asked.
    Stripe(stripe::Error),
    /// It is nothing of ours.
    Foreign,
    /// The records were written again and again while the provider was read.
    Outdated,
    /// Anything else.
    Problem(Problem),
}

impl From<stripe::Error> for Failure {
    fn from(error: stripe::Error) -> Self {
        Self::Stripe(error)
    }
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
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

impl Webhook {
    /// Answers a request of the route.
    ///
    /// # Errors
    /// If a recovery can't be carried out now: nobody reads the schedule's answer, and Lambda calls again.
    pub async fn handle(&self, request: Request) -> Result<Response<Body>, Error> {
        let call = Call::new(request);
        let result = match call.route() {
            STRIPE => self.receive(&call).await,
            RECOVER => self.recover(&call).await,
            _ => Err(call.no_such_route()),
        };
        let failed = match &result {
            Err(problem) if call.route() == RECOVER && problem.code().status() >= 500 => {
                Some(problem.code().as_str())
            }
            _ => None,
        };
        let response = call.finish(result, self.ledger.take_usage());
        failed.map_or(Ok(response), |code| Err(format!("the recovery failed: {code}").into()))
    }

    async fn receive(&self, call: &Call) -> Result<Answer, Problem> {
        let body = call.body_up_to(BODY_BYTES_MAX)?;
        let now = call.now();
        self.check_signature(call, body, now).await?;
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

    async fn check_signature(&self, call: &Call, body: &[u8], now: DateTime<Utc>) -> Result<(), Problem> {
        let header = call.header(&HeaderName::from_static("stripe-signature")).unwrap_or_default();
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
        if matches!(result, Err(Failure::Stripe(stripe::Error::Unauthenticated)))
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
    runtime::event(&json!({
        "level": "error", "message": "payment parked", "event_id": cause.event_id, "object": kind, "object_id": id,
        "account_id": report.account_id,
    }));
}

/// What the caller gets if Stripe or the ledger can't be had. The permission that a key lacks is named in the log, the
/// key never.
fn problem(failure: Failure) -> Problem {
    match failure {
        Failure::Problem(problem) => problem,
        Failure::Foreign | Failure::Outdated => {
            Problem::try_again("the records changed while Stripe was read")
        }
        Failure::Stripe(error @ stripe::Error::Unreadable { .. }) => Problem::internal(error.to_string()),
        Failure::Stripe(error) => {
            if let stripe::Error::Forbidden { permission } = &error {
                runtime::counted(
                    &json!({
                        "level": "error", "message": "the API key lacks a permission", "permission": permission,
                    }),
                    &[Metric::stripe_key_refused()],
                );
            } else if matches!(error, stripe::Error::Unauthenticated) {
                runtime::counted(
                    &json!({"level": "error", "message": "Stripe doesn't accept the API key"}),
                    &[Metric::stripe_key_refused()],
                );
            }
            Problem::try_again(format!("Stripe's API: {error}"))
        }
    }
}

fn answer(event_id: EventId, report: Report) -> Result<Answer, Problem> {
    let outcome = report.disposition.as_str();
    if report.disposition == Disposition::Retry {
        let line = json!({"level": "info", "message": "event waits for its account", "event_id": event_id});
        runtime::counted(&line, &[Metric::webhook_event(outcome)]);
        return Err(Problem::new(
            Code::NotYet,
            "No account is known for this payment yet. Send the event again; name the account in metadata.account_id.",
        ));
    }
    let parked = (report.disposition == Disposition::Parked).then(Metric::parked_event);
    let answer = Answer::json(StatusCode::OK, &json!({"outcome": outcome}))?.outcome(outcome);
    let answer = answer.of_event(event_id, report.account_id).attempted(report.attempts);
    Ok(answer.counting([Metric::webhook_event(outcome)]).counting(parked))
}
