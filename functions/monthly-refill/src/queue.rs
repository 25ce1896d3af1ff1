//! The queue that the sweep is spread over.

use aws::{Aws, Kind, Service, chain};
use lambda_runtime::Error;
use serde_json::{Value, json};

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
            let entry = |(number, message): (usize, &Message)| -> Result<Value, Error> {
                Ok(json!({"Id": number.to_string(), "MessageBody": serde_json::to_string(message)?}))
            };
            let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
            let request = json!({"QueueUrl": self.url, "Entries": entries});
            let answer =
                self.service.ask("SendMessageBatch", request).await.map_err(|error| chain(&error))?;
            if let Some(failed) = answer["Failed"].as_array().and_then(|failed| failed.first()) {
                let code = failed["Code"].as_str().unwrap_or("unnamed");
                return Err(format!("the queue refused a message: {code}").into());
            }
        }
        Ok(())
    }
}
