//! What a test lets go wrong with calls to the API, over HTTP and in process alike.
//!
//! Invariant: a call meets at most one fault: the next one scripted for its operation, else the next one for any call,
//! else the lasting one. Stale reads come on top of that.

use super::{account::Account, call::Call, error::ApiError};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;

/// What happens to one call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Nothing: it is carried out and answered.
    None,
    /// It isn't carried out; this is the answer, which an idempotency key keeps as Stripe would: not what
    /// was refused before the call began (401, 403, 409, 429).
    Answer(ApiError),
    /// The connection is closed before it is carried out.
    LoseRequest,
    /// It is carried out, and the connection is closed instead of an answer.
    LoseAnswer,
    /// It is carried out at once and answered after that time, on Tokio's clock. What it read is as old by then.
    Slow(Duration),
    /// It is carried out at once and answered once that is let go. What it read is as old by then.
    Held(Hold),
    /// It isn't carried out and never answered.
    Hang,
}

/// Holds one answer back. Cheap to clone; clones hold the same.
#[derive(Debug, Clone)]
pub struct Hold(Arc<[Semaphore; 2]>);

impl Default for Hold {
    fn default() -> Self {
        Self(Arc::new([Semaphore::new(0), Semaphore::new(0)]))
    }
}

impl PartialEq for Hold {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Hold {
    /// Waits until there is an answer to hold back.
    pub async fn is_held(&self) {
        drop(self.0[0].acquire().await);
    }

    /// Lets the answer go.
    pub fn let_go(&self) {
        self.0[1].add_permits(1);
    }

    /// Holds an answer back until it is let go.
    pub(super) async fn hold(&self) {
        self.0[0].add_permits(1);
        drop(self.0[1].acquire().await);
    }
}

/// The account as it was at a moment, from which later reads can be answered.
#[derive(Debug, Clone)]
pub struct AccountState(pub(super) Arc<Account>);

/// The faults of an account's API. Cheap to clone; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    by_operation: BTreeMap<String, VecDeque<Fault>>,
    of_any: VecDeque<Fault>,
    lasting: Option<Fault>,
    stale: Option<(AccountState, usize)>,
}

impl Faults {
    /// Adds a fault for the next call that has none yet, whatever it asks for.
    pub fn next(&self, fault: Fault) {
        self.script().of_any.push_back(fault);
    }

    /// Adds the same fault for each of so many calls.
    pub fn next_calls(&self, calls: usize, fault: &Fault) {
        self.script().of_any.extend((0..calls).map(|_| fault.clone()));
    }

    /// Adds a fault for the next call of an operation ([`Call::operation`]) that has none yet.
    pub fn next_of(&self, operation: &str, fault: Fault) {
        self.script().by_operation.entry(operation.to_owned()).or_default().push_back(fault);
    }

    /// Lets every call without a fault of its own meet this one, until [`Faults::clear`].
    pub fn until_cleared(&self, fault: Fault) {
        self.script().lasting = Some(fault);
    }

    /// Answers so many reads (`GET`) from an earlier state. Changes act on the account as it is.
    pub fn stale(&self, state: &AccountState, reads: usize) {
        self.script().stale = Some((state.clone(), reads));
    }

    /// Forgets every fault: calls are carried out and answered again.
    pub fn clear(&self) {
        *self.script() = Script::default();
    }

    /// The fault of a call that comes now.
    pub(super) fn take(&self, call: &Call) -> Fault {
        let mut script = self.script();
        let scripted = script.by_operation.get_mut(&call.operation()).and_then(VecDeque::pop_front);
        let next = scripted.or_else(|| script.of_any.pop_front());
        next.or_else(|| script.lasting.clone()).unwrap_or(Fault::None)
    }

    /// The earlier state that a read is answered from; none if it is answered from the present one.
    pub(super) fn take_state(&self) -> Option<AccountState> {
        let mut script = self.script();
        let (state, left) = script.stale.as_mut().filter(|(_, left)| *left > 0)?;
        *left -= 1;
        Some(state.clone())
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
