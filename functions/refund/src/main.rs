//! The refund function: start-up and run.

use lambda_http::{
    Error,
    lambda_runtime::{run, service_fn},
};
use scrip_refund::RefundFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    scrip_api::init_tracing();
    let function = RefundFunction::from_env().await?;
    run(service_fn(async |event| function.handle(event).await)).await
}
