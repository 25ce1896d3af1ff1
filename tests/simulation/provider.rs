//! The way from the functions to Stripe's API, and all that goes wrong there.

use std::{
    future::pending,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::body::to_bytes;
use chrono::TimeDelta;
use scrip_local::stack::API_KEY;
use scrip_stripe::{Exchange, Transport};
use scrip_stripe_model::{AccountState, ApiError, Fault as Answer};

use crate::{faults::Fault, scheduler::lock, world::World};

/// How old what the provider shows is at most.
pub const STALE_MAX: Duration = Duration::from_millis(999);

/// How long the provider takes at most for what is [`Fault::StripeSlow`]: a little longer than any caller waits.
const SLOW_MS_MAX: u64 = 9_000;

impl World {
    /// The way to the provider's API.
    pub fn transport(self: &Arc<Self>) -> Transport {
        let world = Arc::downgrade(self);
        Box::new(move |request| -> Exchange {
            let world = Weak::clone(&world);
            Box::pin(async move {
                let world = world.upgrade()?;
                let (head, body) = request.into_parts();
                let request = axum::extract::Request::from_parts(head, axum::body::Body::new(body));
                let answer = world.provider(request).await?;
                Some((http::StatusCode::from_u16(answer.0).ok()?, answer.1.into()))
            })
        })
    }

    async fn provider(self: &Arc<Self>, request: axum::extract::Request) -> Option<(u16, Vec<u8>)> {
        self.travel().await;
        self.may_crash(Fault::CrashBefore).await;
        let (answer, is_done) = self.provider_answers(request).await;
        if is_done {
            self.may_crash(Fault::CrashAfter).await;
        }
        self.travel().await;
        answer
    }

    /// The provider's answer, if there is one, and whether the request was carried out.
    async fn provider_answers(
        self: &Arc<Self>,
        request: axum::extract::Request,
    ) -> (Option<(u16, Vec<u8>)>, bool) {
        if request.method() == http::Method::GET {
            return (self.provider_shows(request).await, true);
        }
        if self.happens(Fault::StripeRequestLost) {
            return (None, false);
        }
        if self.happens(Fault::StripeHangs) {
            return pending().await;
        }
        if self.happens(Fault::StripeLocksOut) {
            return (Some(self.ask_provider(request, "another key").await), false);
        }
        let refusal = if self.happens(Fault::StripeRefuses) {
            Some(ApiError::refused("charge_disputed", "The charge is disputed."))
        } else if self.happens(Fault::StripeFails) {
            Some(ApiError::broken())
        } else if self.happens(Fault::StripeBusy) {
            Some(if self.draw(2) == 0 { ApiError::rate_limited() } else { ApiError::key_in_use() })
        } else {
            None
        };
        let is_done = refusal.is_none();
        if let Some(refusal) = refusal {
            self.stripe.faults().next(Answer::Answer(refusal));
        }
        let answer = self.ask_provider(request, API_KEY).await;
        let is_lost = is_done && self.happens(Fault::StripeAnswerLost);
        ((!is_lost).then_some(answer), is_done)
    }

    /// The provider's answer to a read, if there is one.
    async fn provider_shows(self: &Arc<Self>, request: axum::extract::Request) -> Option<(u16, Vec<u8>)> {
        if self.happens(Fault::ReadLost) {
            return None;
        }
        if self.happens(Fault::ReadHangs) {
            return pending().await;
        }
        if self.happens(Fault::ReadLockedOut) {
            return Some(self.ask_provider(request, "another key").await);
        }
        let faults = self.stripe.faults();
        if self.happens(Fault::ReadFails) {
            faults.next(Answer::Answer(ApiError::broken()));
        } else if self.happens(Fault::ReadBusy) {
            let busy = if self.draw(2) == 0 { ApiError::rate_limited() } else { ApiError::lock_timeout() };
            faults.next(Answer::Answer(busy));
        } else {
            if self.is_drawn(Fault::StripeStale)
                && let Some(state) = self.stale_state()
            {
                self.happened(Fault::StripeStale);
                faults.stale(&state, 1);
            }
            if self.happens(Fault::StripeSlow) {
                faults.next(Answer::Slow(Duration::from_millis(self.draw(SLOW_MS_MAX))));
            }
        }
        Some(self.ask_provider(request, API_KEY).await)
    }

    /// The provider's state a moment ago, if that was another.
    fn stale_state(self: &Arc<Self>) -> Option<AccountState> {
        // Due changes happen first, because they have times of their own.
        self.bill();
        let age = Duration::from_millis(self.draw(1_000)).min(STALE_MAX);
        let then = self.now() - TimeDelta::from_std(age).unwrap_or_default();
        let memory = lock(&self.memory);
        let (last, earlier) = memory.states.split_last()?;
        if last.0 <= then {
            return None;
        }
        earlier.iter().rfind(|(since, _)| *since <= then).map(|(_, state)| state.clone())
    }

    /// Asks the provider, past all faults but those that are scripted.
    pub async fn ask_provider(
        self: &Arc<Self>,
        request: axum::extract::Request,
        key: &str,
    ) -> (u16, Vec<u8>) {
        self.bill();
        let answer = self.stripe.answer(request, &format!("Bearer {key}")).await;
        self.tell(self.stripe.take_events());
        let status = answer.status().as_u16();
        self.note(status);
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("the fake's answers are whole");
        (status, body.to_vec())
    }
}
