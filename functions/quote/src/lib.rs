//! What work costs and what an account has. Reads only, and without an account not even that.

mod account;
mod catalog;
mod entries;
mod page;
mod purchases;
mod quotes;

use lambda_http::{Body, Request, Response};
use ledger::Ledger;
use runtime::Call;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 6] = [CATALOG, QUOTE, ACCOUNT_QUOTE, ACCOUNT, ENTRIES, PURCHASES];

const CATALOG: &str = "GET /v1/catalog";
const QUOTE: &str = "POST /v1/quotes";
const ACCOUNT_QUOTE: &str = "POST /v1/accounts/{account_id}/quotes";
const ACCOUNT: &str = "GET /v1/accounts/{account_id}";
const ENTRIES: &str = "GET /v1/accounts/{account_id}/entries";
const PURCHASES: &str = "GET /v1/accounts/{account_id}/purchases";

/// Answers a request of one of the routes.
pub async fn handle(ledger: &Ledger, request: Request) -> Response<Body> {
    let call = Call::new(request);
    let result = match call.route() {
        CATALOG => catalog::show(&call),
        QUOTE => quotes::price(&call),
        ACCOUNT_QUOTE => quotes::price_for_account(ledger, &call).await,
        ACCOUNT => account::show(ledger, &call).await,
        ENTRIES => entries::list(ledger, &call).await,
        PURCHASES => purchases::list(ledger, &call).await,
        _ => Err(call.no_such_route()),
    };
    call.finish(result, ledger.take_usage())
}
