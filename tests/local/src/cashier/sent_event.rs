//! An event of the provider's that was sent to the webhook, and its outcome.

use crate::delivery::Attempt;
use scrip_stripe_model::Event;
use serde::Serialize;

/// An event and its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct SentEvent {
    /// `evt_…`
    pub id: String,
    /// `invoice.paid`, say.
    pub event: String,
    /// The status of the last attempt's answer; none if there was no answer.
    pub status: Option<u16>,
    /// The outcome that the webhook answered, or its problem's code.
    pub outcome: Option<String>,
    /// How often it was sent.
    pub attempts: usize,
}

impl SentEvent {
    /// Whether the webhook has taken it.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// An event that is held back.
    pub(super) fn not_yet(event: &Event) -> Self {
        Self {
            id: event.id().to_owned(),
            event: event.kind().to_owned(),
            status: None,
            outcome: None,
            attempts: 0,
        }
    }

    /// The outcome of the last attempt to send an event; none if there was no attempt.
    pub(super) fn of(event: &Event, attempts: &[Attempt]) -> Option<Self> {
        let of_it = attempts.iter().filter(|attempt| attempt.event == *event);
        let last = of_it.clone().next_back()?;
        let outcome = last.answer["outcome"].as_str().or(last.answer["code"].as_str());
        Some(Self {
            status: last.status,
            outcome: outcome.map(str::to_owned),
            attempts: of_it.count(),
            ..Self::not_yet(event)
        })
    }
}
