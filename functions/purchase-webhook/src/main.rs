//! The purchase-webhook function: start-up and run.

use lambda_http::{Error, run, service_fn};
use purchase_webhook_function::{Webhook, prices_from_env};
use runtime::Parameter;
use stripe::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = runtime::aws_config().await?;
    let webhook = Webhook {
        ledger: runtime::ledger(&config).await?,
        stripe: Client::from_env()?,
        api_key: Parameter::from_env(&config, "STRIPE_API_KEY_PARAMETER")?,
        secrets: Parameter::from_env(&config, "STRIPE_WEBHOOK_SECRET_PARAMETER")?,
        prices: prices_from_env()?,
    };
    run(service_fn(async |request| webhook.handle(request).await)).await
}
