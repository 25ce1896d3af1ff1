//! `POST /v1/webhooks/stripe`: the payment provider's events (contract, section 5).
//!
//! The signature first, on the raw bytes; then what the event says, in one transaction. Events come twice,
//! late and in another order: each only adds to what is known. Money is never taken in silence: a paid event
//! that can't be granted is kept whole.

mod event;
mod signature;

use chrono::{DateTime, TimeDelta, Utc};
use credits::{
    AccountId, EventId, PaymentId, PurchaseId, RefundId, Refusal, Status, purchase, status,
    withdrawal::{self, Word},
};
use lambda_http::{
    Body, Request, Response,
    http::{HeaderName, StatusCode},
};
use ledger::{Executed, Ledger, Operation, Outcome, Parked, Related, RequestHash, State};
use runtime::{Answer, Call, Code, Parameter, Problem};
use serde_json::json;

pub use event::Prices;
use event::{Event, Said, Whom};

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 1] = [STRIPE];

const STRIPE: &str = "POST /v1/webhooks/stripe";
/// The route of a parked event that is applied once more: the gateway has none of this name, so only who may
/// invoke the function itself gets here. The body is `{"event_id":"evt_…"}`.
const REPLAY: &str = "REPLAY parked-event";

/// How long an event is sent back to wait for an earlier one; then it is parked.
const WAIT_MAX: TimeDelta = TimeDelta::hours(1);

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

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Applied,
    Duplicate,
    Ignored,
    Parked,
}

