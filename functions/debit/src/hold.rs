//! `POST /v1/accounts/{account_id}/holds`: prices an operation and sets the credits aside for a while.

use lambda_http::http::{HeaderName, StatusCode, header};
use scrip_accounts::{Hold, HoldId};
use scrip_api::{ApiRequest, ApiResponse, HoldBody, Problem, Scope};
use scrip_ledger::{HoldState, Ledger};

/// Sets aside the credits of an operation.
pub(crate) async fn hold(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Debit)?;
    let id: HoldId = request.idempotency_key()?;
    let hold = Hold { id, request: request.json()? };

    let receipt = ledger.execute(&account_id, &hold, request.now()).await?;

    let body = HoldBody::new(&account_id, &hold.id, HoldState::Held, &receipt.outcome);
    let location = scrip_api::path(&["v1", "accounts", account_id.as_str(), "holds", hold.id.as_str()]);
    let answer = ApiResponse::json(StatusCode::CREATED, &body)?
        .header(header::LOCATION, &location)
        .receipt("held", &receipt)
        .about(receipt.outcome.operation.name());
    if !receipt.is_replayed {
        return Ok(answer);
    }
    // The body is that of the first answer. The header has the hold's status now, because a job that is retried under its old
    // key must not do the work for a hold that is over.
    let state = ledger.hold(&account_id, &hold.id).await?.map(|hold| hold.state(request.now()));
    Ok(match state {
        Some(state) => answer.header(HeaderName::from_static("hold-status"), state.name()),
        None => answer,
    })
}
