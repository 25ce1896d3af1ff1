//! Commands without a key: facts from Stripe, steps of a money-back refund, the month's turn. Each is one transaction.
//! A repeated one finds from the account and the records that nothing is left to do, and their revisions guard the
//! write.

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, AccountId, Decision, PurchaseId, Records, Refusal, SubscriptionId, refill};

use crate::{
    DecisionReceipt, Error, Fault, Ledger,
    append::DecisionResult,
    backoff::{Attempts, persist},
    error::Failure,
};

/// The ids of the records that a decision needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subjects<'a> {
    /// The subscription.
    pub subscription: Option<&'a SubscriptionId>,
    /// The account's purchases.
    pub purchases: &'a [PurchaseId],
}

/// The state that a decision is made on, as one attempt read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The account.
    pub account: Account,
    /// The records of the subjects that exist.
    pub records: Records,
}

/// The result of one attempt.
enum Attempt {
    Done(Decision),
    Refused(Refusal),
    /// Others appended first. If the answer carried a newer entry, its account is here.
    Raced(Option<Account>),
}

impl Ledger {
    /// Turns an account's month: writes the expiry and the refill that are due at a given time, if they aren't written
    /// yet. Without contention it makes at most two requests.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if contention or faults outlast the attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::AccountId;
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let alice = AccountId::parse("alice")?;
    /// let receipt = ledger.turn_month(&alice, "2026-12-01T00:00:00Z".parse().unwrap()).await?;
    /// println!("{} entries", receipt.entries.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn turn_month(
        &self,
        account_id: &AccountId,
        moment: DateTime<Utc>,
    ) -> Result<DecisionReceipt, Error> {
        let decide = |state: &State| Ok(refill::decide(&state.account, moment));
        self.apply(account_id, Subjects::default(), moment, decide).await
    }

    /// Carries out a command without a key.
    ///
    /// Reads the account and the subjects' records, calls `decide`, and writes the decision in one transaction, unless
    /// the state has changed since. `decide` may be called several times and must be a pure function of the state.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::TryAgain`] if contention or faults outlast the attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, PurchaseId, money_back};
    /// use scrip_ledger::Subjects;
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let (alice, purchase_id) = (AccountId::parse("alice")?, PurchaseId::parse("in_1")?);
    /// let subjects = Subjects { subscription: None, purchases: &[purchase_id.clone()] };
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// ledger
    ///     .apply(&alice, subjects, now, |state| {
    ///         money_back::request(&state.account, &state.records, &purchase_id, None, now)
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn apply(
        &self,
        account_id: &AccountId,
        subjects: Subjects<'_>,
        now: DateTime<Utc>,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<DecisionReceipt, Error> {
        let mut attempts = Attempts::first();
        // The account of the entry that won a race, on which the next attempt decides without reading.
        let mut carried = None;
        loop {
            let attempt = self.apply_once(account_id, subjects, now, &decide, carried.take()).await;
            let again = match attempt {
                Ok(Attempt::Done(Decision { entries, records })) => {
                    return Ok(DecisionReceipt { entries, records, attempts: attempts.made() });
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

    /// Returns the decision that [`Ledger::apply`] would write, and writes nothing.
    ///
    /// # Errors
    /// Those of [`Ledger::apply`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, refill};
    /// use scrip_ledger::{State, Subjects};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let alice = AccountId::parse("alice")?;
    /// let moment = "2026-12-01T00:00:00Z".parse().unwrap();
    /// let turn = |state: &State| Ok(refill::decide(&state.account, moment));
    /// let decision = ledger.preview(&alice, Subjects::default(), moment, turn).await?;
    /// println!("{} entries would be written", decision.entries.len());
    /// # Ok(())
    /// # }
    /// ```
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
        // The records are read after the newest entry, and the write fails unless that is still the newest. So both
        // belong together.
        let Some(records) = self.records(account_id, subjects).await? else {
            return Ok(Attempt::Refused(Refusal::PaymentTaken));
        };
        let state = State { account: account.unwrap_or_else(|| Account::unseen(now)), records };
        let decision = match decide(&state) {
            Ok(decision) if decision != Decision::default() => decision,
            // A carried account may be old by now. A write would fail then, but an empty decision or a refusal would be
            // wrong: read again first.
            Ok(_) | Err(_) if is_carried => return Ok(Attempt::Raced(None)),
            Ok(nothing) => return Ok(Attempt::Done(nothing)),
            Err(refusal) => return Ok(Attempt::Refused(refusal)),
        };
        Ok(match self.append_decision(account_id, &state.account, &decision).await? {
            DecisionResult::Done => Attempt::Done(decision),
            DecisionResult::Taken => Attempt::Refused(Refusal::PaymentTaken),
            // After the first lost race the call tries again at once. After further ones it waits and reads again.
            DecisionResult::Raced(newest) => {
                Attempt::Raced(newest.filter(|_| !is_carried).map(|entry| entry.account))
            }
        })
    }
}
