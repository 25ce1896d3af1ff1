//! The quote function: prices, the catalog, balances and history of accounts, and events of new entries. It never writes, and
//! reads no table for requests that name no account.

mod account;
mod catalog;
mod debit;
mod entries;
mod events;
mod hold;
mod page;
mod purchases;
mod quotes;
mod usage;

use lambda_http::{Body, Error, LambdaEvent, Request, Response};
use scrip_api::{ApiRequest, ApiResponse, InvocationAnswer, OutboxInvocation, Problem};
use scrip_ledger::Ledger;
use serde_json::value::RawValue;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 9] =
    [CATALOG, QUOTE, ACCOUNT_QUOTE, ACCOUNT, ENTRIES, USAGE, DEBIT, HOLD, PURCHASES];

const CATALOG: &str = "GET /v1/catalog";
const QUOTE: &str = "POST /v1/quotes";
const ACCOUNT_QUOTE: &str = "POST /v1/accounts/{account_id}/quotes";
const ACCOUNT: &str = "GET /v1/accounts/{account_id}";
const ENTRIES: &str = "GET /v1/accounts/{account_id}/entries";
const USAGE: &str = "GET /v1/accounts/{account_id}/usage";
const DEBIT: &str = "GET /v1/accounts/{account_id}/debits/{debit_id}";
const HOLD: &str = "GET /v1/accounts/{account_id}/holds/{hold_id}";
const PURCHASES: &str = "GET /v1/accounts/{account_id}/purchases";

/// The function: answers requests of [`ROUTES`], and turns the outbox's records into events.
#[derive(Debug)]
pub struct QuoteFunction {
    ledger: Ledger,
}

impl QuoteFunction {
    /// Makes the function from the environment.
    ///
    /// # Errors
    /// If a variable isn't set or is malformed.
    pub async fn from_env() -> Result<Self, Error> {
        Ok(Self::new(scrip_api::ledger_from_env(&scrip_api::aws_config().await?).await?))
    }

    /// Makes the function with a ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// Handles an invocation. For the outbox's pipe no table is read, because the records have all that the events need.
    ///
    /// # Errors
    /// If the event is neither a request nor a batch, or a record can't be read as an entry. The pipe sends the batch again
    /// then.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<InvocationAnswer, Error> {
        match OutboxInvocation::parse(event)? {
            OutboxInvocation::Http(request) => Ok(self.answer(*request).await.into()),
            OutboxInvocation::Batch(batch) => batch.answer(events::of_record),
        }
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        request.answer(&self.ledger, self.route(&request)).await
    }

    async fn route(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        let ledger = &self.ledger;
        match request.route() {
            CATALOG => catalog::show(request),
            QUOTE => quotes::price(request),
            ACCOUNT_QUOTE => quotes::price_for_account(ledger, request).await,
            ACCOUNT => account::show(ledger, request).await,
            ENTRIES => entries::list(ledger, request).await,
            USAGE => usage::report(ledger, request).await,
            DEBIT => debit::show(ledger, request).await,
            HOLD => hold::show(ledger, request).await,
            PURCHASES => purchases::list(ledger, request).await,
            _ => Err(request.no_such_route()),
        }
    }
}
