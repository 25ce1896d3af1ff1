//! The monthly-refill function: start-up and run.

use std::{env, time::SystemTime};

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use monthly_refill_function::{Queue, handle};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = runtime::aws_config().await?;
    let ledger = runtime::ledger(&config).await?;
    let queue = env::var("REFILL_QUEUE_URL").ok().map(|url| Queue::new(&config, url));
    run(service_fn(async |event: LambdaEvent<Value>| {
        let time_left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let answer = handle(&ledger, queue.as_ref(), event.payload, runtime::now(), time_left).await;
        let context = &event.context;
        let who = (context.request_id.as_str(), context.xray_trace_id.as_deref());
        runtime::invocation(who, ledger.take_usage(), &answer);
        answer
    }))
    .await
}
