//! `GET /v1/accounts/{account_id}/holds/{hold_id}`: a hold as it was answered, and its status now.

use lambda_http::http::StatusCode;
use scrip_accounts::{HoldId, Refusal};
use scrip_api::{ApiRequest, ApiResponse, HoldBody, Problem, Scope};
use scrip_ledger::{HoldState, Ledger};
use scrip_pricing::Credits;
use serde::Serialize;

#[derive(Serialize)]
struct HoldStatusBody<'a> {
    #[serde(flatten)]
    hold: HoldBody<'a>,
    /// The credits that the capture took.
    captured: Credits,
    /// The credits that came back when the hold ended.
    returned: Credits,
    /// The credits that came back by reversals after the capture.
    reversed: Credits,
}

/// Shows a hold.
pub(crate) async fn show(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Read)?;
    let hold_id: HoldId = request.path_id("hold_id")?;
    let hold = ledger.hold(&account_id, &hold_id).await?.ok_or(Refusal::HoldNotFound)?;
    let state = hold.state(request.now());
    let (captured, returned) = match (&hold.settlement, state) {
        (Some(settlement), _) => (settlement.captured, settlement.returned),
        (None, HoldState::Expired) => (Credits::ZERO, hold.outcome.credits),
        (None, _) => (Credits::ZERO, Credits::ZERO),
    };
    let body = HoldStatusBody {
        hold: HoldBody::new(&account_id, &hold_id, state, &hold.outcome),
        captured,
        returned,
        reversed: hold.reversed,
    };
    ApiResponse::json(StatusCode::OK, &body)
}
