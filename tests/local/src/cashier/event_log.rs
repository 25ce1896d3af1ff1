//! The provider's events in the order in which they came, and what came of each.
//!
//! Invariant: an event is in it once, however often it is sent.

use super::sent_event::SentEvent;
use chrono::{DateTime, Utc};
use scrip_stripe_model::Event;
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// How many events are kept; older ones are forgotten first.
const KEPT_EVENTS_MAX: usize = 200;

/// The events, and whether new ones are held back.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    is_holding_back: bool,
    lines: VecDeque<Line>,
}

#[derive(Debug)]
struct Line {
    event: Event,
    sent: SentEvent,
    sent_at: Option<DateTime<Utc>>,
}

/// An event and what came of it, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct EventLine {
    /// The event, and what the webhook answered last.
    #[serde(flatten)]
    pub sent: SentEvent,
    /// The id of what it is about.
    pub about: String,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was sent last; none while it is held back.
    pub sent_at: Option<DateTime<Utc>>,
}

impl EventLog {
    /// Whether events wait instead of being sent.
    pub(super) fn is_holding_back(&self) -> bool {
        self.with(|log| log.is_holding_back)
    }

    pub(super) fn hold_back(&self, is_holding_back: bool) {
        self.with(|log| log.is_holding_back = is_holding_back);
    }

    /// Notes what came of an event; one that was sent before is updated in its place.
    pub(super) fn note(&self, event: &Event, sent: &SentEvent, sent_at: Option<DateTime<Utc>>) {
        self.with(|log| {
            if let Some(line) = log.lines.iter_mut().find(|line| line.event.id() == event.id()) {
                let attempts = line.sent.attempts + sent.attempts;
                line.sent = SentEvent { attempts, ..sent.clone() };
                line.sent_at = sent_at;
                return;
            }
            if log.lines.len() == KEPT_EVENTS_MAX {
                log.lines.pop_front();
            }
            log.lines.push_back(Line { event: event.clone(), sent: sent.clone(), sent_at });
        });
    }

    /// The event of that id.
    pub(super) fn event(&self, id: &str) -> Option<Event> {
        self.with(|log| log.lines.iter().find(|line| line.event.id() == id).map(|line| line.event.clone()))
    }

    /// The events that were never sent, oldest first.
    pub(super) fn waiting(&self) -> Vec<Event> {
        self.with(|log| {
            let waiting = log.lines.iter().filter(|line| line.sent_at.is_none());
            waiting.map(|line| line.event.clone()).collect()
        })
    }

    /// All of it, newest first.
    pub(super) fn lines(&self) -> Vec<EventLine> {
        let shown = |line: &Line| EventLine {
            sent: line.sent.clone(),
            about: line.event.object()["id"].as_str().unwrap_or_default().to_owned(),
            created_at: DateTime::from_timestamp(line.event.created(), 0),
            sent_at: line.sent_at,
        };
        self.with(|log| log.lines.iter().rev().map(shown).collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Contents) -> T) -> T {
        act(&mut self.contents.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
