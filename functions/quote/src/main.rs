//! The quote function: start-up and run.

use lambda_http::{
    Error,
    lambda_runtime::{run, service_fn},
};
use scrip_quote::QuoteFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    scrip_api::init_tracing();
    let function = QuoteFunction::from_env().await?;
    run(service_fn(async |event| function.handle(event).await)).await
}
