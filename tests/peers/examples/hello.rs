//! The function that does nothing: start-up and run.

use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |request| scrip_peers::hello::handle(&request))).await
}
