//! The queue that the sweep is spread over.

use aws::{Aws, Kind, Service};
use aws_sdk_sqs::{
    operation::send_message_batch::{
        SendMessageBatch, SendMessageBatchError, SendMessageBatchInput, SendMessageBatchOutput,
    },
    types::SendMessageBatchRequestEntry,
};
use lambda_runtime::Error;

use crate::input::Message;

/// The most messages SQS takes at once.
const BATCH_MESSAGES_MAX: usize = 10;
/// How often a batch is sent. A message that comes twice does no harm.
const SEND_ATTEMPTS_MAX: u32 = 3;

/// The refill's own queue.
#[derive(Debug, Clone)]
pub struct Queue {
    service: Service,
    url: String,
}

impl Queue {
    /// The queue at that URL.
    #[must_use]
    pub fn new(aws: &Aws, url: String) -> Self {
        Self { service: aws.service(Kind::Sqs).with_attempts(SEND_ATTEMPTS_MAX), url }
    }

    /// Sends messages.
    ///
    /// # Errors
    /// Where one of them wasn't taken; some may have been, which does no harm.
    pub(crate) async fn send(&self, messages: &[Message]) -> Result<(), Error> {
        for batch in messages.chunks(BATCH_MESSAGES_MAX) {
            let mut request = SendMessageBatchInput::builder().queue_url(&self.url);
            for (number, message) in batch.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(serde_json::to_string(message)?);
                request = request.entries(entry.build()?);
            }
            let request = request.build()?;
            let answer: SendMessageBatchOutput =
                self.service.call::<_, SendMessageBatchError>(&SendMessageBatch::new(), request).await?;
            if let Some(failed) = answer.failed().first() {
                return Err(format!("the queue refused a message: {}", failed.code()).into());
            }
        }
        Ok(())
    }
}
