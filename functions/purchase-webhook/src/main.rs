//! The purchase-webhook function: start-up and run.

use lambda_http::{Error, run, service_fn};
use purchase_webhook_function::{Prices, Webhook};
use runtime::Parameter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = runtime::aws_config()?;
    let secrets = Parameter::from_env(&config, "STRIPE_WEBHOOK_SECRET_PARAMETER")?;
    let (ledger, ()) = tokio::join!(runtime::ledger(&config), secrets.warm_up());
    let webhook = Webhook { ledger: ledger?, secrets, prices: Prices::from_env()? };
    run(service_fn(async |request| Ok::<_, Error>(webhook.handle(request).await))).await
}
