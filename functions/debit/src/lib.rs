//! `POST /v1/accounts/{account_id}/debits`: prices an operation and takes the credits, once.

use chrono::{DateTime, Utc};
use lambda_http::{
    Body, Error, Request, Response,
    http::{StatusCode, header},
};
use scrip_accounts::{Account, AccountId, Debit, DebitId, Entry, Event, debit};
use scrip_api::{ApiRequest, ApiResponse, Metric, Problem, Scope};
use scrip_ledger::{Ledger, Outcome, Related, RequestHash};
use scrip_pricing::{Credits, Operation};
use serde::Serialize;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 1] = [DEBIT];

const DEBIT: &str = "POST /v1/accounts/{account_id}/debits";

/// The function: answers requests of [`ROUTES`].
#[derive(Debug)]
pub struct DebitFunction {
    ledger: Ledger,
}

impl DebitFunction {
    /// With the table that the environment names.
    ///
    /// # Errors
    /// If a variable isn't set or is malformed.
    pub async fn from_env() -> Result<Self, Error> {
        Ok(Self::new(scrip_api::ledger(&scrip_api::aws_config().await?).await?))
    }

    /// With that ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        request.answer(&self.ledger, self.route(&request)).await
    }

    async fn route(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        match request.route() {
            DEBIT => self.debit(request).await,
            _ => Err(request.no_such_route()),
        }
    }

    async fn debit(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        let account = request.authorized_account(Scope::Debit)?;
        let id: DebitId = request.idempotency_key()?;
        let debit: Debit = request.json()?;
        let now = request.now();

        let identity = (&scrip_ledger::Operation::Debit(id.clone()), &RequestHash::of(&debit)?);
        let executed = self
            .ledger
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

fn created(body: &TakenBody<'_>) -> Result<ApiResponse, Problem> {
    let location =
        scrip_api::path(&["v1", "accounts", body.account_id.as_str(), "debits", body.debit_id.as_str()]);
    Ok(ApiResponse::json(StatusCode::CREATED, body)?.header(header::LOCATION, &location))
}
