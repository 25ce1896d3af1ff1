//! The queue that the sweep is spread over.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::{Builder, retry::RetryConfig},
    types::SendMessageBatchRequestEntry,
};
use aws_types::SdkConfig;
use lambda_runtime::Error;
use scrip_ledger::chain;

use crate::input::Message;

/// The most messages SQS takes at once.
const BATCH_MESSAGES_MAX: usize = 10;
/// How often a batch is sent. A message that comes twice does no harm.
const SEND_ATTEMPTS_MAX: u32 = 3;
/// At most so long is waited before the second attempt, and twice as long before the third.
const BACKOFF_MAX: Duration = Duration::from_millis(100);

/// The refill's own queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at that URL.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        let retries = RetryConfig::standard().with_max_attempts(SEND_ATTEMPTS_MAX);
        let config = Builder::from(config).retry_config(retries.with_initial_backoff(BACKOFF_MAX)).build();
        Self { client: Client::from_conf(config), url }
    }

    /// Sends messages.
    ///
    /// # Errors
    /// Where one of them wasn't taken; some may have been, which does no harm.
    pub(crate) async fn send(&self, messages: &[Message]) -> Result<(), Error> {
        for batch in messages.chunks(BATCH_MESSAGES_MAX) {
            let entry = |(number, message): (usize, &Message)| -> Result<_, Error> {
                let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
                Ok(entry.message_body(serde_json::to_string(message)?).build()?)
            };
            let entries = batch.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            let send = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let answer = send.send().await.map_err(|error| chain(&error))?;
            if let Some(failed) = answer.failed.first() {
                return Err(format!("the queue refused a message: {}", failed.code).into());
            }
        }
        Ok(())
    }
}
