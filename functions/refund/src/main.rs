//! The refund function: start-up and run.

use lambda_http::{Error, run, service_fn};
use refund_function::{Provider, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = runtime::aws_config().await?;
    let (ledger, provider) = (runtime::ledger(&config).await?, Provider::from_env(&config)?);
    run(service_fn(async |request| handle(&ledger, &provider, request).await)).await
}
