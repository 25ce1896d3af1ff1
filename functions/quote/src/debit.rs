//! `GET /v1/accounts/{account_id}/debits/{debit_id}`: a debit as it was answered, its status, and the credits that came back.

use lambda_http::http::StatusCode;
use scrip_accounts::{DebitId, Refusal};
use scrip_api::{ApiRequest, ApiResponse, DebitBody, Problem, Scope};
use scrip_ledger::{DebitStatus, Ledger};
use scrip_pricing::Credits;
use serde::Serialize;

#[derive(Serialize)]
struct DebitStatusBody<'a> {
    #[serde(flatten)]
    debit: DebitBody<'a>,
    status: &'static str,
    /// The credits that came back by reversals.
    reversed: Credits,
}

/// Shows a debit.
pub(crate) async fn show(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Read)?;
    let debit_id: DebitId = request.path_id("debit_id")?;
    let debit = ledger.debit(&account_id, &debit_id).await?.ok_or(Refusal::DebitNotFound)?;
    let body = DebitStatusBody {
        debit: DebitBody::new(&account_id, &debit_id, &debit.outcome),
        status: status(&debit),
        reversed: debit.reversed,
    };
    ApiResponse::json(StatusCode::OK, &body)
}

fn status(debit: &DebitStatus) -> &'static str {
    match debit.reversed {
        reversed if reversed.is_zero() => "taken",
        reversed if reversed == debit.outcome.credits => "reversed",
        _ => "partly_reversed",
    }
}
