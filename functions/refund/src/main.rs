//! The refund function: start-up and run.

use aws::Aws;
use lambda_http::{Error, run, service_fn};
use refund_function::{Provider, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = Aws::from_env()?;
    let (ledger, provider) = (runtime::ledger(&aws).await?, Provider::from_env(&aws)?);
    run(service_fn(async |request| handle(&ledger, &provider, request).await)).await
}
