//! The debit function: start-up and run.

use lambda_http::{Error, run, service_fn};
use scrip_debit::DebitFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    scrip_api::init_tracing();
    let function = DebitFunction::from_env().await?;
    run(service_fn(async |request| Ok::<_, Error>(function.handle(request).await))).await
}
