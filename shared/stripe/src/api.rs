//! The calls: one conversation with Stripe's API, within a budget of time.

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
    objects::{Identified, List},
};
use request::{ApiRequest, Parameters};

/// How long one call may take. A requested change whose answer hasn't come by then may still be made.
const CALL_TIME_MAX: Duration = Duration::from_secs(8);
/// How many items a page has: the most that Stripe gives.
const PAGE_ITEMS: u32 = 100;
/// The most pages of one list that are read.
const PAGES_MAX: u32 = 100;

/// One conversation with Stripe's API: calls with one key, all over at one time.
///
/// Each call takes at most eight seconds. A method's documentation names its endpoint and how many calls it costs; a
/// list costs one for each hundred items, and is an error beyond a hundred pages.
pub struct Api<'a> {
    client: &'a Client,
    /// `None` if the key can't be written into a header: Stripe gave out no such key.
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
    /// Begins a conversation: calls with that key that are all over at that time.
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
    /// How many calls were sent.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Reads one object.
    async fn get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &[&str],
        parameters: Parameters,
    ) -> Result<T, Error> {
        self.call(what, &ApiRequest { method: Method::GET, path, parameters, idempotency_key: None }).await
    }

    /// Reads a list to its end.
    async fn list<T: DeserializeOwned + Identified>(
        &self,
        what: &'static str,
        path: &[&str],
        parameters: Parameters,
    ) -> Result<Vec<T>, Error> {
        let listing = Listing { what, path, parameters: parameters.limit(PAGE_ITEMS), pages_max: PAGES_MAX };
        self.list_while(&listing, |_: &[T]| true).await
    }

    /// Reads a list page by page, as long as a page says that the next one matters.
    async fn list_while<T: DeserializeOwned + Identified>(
        &self,
        listing: &Listing<'_>,
        mut goes_on: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>, Error> {
        let mut items: Vec<T> = Vec::new();
        for _ in 0..listing.pages_max {
            let after = items.last().map(Identified::id);
            let page: List<T> = self
                .get(listing.what, listing.path, listing.parameters.clone().set_if("starting_after", after))
                .await?;
            // A page without items has no cursor to the next.
            if !page.has_more || page.data.is_empty() || !goes_on(&page.data) {
                items.extend(page.data);
                return Ok(items);
            }
            items.extend(page.data);
        }
        Err(Error::TooMany { what: listing.what })
    }

    /// Completes a list of which an object shows the first items. Read from its beginning, so that nothing rests on the
    /// order in which the object shows them.
    async fn complete<T: DeserializeOwned + Identified>(
        &self,
        list: &mut List<T>,
        what: &'static str,
        path: &[&str],
        parameters: Parameters,
    ) -> Result<(), Error> {
        if list.has_more {
            *list = List { data: self.list(what, path, parameters).await?, has_more: false };
        }
        Ok(())
    }

    /// Sends one request and reads the object that it answers.
    async fn call<T: DeserializeOwned>(
        &self,
        what: &'static str,
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
        serde_json::from_slice(&body).map_err(|source| Error::Unreadable { what, source })
    }
}

/// A list as it is read.
struct Listing<'a> {
    what: &'static str,
    path: &'a [&'a str],
    parameters: Parameters,
    pages_max: u32,
}
