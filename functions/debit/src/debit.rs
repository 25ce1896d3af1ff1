//! `POST /v1/accounts/{account_id}/debits`: prices an operation and takes the credits, once.

use chrono::{DateTime, Utc};
use lambda_http::http::{StatusCode, header};
use scrip_accounts::{Account, AccountId, Debit, DebitId, DebitOutcome, DebitRequest};
use scrip_api::{ApiRequest, ApiResponse, DebitBody, Problem, Scope};
use scrip_ledger::{Ledger, Receipt};
use scrip_pricing::Credits;

use crate::spent::spent;

/// Takes the credits of work.
pub(crate) async fn debit(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Debit)?;
    let id: DebitId = request.idempotency_key()?;
    let body: DebitRequest = request.json()?;
    let debit = Debit { id, request: body };
    if debit.request.is_free() {
        return free(ledger, &account_id, &debit, request.now()).await;
    }
    taken(&account_id, &debit.id, &ledger.execute(&account_id, &debit, request.now()).await?)
}

/// Work that is free is not written down, so a retry is answered as of its own moment; but a key that took credits
/// keeps its answer.
async fn free(
    ledger: &Ledger,
    account_id: &AccountId,
    debit: &Debit,
    now: DateTime<Utc>,
) -> Result<ApiResponse, Problem> {
    if let Some(receipt) = ledger.find_receipt(account_id, debit, now).await? {
        return taken(account_id, &debit.id, &receipt);
    }
    let account = ledger.account(account_id).await?;
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
        low: &[],
    };
    // Nothing is written, so there is no place that a `Location` could name.
    Ok(ApiResponse::json(StatusCode::CREATED, &body)?
        .outcome("free")
        .attempted(Some(1))
        .about(operation.name()))
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

fn created(body: &DebitBody<'_>) -> Result<ApiResponse, Problem> {
    let location =
        scrip_api::path(&["v1", "accounts", body.account_id.as_str(), "debits", body.debit_id.as_str()]);
    Ok(ApiResponse::json(StatusCode::CREATED, body)?.header(header::LOCATION, &location))
}
