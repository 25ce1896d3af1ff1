//! Calls to Stripe's API with one key, which share one deadline.

mod billing;
mod checkout;
mod events;
mod money;
mod request;

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use http::{HeaderValue, Method};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use crate::{
    Client, Error,
    objects::{HasId, List},
};
use request::{ApiRequest, Parameters};

/// How long one call may take. A change that was requested may still be made if no answer has come by then.
const CALL_TIME_MAX: Duration = Duration::from_secs(8);
/// How many items a page has: the most that Stripe allows.
const PAGE_ITEMS: u32 = 100;
/// How many pages of one list are read at most.
const PAGES_MAX: u32 = 100;

/// Calls to Stripe's API with one key, which share one deadline.
///
/// Each call takes at most 8 s. A method's documentation names its endpoint and how many calls it costs: a list costs one
/// call for each 100 items, and more than 100 pages are an error.
pub struct Api<'a> {
    client: &'a Client,
    /// `None` if the key can't be a header's value, which no key of Stripe's is.
    authorization: Option<HeaderValue>,
    deadline: Instant,
    calls: AtomicU32,
}

impl fmt::Debug for Api<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("client", self.client)
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes an [`Api`] whose calls use that key and end by that deadline.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use scrip_stripe::Client;
    /// # use tokio::time::Instant;
    /// let client = Client::new("https://api.stripe.com");
    /// let api = client.api("rk_test_123", Instant::now() + Duration::from_secs(20));
    /// assert_eq!(api.calls(), 0);
    /// ```
    #[must_use]
    pub fn api(&self, key: &str, deadline: Instant) -> Api<'_> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", key.trim())).ok();
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Api { client: self, authorization, deadline, calls: AtomicU32::new(0) }
    }
}

impl Api<'_> {
    /// How many calls were sent so far.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// api.charge("ch_1").await?;
    /// println!("{} calls", api.calls());
    /// # Ok(())
    /// # }
    /// ```
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Reads one object.
    async fn get<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        path: &[&str],
        parameters: Parameters,
    ) -> Result<T, Error> {
        self.call(kind, &ApiRequest { method: Method::GET, path, parameters, idempotency_key: None }).await
    }

    /// Reads a list to its end.
    async fn list<T: DeserializeOwned + HasId>(
        &self,
        kind: &'static str,
        path: &[&str],
        parameters: Parameters,
    ) -> Result<Vec<T>, Error> {
        let listing = Listing { kind, path, parameters: parameters.limit(PAGE_ITEMS), pages_max: PAGES_MAX };
        self.list_while(&listing, |_: &[T]| true).await
    }

    /// Reads a list page by page, as long as `goes_on` is true of each page.
    async fn list_while<T: DeserializeOwned + HasId>(
        &self,
        listing: &Listing<'_>,
        mut goes_on: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>, Error> {
        let mut items: Vec<T> = Vec::new();
        for _ in 0..listing.pages_max {
            let after = items.last().map(HasId::id);
            let page: List<T> = self
                .get(listing.kind, listing.path, listing.parameters.clone().set_if("starting_after", after))
                .await?;
            // A page without items has no cursor to the next.
            if !page.has_more || page.data.is_empty() || !goes_on(&page.data) {
                items.extend(page.data);
                return Ok(items);
            }
            items.extend(page.data);
        }
        Err(Error::TooMany { kind: listing.kind })
    }

    /// Completes a list of which an object shows only the first items. It is read from its beginning, because the object may
    /// show its items in another order.
    async fn complete<T: DeserializeOwned + HasId>(
        &self,
        list: &mut List<T>,
        kind: &'static str,
        path: &[&str],
        parameters: Parameters,
    ) -> Result<(), Error> {
        if list.has_more {
            *list = List { data: self.list(kind, path, parameters).await?, has_more: false };
        }
        Ok(())
    }

    /// Sends one request and reads the object in the answer.
    async fn call<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        request: &ApiRequest<'_>,
    ) -> Result<T, Error> {
        let authorization = self.authorization.clone().ok_or(Error::Unauthenticated)?;
        let request = request.build(self.client.base_url(), authorization)?;
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(Error::OutOfTime);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let answer = timeout(remaining.min(CALL_TIME_MAX), self.client.send(request)).await;
        let (status, body) = answer.ok().flatten().ok_or(Error::Unreachable)?;
        if !status.is_success() {
            return Err(Error::of(status, &body));
        }
        serde_json::from_slice(&body).map_err(|source| Error::Unreadable { kind, source })
    }
}

/// A list to read.
struct Listing<'a> {
    /// The kind of objects, for errors.
    kind: &'static str,
    path: &'a [&'a str],
    parameters: Parameters,
    pages_max: u32,
}
