//! The purchase-webhook function: start-up and run.

use aws::Aws;
use lambda_http::{Error, run, service_fn};
use purchase_webhook_function::{Prices, Webhook};
use runtime::Parameter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = Aws::from_env()?;
    let secrets = Parameter::from_env(&aws, "STRIPE_WEBHOOK_SECRET_PARAMETER")?;
    let webhook = Webhook { ledger: runtime::ledger(&aws).await?, secrets, prices: Prices::from_env()? };
    run(service_fn(async |request| Ok::<_, Error>(webhook.handle(request).await))).await
}
