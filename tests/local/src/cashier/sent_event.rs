//! An event of the provider's that was sent to the webhook, and its outcome.

use crate::delivery::Attempt;
use scrip_stripe_model::Event;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

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

    /// Whether it is held back: no attempt to send it was made.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.attempts == 0
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

/// For the terminal: `invoice.paid: 200 applied`.
impl Display for SentEvent {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.event)?;
        match (self.status, &self.outcome) {
            _ if self.is_held_back() => write!(out, "held back"),
            (None, _) => write!(out, "no answer"),
            (Some(status), None) => write!(out, "{status}"),
            (Some(status), Some(outcome)) => write!(out, "{status} {outcome}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_held_back_is_no_event_without_an_answer() {
        let outcome = |outcome: &str| Some(outcome.to_owned());
        for (attempts, status, outcome, shown) in [
            (0, None, None, "invoice.paid: held back"),
            (5, None, None, "invoice.paid: no answer"),
            (1, Some(500), None, "invoice.paid: 500"),
            (1, Some(200), outcome("applied"), "invoice.paid: 200 applied"),
        ] {
            let (id, event) = ("evt_1".to_owned(), "invoice.paid".to_owned());
            assert_eq!(SentEvent { id, event, status, outcome, attempts }.to_string(), shown);
        }
    }
}
