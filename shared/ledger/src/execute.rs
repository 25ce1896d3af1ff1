//! A command, from reading the head to its answer: the one loop in which anything is written.
//!
//! Each attempt reads, decides and appends. What it refuses is looked up first, so a retry of a debit that
//! emptied the account gets its first answer. Every outcome is either an entry that exists or the
//! knowledge that nothing was written; where neither can be had, the caller is told to ask again.

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, AccountId, DebitRecord, Decision, Entry, Record, Records, Refusal, refill};

use crate::{
    Error, Fault, Ledger, Related, RequestHash,
    append::Appended,
    backoff::{Attempts, persist},
    error::Failure,
    items::OperationItem,
    keys::Operation,
};

/// What a decision is made from, as one attempt read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The account.
    pub account: Account,
    /// The debit that was asked for; `None` where there is no such debit, or none was asked for.
    pub debit: Option<DebitRecord>,
    /// The records of the purchases and the subscription that were asked for, as far as there are any.
    pub records: Records,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out now.
    Appended(Entry),
    /// It was carried out before, by the same request.
    Replayed(Entry),
    /// No credits and no plan changed; these records of purchases or a subscription were written.
    Recorded(Vec<Record>),
    /// It changes nothing and nothing was written; the account as of now.
    Unchanged(Account),
    /// It was refused, and nothing was written.
    Refused(Refusal),
}

/// A command's outcome, and what it took to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// What came of it.
    pub outcome: Outcome,
    /// How often it was tried: 1 without contention or faults.
    pub attempts: u32,
}

/// A command as the ledger sees it.
struct Command<'a, D> {
    account: &'a AccountId,
    /// What a caller knows it by; `None` for what follows from the account alone, a month's turn.
    identity: Option<(&'a Operation, &'a RequestHash)>,
    related: Related<'a>,
    now: DateTime<Utc>,
    decide: D,
}

