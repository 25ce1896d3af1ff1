//! The debit function: start-up and run.

use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let ledger = runtime::ledger(&runtime::aws_config().await?).await?;
    run(service_fn(async |request| Ok::<_, Error>(debit_function::handle(&ledger, request).await))).await
}
