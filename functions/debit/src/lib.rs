//! `POST /v1/accounts/{account_id}/debits`: prices an operation and takes the credits, once.

use chrono::{DateTime, Utc};
use lambda_http::{
    Body, Error, Request, Response,
    http::{StatusCode, header},
};
use scrip_accounts::{Account, AccountId, Debit, DebitId, DebitOutcome, DebitRequest};
use scrip_api::{ApiRequest, ApiResponse, DebitBody, Metric, Problem, Scope};
use scrip_ledger::{Ledger, Receipt};
use scrip_pricing::Credits;

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
        let account_id = request.authorized_account(Scope::Debit)?;
        let id: DebitId = request.idempotency_key()?;
        let body: DebitRequest = request.json()?;
        let debit = Debit { id, request: body };
        if debit.request.is_free() {
            return self.free(&account_id, &debit, request.now()).await;
        }
        taken(&account_id, &debit.id, &self.ledger.execute(&account_id, &debit, request.now()).await?)
    }

    /// Work that is free is not written down, so a retry is answered as of its own moment; but a key that took credits
    /// keeps its answer.
    async fn free(
        &self,
        account_id: &AccountId,
        debit: &Debit,
        now: DateTime<Utc>,
    ) -> Result<ApiResponse, Problem> {
        if let Some(receipt) = self.ledger.find_receipt(account_id, debit, now).await? {
            return taken(account_id, &debit.id, &receipt);
        }
        let account = self.ledger.account(account_id).await?;
        let account = account.map_or_else(|| Account::unseen(now), |account| account.as_of(now));
        let operation = &debit.request.operation;
        let body = DebitBody {
            debit_id: &debit.id,
            account_id,
            operation,
            credits: Credits::ZERO,
            balance: account.balance,
            sequence: account.sequence.get(),
            deferred_images: 0,
            created_at: now,
        };
        // Nothing is written, so there is no place that a `Location` could name.
        Ok(ApiResponse::json(StatusCode::CREATED, &body)?
            .outcome("free")
            .attempted(Some(1))
            .about(operation.name()))
    }
}

/// The answer to a debit that took credits, now or before.
fn taken(
    account_id: &AccountId,
    id: &DebitId,
    receipt: &Receipt<DebitOutcome>,
) -> Result<ApiResponse, Problem> {
    let body = DebitBody::new(account_id, id, &receipt.outcome);
    let operation = body.operation.name();
    let spent = if receipt.is_replayed { Vec::new() } else { spent(operation, body.credits) };
    Ok(created(&body)?.receipt("debited", receipt).about(operation).counting(spent))
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

fn created(body: &DebitBody<'_>) -> Result<ApiResponse, Problem> {
    let location =
        scrip_api::path(&["v1", "accounts", body.account_id.as_str(), "debits", body.debit_id.as_str()]);
    Ok(ApiResponse::json(StatusCode::CREATED, body)?.header(header::LOCATION, &location))
}
