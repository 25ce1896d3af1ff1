//! `POST /v1/accounts/{account_id}/holds/{hold_id}/capture` and `…/release`: takes what the work used of a hold, and
//! gives the rest back, once.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{AccountId, HoldId, Settlement, SettlementOutcome, SettlementRequest, SettlementStatus};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::{Ledger, Receipt};
use scrip_pricing::{Credits, Operation};
use serde::Serialize;

use crate::spending_metrics::spending_metrics;

/// Captures a hold: takes the credits that the work used, and gives the rest back.
pub(crate) async fn capture(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    settle(ledger, request, |request| request.json().map(SettlementRequest::Capture)).await
}

/// Releases a hold: gives all credits back.
pub(crate) async fn release(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    settle(ledger, request, |request| request.json().map(SettlementRequest::Release)).await
}

async fn settle(
    ledger: &Ledger,
    request: &ApiRequest,
    read: impl FnOnce(&ApiRequest) -> Result<SettlementRequest, Problem>,
) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Settle)?;
    let hold_id: HoldId = request.path_id("hold_id")?;
    let settlement = Settlement { hold_id, request: read(request)? };

    let receipt = ledger.execute(&account_id, &settlement, request.now()).await?;

    answer(&account_id, &settlement.hold_id, &receipt)
}

/// Answers a capture or release that was made, now or at an earlier request. All of the body comes from the entry, so a retry
/// always gets the same body.
fn answer(
    account_id: &AccountId,
    hold_id: &HoldId,
    receipt: &Receipt<SettlementOutcome>,
) -> Result<ApiResponse, Problem> {
    let outcome = &receipt.outcome;
    let body = SettlementBody {
        hold_id,
        account_id,
        status: outcome.status,
        operation: outcome.operation.as_ref(),
        captured: outcome.captured,
        returned: outcome.returned,
        offset: outcome.offset,
        balance: outcome.balance,
        sequence: outcome.sequence.get(),
        created_at: outcome.at,
    };
    let answer = ApiResponse::json(StatusCode::OK, &body)?;
    Ok(match &outcome.operation {
        Some(operation) => {
            let operation = operation.name();
            let metrics =
                if receipt.is_replayed { Vec::new() } else { spending_metrics(operation, outcome.captured) };
            answer.receipt("captured", receipt).about(operation).counting(metrics)
        }
        None => answer.receipt("released", receipt),
    })
}

#[derive(Serialize)]
struct SettlementBody<'a> {
    hold_id: &'a HoldId,
    account_id: &'a AccountId,
    status: SettlementStatus,
    /// The operation that was captured, with the number of images or prompts; left out for a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a Operation>,
    captured: Credits,
    /// The credits that came back, the offset included.
    returned: Credits,
    /// The part of them that was set against credits that the account owes.
    offset: Credits,
    balance: Credits,
    sequence: u64,
    created_at: DateTime<Utc>,
}
