//! The refund function: reversals of failed work, money-back refunds, and adjustments.

mod adjustment;
mod money_back;
mod pending;
mod provider;
mod reversal;

use lambda_http::{Body, Error, LambdaEvent, Request, Response};
use scrip_api::{ApiRequest, ApiResponse, Invocation, InvocationAnswer, Problem};
use scrip_ledger::Ledger;
use serde_json::value::RawValue;

pub use pending::Command;
pub use provider::Provider;

/// The routes this function serves, as the template names them.
pub const ROUTES: [&str; 3] = [REVERSAL, MONEY_BACK, ADJUSTMENT];

const REVERSAL: &str = "POST /v1/accounts/{account_id}/debits/{debit_id}/reversals";
const MONEY_BACK: &str = "POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund";
const ADJUSTMENT: &str = "POST /v1/accounts/{account_id}/adjustments";

/// The function: answers requests of [`ROUTES`], and carries out a [`Command`].
#[derive(Debug)]
pub struct RefundFunction {
    ledger: Ledger,
    provider: Provider,
}

impl RefundFunction {
    /// Makes the function from the environment: the table, Stripe's API and the key's parameter.
    ///
    /// # Errors
    /// If a variable isn't set or is malformed.
    pub async fn from_env() -> Result<Self, Error> {
        let config = scrip_api::aws_config().await?;
        Ok(Self::new(scrip_api::ledger_from_env(&config).await?, Provider::from_env(&config)?))
    }

    /// Makes the function with a ledger and Stripe's API.
    #[must_use]
    pub fn new(ledger: Ledger, provider: Provider) -> Self {
        Self { ledger, provider }
    }

    /// Handles an invocation.
    ///
    /// # Errors
    /// If the event is neither a request nor a command, or the command can't be carried out now. Lambda invokes the
    /// function again then.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<InvocationAnswer, Error> {
        match Invocation::parse(event)? {
            Invocation::Http(request) => Ok(self.answer(*request).await.into()),
            Invocation::Command(invocation) => {
                let complete =
                    async |command| pending::complete(&self.ledger, &self.provider, &command).await;
                invocation.answer(&self.ledger, complete).await
            }
        }
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        request.answer(&self.ledger, self.route(&request)).await
    }

    async fn route(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        match request.route() {
            REVERSAL => reversal::reverse(&self.ledger, request).await,
            ADJUSTMENT => adjustment::adjust(&self.ledger, request).await,
            MONEY_BACK => money_back::refund(&self.ledger, &self.provider, request).await,
            _ => Err(request.no_such_route()),
        }
    }
}
