//! `POST /v1/accounts/{account_id}/debits`: prices an operation and takes the credits, once.

use chrono::{DateTime, Utc};
use lambda_http::http::{StatusCode, header};
use scrip_accounts::{Account, AccountId, Debit, DebitId, DebitOutcome, DebitRequest};
use scrip_api::{ApiRequest, ApiResponse, DebitBody, Problem, Scope};
use scrip_ledger::{Ledger, Receipt};
use scrip_pricing::Credits;

use crate::spending_metrics::spending_metrics;

/// Takes the credits of an operation.
pub(crate) async fn debit(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Debit)?;
    let id: DebitId = request.idempotency_key()?;
    let body: DebitRequest = request.json()?;
    let debit = Debit { id, request: body };
    if debit.request.is_free() {
        return answer_free(ledger, &account_id, &debit, request.now()).await;
    }
    answer_taken(&account_id, &debit.id, &ledger.execute(&account_id, &debit, request.now()).await?)
}

/// Answers a debit of a free operation. It writes no entry, so a retry is answered as of its own time. If the key has taken
/// credits before, that debit is the answer.
async fn answer_free(
    ledger: &Ledger,
    account_id: &AccountId,
    debit: &Debit,
    now: DateTime<Utc>,
) -> Result<ApiResponse, Problem> {
    if let Some(receipt) = ledger.find_receipt(account_id, debit, now).await? {
        return answer_taken(account_id, &debit.id, &receipt);
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
    // There is no entry, so there is no `Location`.
    Ok(ApiResponse::json(StatusCode::CREATED, &body)?
        .outcome("free")
        .attempted(Some(1))
        .about(operation.name()))
}

/// Answers a debit that took credits, now or at an earlier request.
fn answer_taken(
    account_id: &AccountId,
    id: &DebitId,
    receipt: &Receipt<DebitOutcome>,
) -> Result<ApiResponse, Problem> {
    let body = DebitBody::new(account_id, id, &receipt.outcome);
    let operation = body.operation.name();
    let metrics = if receipt.is_replayed { Vec::new() } else { spending_metrics(operation, body.credits) };
    Ok(created(&body)?.receipt("debited", receipt).about(operation).counting(metrics))
}

fn created(body: &DebitBody<'_>) -> Result<ApiResponse, Problem> {
    let location =
        scrip_api::path(&["v1", "accounts", body.account_id.as_str(), "debits", body.debit_id.as_str()]);
    Ok(ApiResponse::json(StatusCode::CREATED, body)?.header(header::LOCATION, &location))
}
