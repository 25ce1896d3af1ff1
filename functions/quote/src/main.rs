//! The quote function: start-up and run.

use lambda_http::Error;
use scrip_quote::QuoteFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    scrip_api::init_tracing();
    let function = QuoteFunction::from_env().await?;
    scrip_api::run_http(|request| function.handle(request)).await
}