/// What an event met that was to be applied.
#[derive(Debug)]
enum Met {
    /// It says something, and this came of it.
    Became(Became),
    /// Something earlier must come first.
    NotYet(String),
    /// It can't be applied as things are.
    Stuck(String),
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
        call.finish(result)
    }

    async fn receive(&self, call: &Call) -> Result<Answer, Problem> {
        let body = call.body()?;
        let now = call.now();
        self.check_signature(call, body, now).await?;
        self.apply(body, now).await
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
        self.apply(parked.body.as_bytes(), call.now()).await
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

    async fn apply(&self, body: &[u8], now: DateTime<Utc>) -> Result<Answer, Problem> {
        let event: Event = serde_json::from_slice(body)
            .map_err(|error| Problem::invalid(format!("The body is no event: {error}.")))?;
        let at = event.at().ok_or_else(|| Problem::invalid("The event's created is no time."))?;
        let (whom, said) = event.read(&self.prices, at);
        let became = match self.act(&event, &whom, said, at, now).await? {
            Met::Became(became) => became,
            Met::NotYet(why) if now - at < WAIT_MAX => return Err(Problem::new(Code::NotYet, why)),
            Met::NotYet(why) | Met::Stuck(why) => self.park(&event, why, body, now).await?,
        };
        if became != Became::Parked {
            self.ledger.unpark_if_parked(&event.id).await?;
        }
        let outcome = match became {
            Became::Applied => "applied",
            Became::Duplicate => "duplicate",
            Became::Ignored => "ignored",
            Became::Parked => "parked",
        };
        Ok(Answer::json(StatusCode::OK, &json!({"outcome": outcome}))?.outcome(outcome))
    }

    async fn park(
        &self,
        event: &Event,
        why: String,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Became, Problem> {
        let body = String::from_utf8(body.to_vec()).map_err(|_| Problem::invalid("The body isn't UTF-8."))?;
        runtime::event(&json!({
            "level": "error", "message": "event parked", "event_id": event.id, "event_type": event.kind, "reason": why,
        }));
        let parked = Parked {
            event_id: event.id.clone(),
            event_type: event.kind.clone(),
            reason: why,
            parked_at: now,
            body,
        };
        self.ledger.park(&parked).await?;
        Ok(Became::Parked)
    }

    async fn act(
        &self,
        event: &Event,
        whom: &Whom,
        said: Said,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Met, Problem> {
        match said {
            Said::Nothing => Ok(Met::Became(Became::Ignored)),
            Said::Ungrantable(why) => Ok(Met::Stuck(why)),
            Said::Unpriced(why) => Ok(match self.account(whom).await? {
                Some(_) => Met::Stuck(why),
                None => Met::Became(Became::Ignored),
            }),
            Said::Customer(customer) => match event::account(whom) {
                Some(account) => {
                    self.ledger.own_customer(&customer, &account).await?;
                    Ok(Met::Became(Became::Applied))
                }
                None => Ok(Met::Became(Became::Ignored)),
            },
            Said::Invoice(payment, invoice) => self.link(&payment, &invoice).await,
            Said::Paid(_) if whom.account.is_some() && event::account(whom).is_none() => {
                Ok(Met::Stuck("what names the account is no account id".to_owned()))
            }
            Said::Paid(payment) => {
                let Some(account) = self.account(whom).await? else {
                    return Ok(match &whom.customer {
                        // The checkout session may say whose customer this is.
                        Some(_) if matches!(payment.buys, credits::Buys::Plan { .. }) => Met::NotYet(
                            "The event names no account, and its customer isn't known yet.".to_owned(),
                        ),
                        _ => Met::Stuck("no account is named, and the customer isn't known".to_owned()),
                    });
                };
                // Two events of one payment may name two accounts: it was granted to the first.
                let known = match &payment.payment_id {
                    Some(id) => self.ledger.payment(id).await?,
                    None => None,
                };
                if known.is_some_and(|(owner, _)| owner != account) {
                    return Ok(Met::Stuck("the payment was granted to another account".to_owned()));
                }
                let identity = (&Operation::Purchase(payment.id.clone()), &RequestHash::of(&payment.id)?);
                let decide = |state: &State| purchase::decide(&state.account, &payment, now);
                let executed = self.ledger.execute(&account, identity, Related::Nothing, now, decide).await?;
                Ok(met(executed, &event.kind))
            }
            Said::Status(change) => {
                let Some(account) = self.account(whom).await? else {
                    return Ok(Met::Became(Became::Ignored));
                };
                let decide = |state: &State| status::decide(&state.account, &change, now);
                let executed = self.ledger.apply(&account, Related::Nothing, now, decide).await?;
                match executed.outcome {
                    // Nothing is lost by not knowing that what was never paid is in order.
                    Outcome::Refused(Refusal::SubscriptionUnknown) if change.status == Status::Active => {
                        Ok(Met::Became(Became::Ignored))
                    }
                    _ => Ok(met(executed, &event.kind)),
                }
            }
            Said::Money(word, refund_id) => self.move_money(event, whom, &word, refund_id, at, now).await,
        }
    }

    async fn move_money(
        &self,
        event: &Event,
        whom: &Whom,
        word: &Word,
        refund_id: Option<RefundId>,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Met, Problem> {
        let Some(payment) = &whom.payment else { return Ok(Met::Became(Became::Ignored)) };
        let Some((account, purchase_id)) = self.ledger.payment(payment).await? else {
            // A charge says whose it is, as far as its customer is known; a dispute and a refund name only
            // the payment. Whose is not said may still be known in a moment.
            let is_charge = matches!(word, Word::Refunded { .. });
            let is_foreign = is_charge && now - at >= WAIT_MAX && self.account(whom).await?.is_none();
            return Ok(if is_foreign {
                Met::Became(Became::Ignored)
            } else {
                Met::NotYet("The payment isn't known yet.".to_owned())
            });
        };
        let related = Related::Purchase(&purchase_id);
        let decide = |state: &State| {
            withdrawal::hear(&state.account, state.purchase.as_ref(), word, at, now).map_err(|refusal| {
                match refusal {
                    // The payment's row came with the record: it is being written.
                    Refusal::PurchaseNotFound => Refusal::RefundUnknown,
                    other => other,
                }
            })
        };
        let executed = match refund_id {
            Some(refund) => {
                let identity = (&Operation::RefundFailed(refund.clone()), &RequestHash::of(&refund)?);
                self.ledger.execute(&account, identity, related, now, decide).await?
            }
            None => self.ledger.apply(&account, related, now, decide).await?,
        };
        Ok(met(executed, &event.kind))
    }

    /// Notes which payment was for an invoice, for the newer shapes in which an invoice doesn't say.
    async fn link(&self, payment: &PaymentId, invoice: &PurchaseId) -> Result<Met, Problem> {
        let is_news = self.ledger.link_payment(payment, invoice).await?;
        Ok(Met::Became(if is_news { Became::Applied } else { Became::Duplicate }))
    }

    /// The account an event is about: by name, else by its customer.
    async fn account(&self, whom: &Whom) -> Result<Option<AccountId>, Problem> {
        if let Some(account) = event::account(whom) {
            return Ok(Some(account));
        }
        match &whom.customer {
            Some(customer) => Ok(self.ledger.customer(customer).await?),
            None => Ok(None),
        }
    }
}

fn met(executed: Executed, kind: &str) -> Met {
    match executed.outcome {
        Outcome::Appended(_) | Outcome::Recorded => Met::Became(Became::Applied),
        Outcome::Replayed(_) | Outcome::Unchanged(_) => Met::Became(Became::Duplicate),
        Outcome::Refused(Refusal::RefundUnknown | Refusal::SubscriptionUnknown) => {
            Met::NotYet(format!("What {kind} speaks of isn't known yet."))
        }
        Outcome::Refused(refusal) => {
            Met::Stuck(format!("refused: {}", Problem::from(refusal).code().as_str()))
        }
    }
}
