//! What is given back: credits of work that failed, and the money of a purchase.

mod money_back;
mod pending;
mod provider;
mod reversal;

use lambda_http::{Body, Error, Request, Response};
use ledger::Ledger;
use runtime::Call;

pub use provider::Provider;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 2] = [REVERSAL, MONEY_BACK];

const REVERSAL: &str = "POST /v1/accounts/{account_id}/debits/{debit_id}/reversals";
const MONEY_BACK: &str = "POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund";
/// The route of the hourly schedule: the gateway has none of this name, so only who may invoke the function
/// itself gets here.
const SWEEP: &str = "SWEEP pending-refunds";

/// Answers a request of one of the routes.
///
/// # Errors
/// Where the schedule's sweep failed: there, nobody reads an answer, and Lambda calls again.
pub async fn handle(ledger: &Ledger, provider: &Provider, request: Request) -> Result<Response<Body>, Error> {
    let call = Call::new(request);
    let result = match call.route() {
        REVERSAL => reversal::reverse(ledger, &call).await,
        MONEY_BACK => money_back::refund(ledger, provider, &call).await,
        SWEEP => pending::sweep(ledger, provider, &call).await,
        _ => Err(call.no_such_route()),
    };
    let failed = match &result {
        Err(problem) if call.route() == SWEEP => Some(problem.code().as_str()),
        _ => None,
    };
    let response = call.finish(result, ledger.take_usage());
    failed.map_or(Ok(response), |code| Err(format!("the sweep of pending refunds failed: {code}").into()))
}
