//! The monthly-refill function: start-up and run.

use lambda_runtime::{Error, run, service_fn};
use scrip_monthly_refill::RefillFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    scrip_api::init_tracing();
    let function = RefillFunction::from_env().await?;
    run(service_fn(async |event| function.handle(event).await)).await
}
