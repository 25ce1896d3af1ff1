//! `POST /v1/accounts/{account_id}/debits`: prices an operation and takes the credits, once.

use chrono::{DateTime, Utc};
use credits::{AccountId, Debit, DebitId, Entry, Event, debit};
use lambda_http::{
    Body, Request, Response,
    http::{StatusCode, header},
};
use ledger::{Ledger, Operation, Outcome, RequestHash};
use pricing::Credits;
use runtime::{Answer, Call, Problem, Scope};
use serde::Serialize;

/// The route this function serves, as the template names it.
pub const ROUTE: &str = "POST /v1/accounts/{account_id}/debits";

/// Answers a request of the route.
pub async fn handle(ledger: &Ledger, request: Request) -> Response<Body> {
    let call = Call::new(request);
    let result = match call.route() {
        ROUTE => take(ledger, &call).await,
        _ => Err(call.no_such_route()),
    };
    call.finish(result)
}

async fn take(ledger: &Ledger, call: &Call) -> Result<Answer, Problem> {
    let account = call.account(Scope::Debit)?;
    let id: DebitId = call.idempotency_key()?;
    let debit: Debit = call.json()?;
    let now = call.now();

    let identity = (&Operation::Debit(id.clone()), &RequestHash::of(&debit)?);
    let executed = ledger
        .execute(&account, identity, None, now, |state| debit::decide(&state.account, &id, &debit, now))
        .await?;
    match executed.outcome {
        Outcome::Appended(entry) => Ok(created(&account, &id, &TakenBody::of(&account, &id, &entry)?)?
            .executed("debited", executed.attempts, false)),
        Outcome::Replayed(entry) => Ok(created(&account, &id, &TakenBody::of(&account, &id, &entry)?)?
            .executed("replayed", executed.attempts, true)),
        Outcome::Unchanged(state) => {
            let body = TakenBody {
                debit_id: &id,
                account_id: &account,
                operation: &debit.operation,
                credits: Credits::ZERO,
                balance: state.balance,
                sequence: state.sequence.get(),
                deferred_images: 0,
                created_at: now,
            };
            Ok(created(&account, &id, &body)?.executed("free", executed.attempts, false))
        }
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

/// What was taken. Everything in it is read off the entry, so that a retry gets the same body forever.
#[derive(Serialize)]
struct TakenBody<'a> {
    debit_id: &'a DebitId,
    account_id: &'a AccountId,
    operation: &'a pricing::Operation,
    credits: Credits,
    balance: Credits,
    sequence: u64,
    deferred_images: u64,
    created_at: DateTime<Utc>,
}

impl<'a> TakenBody<'a> {
    fn of(account_id: &'a AccountId, debit_id: &'a DebitId, entry: &'a Entry) -> Result<Self, Problem> {
        let Event::Debit { operation, deferred_images, .. } = &entry.event else {
            return Err(Problem::internal("the operation of a debit names an entry of another kind"));
        };
        Ok(Self {
            debit_id,
            account_id,
            operation,
            credits: entry.change.taken(),
            balance: entry.account.balance,
            sequence: entry.account.sequence.get(),
            deferred_images: *deferred_images,
            created_at: entry.at,
        })
    }
}

fn created(account: &AccountId, id: &DebitId, body: &TakenBody<'_>) -> Result<Answer, Problem> {
    let location = format!("/v1/accounts/{account}/debits/{id}");
    Ok(Answer::json(StatusCode::CREATED, body)?.header(header::LOCATION, &location))
}
