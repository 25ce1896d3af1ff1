//! The queue that spreads a sweep over workers.

use std::sync::OnceLock;

use aws_sdk_sqs::{Client, Config, config::Builder, types::SendMessageBatchRequestEntry};
use aws_types::SdkConfig;
use lambda_runtime::Error;
use scrip_api::aws_retries;
use scrip_ledger::chain;

use crate::input::Message;

/// How many messages SQS takes at once at most.
const BATCH_MESSAGES_MAX: usize = 10;
/// How often sending a batch is attempted. A message that is sent twice does no harm.
const SEND_ATTEMPTS_MAX: u32 = 3;

/// The refill's own queue.
#[derive(Debug, Clone)]
pub struct Queue {
    config: Box<Config>,
    /// Made when it is first needed, because making it takes half as long as a start, and workers rarely send.
    client: OnceLock<Client>,
    url: String,
}

impl Queue {
    /// Makes the queue at that URL.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        let config = Builder::from(config).retry_config(aws_retries(SEND_ATTEMPTS_MAX)).build();
        Self { config: Box::new(config), client: OnceLock::new(), url }
    }

    /// Sends messages.
    ///
    /// # Errors
    /// If one of them wasn't taken. Others may have been, which does no harm.
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
