//! `POST /v1/accounts/{account_id}/debits`: prices an operation and takes the credits, once.

use accounts::{Account, AccountId, Debit, DebitId, Entry, Event, debit};
use chrono::{DateTime, Utc};
use lambda_http::{
    Body, Request, Response,
    http::{StatusCode, header},
};
use ledger::{Ledger, Outcome, Related, RequestHash};
use pricing::{Credits, Operation};
use runtime::{Answer, Call, Metric, Problem, Scope};
use serde::Serialize;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 1] = [DEBIT];

const DEBIT: &str = "POST /v1/accounts/{account_id}/debits";

/// Answers a request of the route.
pub async fn handle(ledger: &Ledger, request: Request) -> Response<Body> {
    let call = Call::new(request);
    let result = match call.route() {
        DEBIT => take(ledger, &call).await,
        _ => Err(call.no_such_route()),
    };
    call.finish(result, ledger.take_usage())
}

async fn take(ledger: &Ledger, call: &Call) -> Result<Answer, Problem> {
    let account = call.authorized_account(Scope::Debit)?;
    let id: DebitId = call.idempotency_key()?;
    let debit: Debit = call.json()?;
    let now = call.now();

    let identity = (&ledger::Operation::Debit(id.clone()), &RequestHash::of(&debit)?);
    let executed = ledger
        .execute(&account, identity, Related::Nothing, now, |state| {
            debit::decide(&state.account, &id, &debit, now)
        })
        .await?;
    let (entry, replayed) = match executed.outcome {
        Outcome::Appended(entry) => (entry, false),
        Outcome::Replayed(entry) => (entry, true),
        Outcome::Unchanged(unchanged) => {
            let body = TakenBody::free((&account, &id), &debit.operation, &unchanged, now);
            let answer = created(&body)?.executed("free", executed.attempts, false);
            return Ok(answer.about(debit.operation.name()));
        }
        Outcome::Recorded(_) => return Err(Problem::internal("a debit without an entry")),
        Outcome::Refused(refusal) => return Err(Problem::from(refusal).attempted(executed.attempts)),
    };
    let outcome = if replayed { "replayed" } else { "debited" };
    let body = TakenBody::of((&account, &id), &entry)?;
    let operation = body.operation.name();
    let spent = if replayed { Vec::new() } else { spent(operation, body.credits) };
    let answer = created(&body)?.executed(outcome, executed.attempts, replayed);
    Ok(answer.about(operation).counting(spent))
}

/// A debit as it is counted.
fn spent(operation: &'static str, credits: Credits) -> Vec<Metric> {
    let kinds = [
        ("playground", credits.playground()),
        ("tune", credits.tune()),
        ("tune_image", credits.tune_image()),
    ];
    let of_kinds = kinds
        .into_iter()
        .filter(|(_, credits)| *credits > 0)
        .map(|(kind, credits)| Metric::credits_spent(kind, operation, credits));
    [Metric::debit(operation)].into_iter().chain(of_kinds).collect()
}

/// What was taken. What cost something is read off its entry, so that a retry gets the same body forever.
#[derive(Serialize)]
struct TakenBody<'a> {
    debit_id: &'a DebitId,
    account_id: &'a AccountId,
    operation: &'a Operation,
    credits: Credits,
    balance: Credits,
    sequence: u64,
    deferred_images: u64,
    created_at: DateTime<Utc>,
}

impl<'a> TakenBody<'a> {
    fn of((account_id, debit_id): (&'a AccountId, &'a DebitId), entry: &'a Entry) -> Result<Self, Problem> {
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

    /// Of work that is free: nothing is written, so a retry is answered as of its own moment.
    fn free(
        (account_id, debit_id): (&'a AccountId, &'a DebitId),
        operation: &'a Operation,
        account: &Account,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            debit_id,
            account_id,
            operation,
            credits: Credits::ZERO,
            balance: account.balance,
            sequence: account.sequence.get(),
            deferred_images: 0,
            created_at: now,
        }
    }
}

fn created(body: &TakenBody<'_>) -> Result<Answer, Problem> {
    let location =
        runtime::path(&["v1", "accounts", body.account_id.as_str(), "debits", body.debit_id.as_str()]);
    Ok(Answer::json(StatusCode::CREATED, body)?.header(header::LOCATION, &location))
}
