//! Events, which Stripe keeps for 30 days.

use chrono::{DateTime, Utc};

use super::{
    Api, Listing,
    request::{Parameters, parameter},
};
use crate::{Error, StripeEvent};

/// How many events a page has. An event may hold a large invoice, and the size of an answer is bounded.
const EVENTS_A_PAGE: u32 = 50;
/// The most pages of events that are read.
const EVENT_PAGES_MAX: u32 = 1_000;

impl Api<'_> {
    /// The events since a time that Stripe could not deliver to every endpoint, newest first, also those that it still tries
    /// to deliver.
    ///
    /// `GET /v1/events?delivery_success=false`: one call for each fifty, at most 50,000 events.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let events = api.undelivered_events("2026-11-22T10:00:00Z".parse().unwrap()).await?;
    /// println!("{} events", events.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn undelivered_events(&self, since: DateTime<Utc>) -> Result<Vec<StripeEvent>, Error> {
        self.events(parameter("delivery_success", "false"), since).await
    }

    /// All events since a time, newest first.
    ///
    /// `GET /v1/events`: one call for each fifty, at most 50,000 events.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// for event in api.events_since("2026-11-22T10:00:00Z".parse().unwrap()).await? {
    ///     println!("{}: {}", event.id, event.kind);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn events_since(&self, since: DateTime<Utc>) -> Result<Vec<StripeEvent>, Error> {
        self.events(Parameters::default(), since).await
    }

    async fn events(&self, parameters: Parameters, since: DateTime<Utc>) -> Result<Vec<StripeEvent>, Error> {
        let since = since.timestamp().to_string();
        let parameters = parameters.set("created[gte]", &since).limit(EVENTS_A_PAGE);
        let listing = Listing { kind: "events", path: &["events"], parameters, pages_max: EVENT_PAGES_MAX };
        self.list_while(&listing, |_: &[StripeEvent]| true).await
    }
}
