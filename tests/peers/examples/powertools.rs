//! The debit with an idempotency table: start-up and run.

use lambda_http::{Error, run, service_fn};
use peers::powertools::Debits;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let debits = Debits::new(&runtime::aws_config()?, std::env::var("TABLE_NAME")?);
    debits.warm_up().await;
    run(service_fn(async |request| Ok::<_, Error>(debits.handle(request).await))).await
}