impl Ledger {
    /// Carries out a command once, however often it is asked for: reads the account (and what else is
    /// named), lets `decide` decide, and appends what it decides in one transaction. `decide` may
    /// be called several times and must be a pure function of the state.
    ///
    /// # Errors
    /// [`Error::KeyReused`] where the operation was carried out for another request,
    /// [`Error::TryAgain`] where contention or faults outlast the attempts, [`Error::Internal`].
    pub async fn execute(
        &self,
        account: &AccountId,
        identity: (&Operation, &RequestHash),
        related: Related<'_>,
        now: DateTime<Utc>,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<Executed, Error> {
        self.run(&Command { account, identity: Some(identity), related, now, decide }).await
    }

    /// Settles an account for the month of a moment: writes the expiry and the refill that are due then,
    /// or finds that nothing is ([`Outcome::Unchanged`]). At most two requests without contention.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where contention or faults outlast the attempts, [`Error::Internal`].
    pub async fn settle(&self, account: &AccountId, moment: DateTime<Utc>) -> Result<Executed, Error> {
        let decide = |state: &State| Ok(refill::decide(&state.account, moment));
        self.apply(account, Related::Nothing, moment, decide).await
    }

    /// Carries out what is known by its own state and needs no operation: facts of the payment provider that
    /// are news or aren't, a refund that is pending or isn't.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where contention or faults outlast the attempts, [`Error::Internal`].
    pub async fn apply(
        &self,
        account: &AccountId,
        related: Related<'_>,
        now: DateTime<Utc>,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<Executed, Error> {
        self.run(&Command { account, identity: None, related, now, decide }).await
    }

    /// Decides as [`Ledger::apply`] would, and writes nothing.
    ///
    /// # Errors
    /// As [`Ledger::apply`].
    pub async fn preview(
        &self,
        account: &AccountId,
        related: Related<'_>,
        now: DateTime<Utc>,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let (mut debit, mut records) = (None, Records::default());
        match related {
            Related::Nothing => {}
            Related::Debit(id) => debit = persist(|| self.debit(account, id)).await?,
            Related::Records(subscription, purchases) => {
                match persist(|| self.records(account, subscription, purchases)).await? {
                    Some(known) => records = known,
                    None => return Ok(Err(Refusal::PaymentTaken)),
                }
            }
        }
        let account = self.account(account).await?.unwrap_or_else(|| Account::unseen(now));
        Ok(decide(&State { account, debit, records }))
    }

    async fn run<D>(&self, command: &Command<'_, D>) -> Result<Executed, Error>
    where
        D: Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    {
        let mut attempts = Attempts::first();
        // The entry that won a race, to decide again on without reading.
        let mut carried = None;
        loop {
            let again = match self.attempt(command, carried.take()).await {
                Ok(Attempt::Settled(outcome)) => return Ok(Executed { outcome, attempts: attempts.made() }),
                Ok(Attempt::Raced(Some(newest))) => {
                    carried = Some(newest);
                    attempts.again_at_once(Fault::Raced)
                }
                Ok(Attempt::Raced(None)) => attempts.again(Fault::Raced).await,
                Err(Failure::Transient(fault)) => attempts.again(fault).await,
                Err(Failure::Fatal(error)) => return Err(error),
            };
            if let Err(enough) = again {
                return self.last_look(command, attempts.made(), enough).await;
            }
        }
    }

    async fn attempt<D>(&self, command: &Command<'_, D>, carried: Option<Account>) -> Result<Attempt, Failure>
    where
        D: Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    {
        let is_carried = carried.is_some();
        let account = match carried {
            Some(account) => Some(account),
            None => self.head(command.account).await?,
        };
        // Read after the head: the append fails unless the head is still the newest entry, so what is
        // read here belongs to it.
        let (mut debit, mut records) = (None, Records::default());
        match command.related {
            Related::Nothing => {}
            Related::Debit(id) => debit = self.debit(command.account, id).await?,
            Related::Records(subscription, purchases) => {
                match self.records(command.account, subscription, purchases).await? {
                    Some(known) => records = known,
                    None => return Ok(Attempt::Settled(Outcome::Refused(Refusal::PaymentTaken))),
                }
            }
        }
        let account = account.unwrap_or_else(|| Account::unseen(command.now));
        let state = State { account, debit, records };
        let unwritten = match (command.decide)(&state) {
            Ok(decision) if decision != Decision::default() => {
                return self.write(command, &state.account, decision, is_carried).await;
            }
            // A carried entry may be old by now: it is good enough to try an append on, which fails if so.
            Ok(_) | Err(_) if is_carried => return Ok(Attempt::Raced(None)),
            Ok(_) => Outcome::Unchanged(state.account.as_of(command.now)),
            Err(refusal) => Outcome::Refused(refusal),
        };
        self.confirm(command, &state, unwritten).await
    }

    /// Makes sure of what is answered without a write. The reads before may have seen half of another
    /// transaction, or of an earlier attempt's own: DynamoDB only keeps single items from that. So the
    /// operation, the place after the newest entry and the debit are read once more, in a transaction,
    /// which fails while any of them is being written. Where they agree with what was read, the answer was
    /// true at that moment; where the operation exists, it is a retry.
    async fn confirm<D>(
        &self,
        command: &Command<'_, D>,
        state: &State,
        unwritten: Outcome,
    ) -> Result<Attempt, Failure> {
        let Some((operation, _)) = command.identity else {
            return Ok(Attempt::Settled(unwritten));
        };
        let newest = state.account.sequence;
        let snapshot = self.snapshot(command.account, operation, newest, command.related).await?;
        match snapshot.operation {
            Some(operation) => self.replay(command, operation).await.map(Attempt::Settled),
            None if snapshot.is_newest && snapshot.debit == state.debit => Ok(Attempt::Settled(unwritten)),
            None => Ok(Attempt::Raced(None)),
        }
    }

    async fn write<D>(
        &self,
        command: &Command<'_, D>,
        from: &Account,
        mut decision: Decision,
        was_carried: bool,
    ) -> Result<Attempt, Failure> {
        match self.append(command.account, from, command.identity, &decision).await? {
            Appended::Done => Ok(Attempt::Settled(match decision.entries.pop() {
                Some(last) => Outcome::Appended(last),
                None => Outcome::Recorded(decision.records),
            })),
            Appended::Retry => match self.look_up(command).await? {
                Some(outcome) => Ok(Attempt::Settled(outcome)),
                // It is still being written.
                None => Err(Failure::Transient(Fault::Contended)),
            },
            Appended::Taken => Ok(Attempt::Settled(Outcome::Refused(Refusal::PaymentTaken))),
            // At once the first time; who loses again waits its turn and reads where the history is now.
            Appended::Raced(newest) => {
                Ok(Attempt::Raced(newest.filter(|_| !was_carried).map(|entry| entry.account)))
            }
        }
    }

    /// The answer of the same command carried out before, if it was.
    async fn look_up<D>(&self, command: &Command<'_, D>) -> Result<Option<Outcome>, Failure> {
        let Some((operation, _)) = command.identity else {
            return Ok(None);
        };
        match self.operation(command.account, operation).await? {
            Some(operation) => self.replay(command, operation).await.map(Some),
            None => Ok(None),
        }
    }

    /// The answer of an operation that was carried out, if it was for the same request.
    async fn replay<D>(
        &self,
        command: &Command<'_, D>,
        operation: OperationItem,
    ) -> Result<Outcome, Failure> {
        if command.identity.is_none_or(|(_, request)| *request != operation.request) {
            return Err(Failure::Fatal(Error::KeyReused));
        }
        match self.entry(command.account, operation.sequence).await? {
            Some(entry) => Ok(Outcome::Replayed(entry)),
            // It is still being written: entries are never deleted.
            None => Err(Failure::Transient(Fault::Contended)),
        }
    }

    /// Before giving up: an attempt whose answer was lost may have been carried out.
    async fn last_look<D>(
        &self,
        command: &Command<'_, D>,
        attempts: u32,
        enough: Error,
    ) -> Result<Executed, Error> {
        match self.look_up(command).await {
            Ok(Some(outcome)) => Ok(Executed { outcome, attempts }),
            Ok(None) | Err(Failure::Transient(_)) => Err(enough),
            Err(Failure::Fatal(error)) => Err(error),
        }
    }
}

/// What came of one attempt.
enum Attempt {
    Settled(Outcome),
    Raced(Option<Account>),
}
