//! `POST /v1/accounts/{account_id}/debits/{debit_id}/reversals`: gives credits back for work that failed.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{AccountId, DebitId, Reversal, ReversalId};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::Ledger;
use scrip_pricing::Credits;
use serde::Serialize;

/// Gives back credits of a debit.
pub(crate) async fn reverse(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Settle)?;
    let debit_id: DebitId = request.path_id("debit_id")?;
    let id: ReversalId = request.idempotency_key()?;
    let reversal = Reversal { id, debit_id, request: request.json()? };

    let receipt = ledger.execute(&account_id, &reversal, request.now()).await?;

    let outcome = &receipt.outcome;
    let body = ReversalBody {
        reversal_id: &reversal.id,
        debit_id: &outcome.debit_id,
        account_id: &account_id,
        credits: outcome.credits,
        offset: outcome.offset,
        balance: outcome.balance,
        sequence: outcome.sequence.get(),
        created_at: outcome.at,
    };
    Ok(ApiResponse::json(StatusCode::CREATED, &body)?.receipt("reversed", &receipt))
}

/// The body of a reversal. All of it comes from the entry, so a retry always gets the same body.
#[derive(Serialize)]
struct ReversalBody<'a> {
    reversal_id: &'a ReversalId,
    debit_id: &'a DebitId,
    account_id: &'a AccountId,
    /// The credits that came back, the offset included.
    credits: Credits,
    /// The part of them that was set against credits that the account owes.
    offset: Credits,
    balance: Credits,
    sequence: u64,
    created_at: DateTime<Utc>,
}
