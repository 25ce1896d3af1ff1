//! The queue that the sweep is spread over.

use std::sync::OnceLock;

use aws_sdk_sqs::{Client, Config, config::Builder, types::SendMessageBatchRequestEntry};
use aws_types::SdkConfig;
use lambda_runtime::Error;
use scrip_api::aws_retries;
use scrip_ledger::chain;

use crate::input::Message;

/// The most messages SQS takes at once.
const BATCH_MESSAGES_MAX: usize = 10;
/// How often a batch is sent. A message that comes twice does no harm.
const SEND_ATTEMPTS_MAX: u32 = 3;

/// The refill's own queue.
#[derive(Debug, Clone)]
pub struct Queue {
    config: Box<Config>,
    /// Made when it is first needed: making one takes as long as half a start, and workers seldom send.
    client: OnceLock<Client>,
    url: String,
}

impl Queue {
    /// The queue at that URL.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        let config = Builder::from(config).retry_config(aws_retries(SEND_ATTEMPTS_MAX)).build();
        Self { config: Box::new(config), client: OnceLock::new(), url }
    }

    /// Sends messages.
    ///
    /// # Errors
    /// Where one of them wasn't taken; some may have been, which does no harm.
    pub(crate) async fn send(&self, messages: &[Message]) -> Result<(), Error> {
        let client = self.client.get_or_init(|| Client::from_conf(Config::clone(&self.config)));
        for batch in messages.chunks(BATCH_MESSAGES_MAX) {
            let entry = |(number, message): (usize, &Message)| -> Result<_, Error> {
                let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
                Ok(entry.message_body(serde_json::to_string(message)?).build()?)
            };
            let entries = batch.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            let send = client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let answer = send.send().await.map_err(|error| chain(&error))?;
            if let Some(failed) = answer.failed.first() {
                return Err(format!("the queue refused a message: {}", failed.code).into());
            }
        }
        Ok(())
    }
}
