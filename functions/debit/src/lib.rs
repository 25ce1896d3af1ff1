//! The debit function: debits, and holds with their captures and releases.

mod debit;
mod hold;
mod settlement;
mod spending_metrics;

use lambda_http::{Body, Error, Request, Response};
use scrip_api::{ApiRequest, ApiResponse, Problem};
use scrip_ledger::Ledger;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 4] = [DEBIT, HOLD, CAPTURE, RELEASE];

const DEBIT: &str = "POST /v1/accounts/{account_id}/debits";
const HOLD: &str = "POST /v1/accounts/{account_id}/holds";
const CAPTURE: &str = "POST /v1/accounts/{account_id}/holds/{hold_id}/capture";
const RELEASE: &str = "POST /v1/accounts/{account_id}/holds/{hold_id}/release";

/// The function: answers requests of [`ROUTES`].
#[derive(Debug)]
pub struct DebitFunction {
    ledger: Ledger,
}

impl DebitFunction {
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

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        request.answer(&self.ledger, self.route(&request)).await
    }

    async fn route(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        let ledger = &self.ledger;
        match request.route() {
            DEBIT => debit::debit(ledger, request).await,
            HOLD => hold::hold(ledger, request).await,
            CAPTURE => settlement::capture(ledger, request).await,
            RELEASE => settlement::release(ledger, request).await,
            _ => Err(request.no_such_route()),
        }
    }
}
