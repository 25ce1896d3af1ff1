//! The queue that the sweep is spread over.

use std::sync::OnceLock;

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use aws_types::SdkConfig;
use lambda_runtime::Error;

use crate::input::Message;

/// The most messages SQS takes at once.
const BATCH_MESSAGES_MAX: usize = 10;

/// The refill's own queue.
#[derive(Debug, Clone)]
pub struct Queue {
    config: SdkConfig,
    /// Made when it is first needed: a worker seldom does.
    client: OnceLock<Client>,
    url: String,
}

impl Queue {
    /// The queue at that URL.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        Self { config: config.clone(), client: OnceLock::new(), url }
    }

    /// Sends messages.
    ///
    /// # Errors
    /// Where one of them wasn't taken; some may have been, which does no harm.
    pub(crate) async fn send(&self, messages: &[Message]) -> Result<(), Error> {
        let client = self.client.get_or_init(|| Client::new(&self.config));
        for batch in messages.chunks(BATCH_MESSAGES_MAX) {
            let mut request = client.send_message_batch().queue_url(&self.url);
            for (number, message) in batch.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(serde_json::to_string(message)?);
                request = request.entries(entry.build()?);
            }
            let answer = request.send().await?;
            if let Some(failed) = answer.failed().first() {
                return Err(format!("the queue refused a message: {}", failed.code()).into());
            }
        }
        Ok(())
    }
}
