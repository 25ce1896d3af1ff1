//! `POST /v1/webhooks/stripe`: the payment provider's events (contract, section 5).
//!
//! The signature first, on the raw bytes; then what the event says, in one transaction. Events come twice,
//! late and in another order: each only adds to what is known. Money is never taken in silence: a paid event
//! that can't be granted is kept whole.

mod act;
mod event;
#[cfg(test)]
mod hostile;
mod met;
mod signature;

use chrono::{DateTime, Utc};
use credits::EventId;
use lambda_http::{
    Body, Request, Response,
    http::{HeaderName, StatusCode},
};
use ledger::{Ledger, Parked};
use runtime::{Answer, Call, Code, Metric, Parameter, Problem};
use serde_json::json;

use event::Event;
pub use event::Prices;
use met::{Became, Done, Fate};

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 1] = [STRIPE];

const STRIPE: &str = "POST /v1/webhooks/stripe";
/// The largest event that is read: an invoice with many lines is larger than 64 KiB (contract, section 1).
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The route of a parked event that is applied once more: the gateway has none of this name, so only who may
/// invoke the function itself gets here. The body is `{"event_id":"evt_…"}`.
const REPLAY: &str = "REPLAY parked-event";

/// The function's clients and configuration.
#[derive(Debug)]
pub struct Webhook {
    /// Where accounts are kept.
    pub ledger: Ledger,
    /// The signing secrets: one or more, comma-separated.
    pub secrets: Parameter,
    /// The SKUs of prices.
    pub prices: Prices,
}

impl Webhook {
    /// Answers a request of the route.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let call = Call::new(request);
        let result = match call.route() {
            STRIPE => self.receive(&call).await,
            REPLAY => self.replay(&call).await,
            _ => Err(call.no_such_route()),
        };
        call.finish(result, self.ledger.take_usage())
    }

    async fn receive(&self, call: &Call) -> Result<Answer, Problem> {
        let body = call.body_up_to(BODY_BYTES_MAX)?;
        let now = call.now();
        self.check_signature(call, body, now).await?;
        let (event_id, done) = self.apply(body, now).await?;
        answer(event_id, done)
    }

    /// Applies a parked event once more, and forgets it where that works.
    async fn replay(&self, call: &Call) -> Result<Answer, Problem> {
        #[derive(serde::Deserialize)]
        struct Replay {
            event_id: EventId,
        }
        let Replay { event_id } = call.json()?;
        let Some(parked) = self.ledger.parked(&event_id).await? else {
            return Err(Problem::new(Code::NotFound, "No event of this id is parked."));
        };
        let (event_id, done) = self.apply(parked.body.as_bytes(), call.now()).await?;
        if done.became != Became::Parked {
            self.ledger.unpark(&event_id).await?;
        }
        answer(event_id, done)
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

    async fn apply(&self, body: &[u8], now: DateTime<Utc>) -> Result<(EventId, Done), Problem> {
        let event: Event = serde_json::from_slice(body)
            .map_err(|error| Problem::invalid(format!("The body is no event: {error}.")))?;
        let at = event.at().ok_or_else(|| Problem::invalid("The event's created is no time."))?;
        let (whom, said) = event.read(&self.prices, at);
        let done = match self.act(&whom, said, (at, now)).await?.after(now - at) {
            Fate::Answer(done) => done,
            Fate::Wait(why) => {
                let line = json!({"level": "info", "message": "event waits", "event_id": event.id});
                runtime::counted(&line, &[Metric::webhook_event("not_yet")]);
                return Err(Problem::new(Code::NotYet, why));
            }
            Fate::Park(why) => self.park(&event, why, body, now).await?,
        };
        Ok((event.id, done))
    }

    async fn park(
        &self,
        event: &Event,
        why: String,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Done, Problem> {
        let body = String::from_utf8(body.to_vec()).map_err(|_| Problem::invalid("The body isn't UTF-8."))?;
        // The reason may quote the event: it is kept, not logged.
        runtime::event(&json!({
            "level": "error", "message": "event parked", "event_id": event.id, "event_type": event.kind,
        }));
        let parked = Parked {
            event_id: event.id.clone(),
            event_type: event.kind.clone(),
            reason: why,
            parked_at: now,
            body,
        };
        self.ledger.park(&parked).await?;
        Ok(Became::Parked.into())
    }
}

fn answer(event_id: EventId, done: Done) -> Result<Answer, Problem> {
    let outcome = done.became.as_str();
    let parked = (done.became == Became::Parked).then(Metric::parked_event);
    let answer = Answer::json(StatusCode::OK, &json!({"outcome": outcome}))?.outcome(outcome);
    let answer = answer.of_event(event_id, done.account).attempted(done.attempts);
    Ok(answer.counting([Metric::webhook_event(outcome)]).counting(parked))
}
