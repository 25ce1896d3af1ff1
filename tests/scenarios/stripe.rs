//! The Stripe fake, held against what is known of Stripe.

mod api;
mod delivery;
mod lifecycles;
mod shapes;
mod signatures;

use chrono::{DateTime, Utc};
use scrip_tests::stripe::{Event, Generation, Stripe};
use serde_json::Value;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// An account at noon of 15 January 2026.
fn stripe(seed: &str, generation: Generation) -> Stripe {
    Stripe::new(seed, generation, time("2026-01-15T12:00:00Z"))
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::kind).collect()
}

/// The object of the only event of a kind.
fn object<'a>(events: &'a [Event], kind: &str) -> &'a Value {
    let mut found = events.iter().filter(|event| event.kind() == kind);
    let object = found.next().unwrap_or_else(|| panic!("no {kind} in {:?}", kinds(events))).object();
    assert!(found.next().is_none(), "several {kind}");
    object
}
