//! `POST /v1/webhooks/stripe`: the payment provider's events (docs/rules.md, Stripe's events).
//!
//! An event only says that an object changed: its signature, type and ids are used, nothing else. The object is read
//! from Stripe's API and the account is brought in line with it, so late, repeated, reordered and lost events lead to
//! the same account. A payment that can't be granted is parked, never dropped.

mod apply;
mod disposition;
mod failure;
mod findings;
mod records;
mod recover;
mod stripe_reader;
mod subject;
mod webhook;

use std::time::Duration;

use chrono::{DateTime, Utc};
use lambda_http::{
    Body, Error, LambdaEvent, Request, Response,
    http::{HeaderName, StatusCode},
};
use scrip_accounts::EventId;
use scrip_api::{ApiRequest, ApiResponse, Code, Invocation, InvocationAnswer, Metric, Problem};
use scrip_stripe::{StripeEvent, signature};
use serde_json::{json, value::RawValue};
use tokio::time::Instant;

use apply::Cause;
use disposition::{Disposition, Report};
use subject::Subject;

pub use recover::{Command, Recovery};
pub use webhook::WebhookFunction;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 1] = [STRIPE];

const STRIPE: &str = "POST /v1/webhooks/stripe";

/// The largest event that is read, in bytes. An invoice with many lines is larger than other bodies.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long all calls to Stripe's API for one event may take together.
const EVENT_TIME_MAX: Duration = Duration::from_secs(20);

impl WebhookFunction {
    /// Handles an invocation.
    ///
    /// # Errors
    /// If the event is neither a request nor a command, or the command can't be carried out now. Lambda invokes the
    /// function again then.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<InvocationAnswer, Error> {
        match Invocation::parse(event)? {
            Invocation::Http(request) => Ok(self.answer(*request).await.into()),
            Invocation::Command(invocation) => {
                invocation.answer(&self.ledger, async |command| self.recover(&command).await).await
            }
        }
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        request.answer(&self.ledger, self.route(&request)).await
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
        request.span().record("event_id", event_id.as_str());
        let report = self.apply_event(&event, event_id.clone(), now).await?;
        answer(event_id, report)
    }

    async fn apply_event(
        &self,
        event: &StripeEvent,
        event_id: EventId,
        now: DateTime<Utc>,
    ) -> Result<Report, Problem> {
        // An event with an `account` belongs to a connected merchant, not to us.
        let subject = if event.account.is_some() { None } else { Subject::of(event) };
        let Some(subject) = subject else { return Ok(Disposition::Ignored.into()) };
        let age = Some(now.signed_duration_since(event.created));
        let cause = Cause { now, event_id: Some(event_id), age, is_dry_run: false, is_thorough: false };
        self.apply(subject, &cause, Instant::now() + EVENT_TIME_MAX).await
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
