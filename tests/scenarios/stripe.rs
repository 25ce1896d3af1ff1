//! What the model of Stripe has to do with deliveries.

mod delivery;

use chrono::{DateTime, Utc};
use scrip_stripe_model::{Event, Generation, Stripe};

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
