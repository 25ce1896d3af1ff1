//! Commands without a key: facts of the payment provider, a refund that is pending or isn't, a month's turn. Each is
//! known by its own state, which its records' revisions or the account's month guard, and is one transaction.

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, AccountId, Decision, PurchaseId, Records, Refusal, SubscriptionId, refill};

use crate::{
    Applied, Error, Fault, Ledger,
    append::DecisionAppended,
    backoff::{Attempts, persist},
    error::Failure,
};

/// The records that a decision is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subjects<'a> {
    /// A subscription.
    pub subscription: Option<&'a SubscriptionId>,
    /// Purchases of the account.
    pub purchases: &'a [PurchaseId],
}

/// What a decision is made from, as one attempt read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The account.
    pub account: Account,
    /// The records of the subjects, as far as there are any.
    pub records: Records,
}

/// What came of one attempt.
enum Attempt {
    Done(Decision),
    Refused(Refusal),
    /// Others appended first; the newest account that is known, if one is.
    Raced(Option<Account>),
}

impl Ledger {
    /// Turns an account's month: writes the expiry and the refill that are due at a moment. Nothing if they are written
    /// already. At most two requests without contention.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if contention or faults outlast the attempts, [`Error::Internal`].
    pub async fn turn_month(&self, account_id: &AccountId, moment: DateTime<Utc>) -> Result<Applied, Error> {
        let decide = |state: &State| Ok(refill::decide(&state.account, moment));
        self.apply(account_id, Subjects::default(), moment, decide).await
    }

    /// Reads the account and the subjects' records, lets `decide` decide, and writes what it decides in one transaction,
    /// if that is still what it was decided from. `decide` may be called several times and must be a pure function of
    /// the state.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::TryAgain`] if contention or faults outlast the attempts, [`Error::Internal`].
    pub async fn apply(
        &self,
        account_id: &AccountId,
        subjects: Subjects<'_>,
        now: DateTime<Utc>,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<Applied, Error> {
        let mut attempts = Attempts::first();
        // The entry that won a race, to decide again on without reading.
        let mut carried = None;
        loop {
            let attempt = self.apply_once(account_id, subjects, now, &decide, carried.take()).await;
            let again = match attempt {
                Ok(Attempt::Done(Decision { entries, records })) => {
                    return Ok(Applied { entries, records, attempts: attempts.made() });
                }
                Ok(Attempt::Refused(refusal)) => {
                    return Err(Error::Refused { refusal: Box::new(refusal), attempts: attempts.made() });
                }
                Ok(Attempt::Raced(Some(newest))) => {
                    carried = Some(newest);
                    attempts.again_at_once(Fault::Raced, None)
                }
                Ok(Attempt::Raced(None)) => attempts.again(Fault::Raced, None).await,
                Err(Failure::Transient(fault, source)) => attempts.again(fault, source).await,
                Err(Failure::Fatal(error)) => return Err(error),
            };
            again?;
        }
    }

    /// Decides as [`Ledger::apply`] would, and writes nothing.
    ///
    /// # Errors
    /// As [`Ledger::apply`].
    pub async fn preview(
        &self,
        account_id: &AccountId,
        subjects: Subjects<'_>,
        now: DateTime<Utc>,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<Decision, Error> {
        let refused = |refusal| Error::Refused { refusal: Box::new(refusal), attempts: 1 };
        let Some(records) = persist(|| self.records(account_id, subjects)).await? else {
            return Err(refused(Refusal::PaymentTaken));
        };
        let account = self.account(account_id).await?.unwrap_or_else(|| Account::unseen(now));
        decide(&State { account, records }).map_err(refused)
    }

    async fn apply_once(
        &self,
        account_id: &AccountId,
        subjects: Subjects<'_>,
        now: DateTime<Utc>,
        decide: impl Fn(&State) -> Result<Decision, Refusal>,
        carried: Option<Account>,
    ) -> Result<Attempt, Failure> {
        let is_carried = carried.is_some();
        let account = match carried {
            Some(account) => Some(account),
            None => self.head(account_id).await?,
        };
        // Read after the head: the write fails unless the head is still the newest entry, so what is
        // read here belongs to it.
        let Some(records) = self.records(account_id, subjects).await? else {
            return Ok(Attempt::Refused(Refusal::PaymentTaken));
        };
        let state = State { account: account.unwrap_or_else(|| Account::unseen(now)), records };
        let decision = match decide(&state) {
            Ok(decision) if decision != Decision::default() => decision,
            // A carried entry may be old by now: it is good enough to try a write on, which fails if so.
            Ok(_) | Err(_) if is_carried => return Ok(Attempt::Raced(None)),
            Ok(nothing) => return Ok(Attempt::Done(nothing)),
            Err(refusal) => return Ok(Attempt::Refused(refusal)),
        };
        Ok(match self.append_decision(account_id, &state.account, &decision).await? {
            DecisionAppended::Done => Attempt::Done(decision),
            DecisionAppended::Taken => Attempt::Refused(Refusal::PaymentTaken),
            // At once the first time; a call that loses again waits its turn and reads where the history is now.
            DecisionAppended::Raced(newest) => {
                Attempt::Raced(newest.filter(|_| !is_carried).map(|entry| entry.account))
            }
        })
    }
}
