//! `POST /v1/accounts/{account_id}/adjustments`: support gives or takes credits, with a reason.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{AccountId, Adjustment, AdjustmentId, Change, Reason};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::Ledger;
use scrip_pricing::Credits;
use serde::Serialize;

/// Adjusts an account.
pub(crate) async fn adjust(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Adjust)?;
    let by = request.caller_id()?;
    let id: AdjustmentId = request.idempotency_key()?;
    let adjustment = Adjustment { id, by, request: request.json()? };

    let receipt = ledger.execute(&account_id, &adjustment, request.now()).await?;

    let outcome = &receipt.outcome;
    let body = AdjustmentBody {
        adjustment_id: &adjustment.id,
        account_id: &account_id,
        credits: outcome.credits,
        reason: &adjustment.request.reason,
        balance: outcome.balance,
        sequence: outcome.sequence.get(),
        created_at: outcome.at,
    };
    Ok(ApiResponse::json(StatusCode::CREATED, &body)?.receipt("adjusted", &receipt))
}

/// The body of an adjustment. The reason is the request's, which is the same in every retry; all else comes from the entry.
#[derive(Serialize)]
struct AdjustmentBody<'a> {
    adjustment_id: &'a AdjustmentId,
    account_id: &'a AccountId,
    credits: Change,
    reason: &'a Reason,
    balance: Credits,
    sequence: u64,
    created_at: DateTime<Utc>,
}
