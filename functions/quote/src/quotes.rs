//! `POST /v1/quotes` and `POST /v1/accounts/{account_id}/quotes`: the price of an operation.

use lambda_http::http::StatusCode;
use scrip_accounts::{Account, Refusal};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::Ledger;
use scrip_pricing::{CATALOG, Credits, Operation, Price, Tier};
use serde::Serialize;

#[derive(Serialize)]
struct QuoteBody<'a> {
    operation: &'a Operation,
    credits: Credits,
    tier: Option<Tier>,
    catalog_version: &'static str,
    #[serde(flatten)]
    account: Option<AccountPart>,
}

/// The fields that a quote for an account has beside the price.
#[derive(Serialize)]
struct AccountPart {
    balance: Credits,
    affordable: bool,
    affordable_images: Option<u64>,
    shortfall: Credits,
    remedies: Vec<&'static str>,
    #[serde(skip_serializing_if = "is_zero")]
    deferred_images: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(images: &u64) -> bool {
    *images == 0
}

/// Prices an operation; touches no database.
pub(crate) fn price(request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let operation: Operation = request.json()?;
    let price = look_up(&operation)?;
    answer(&operation, &price, price.credits(), None)
}

/// Prices an operation for an account, as a debit would now.
pub(crate) async fn price_for_account(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let id = request.authorized_account(Scope::Read)?;
    let operation: Operation = request.json()?;
    let price = look_up(&operation)?;
    let now = request.now();
    let account = ledger.account(&id).await?.unwrap_or_else(|| Account::unseen(now));
    let quote = scrip_accounts::quote(&account, &price, now);
    let part = AccountPart {
        balance: quote.balance,
        affordable: quote.affordable,
        affordable_images: quote.affordable_images,
        shortfall: quote.shortfall,
        remedies: quote.remedies,
        deferred_images: quote.deferred_images,
    };
    answer(&operation, &price, quote.credits, Some(part))
}

fn look_up(operation: &Operation) -> Result<Price, Problem> {
    CATALOG.quote(operation).map_err(|unsupported| Refusal::Unsupported(unsupported).into())
}

fn answer(
    operation: &Operation,
    price: &Price,
    credits: Credits,
    account: Option<AccountPart>,
) -> Result<ApiResponse, Problem> {
    let body =
        QuoteBody { operation, credits, tier: price.tier(), catalog_version: CATALOG.version(), account };
    ApiResponse::json(StatusCode::OK, &body)
}
