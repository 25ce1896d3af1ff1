//! A command with a key, from reading the account to its receipt: claim, then append (README.md says why).
//!
//! A call goes through steps. Each step is one attempt that leads to the next; a fault leads back to where the call
//! still knows what it saw. All that a call knows once its claim exists is the account after an entry: every entry up to
//! that one was seen, and none carries the key.

use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, AccountId, Command, CommandKey, CommandState, Entry, HoldOutcome, OtherKind, Posting, Refusal,
    refill,
};
use scrip_pricing::Credits;

use crate::{
    Error, Fault, Ledger, Receipt,
    append::{Appended, DecisionAppended},
    backoff::{Attempts, persist},
    error::Failure,
    items::{Claim, StoredEntry},
    related::{Related, recent_entries},
    request_hash::RequestHash,
    scan::{Raise, Scanned},
};

/// A command, as one call carries it out.
struct Call<'a, C> {
    ledger: &'a Ledger,
    account_id: &'a AccountId,
    command: &'a C,
    key: CommandKey,
    request: RequestHash,
    now: DateTime<Utc>,
    /// Whether a claim behind which much is read is raised.
    raise: Raise,
}

/// Where a call is.
enum Step {
    /// It knows nothing: it reads the newest entry, decides, and claims.
    Begin,
    /// A claim exists that this call has not scanned. The account is the newest that was read before.
    Scan { claim: Claim, head: Account },
    /// It has seen all entries up to the account's: it reads those that follow.
    Rescan { verified: Account },
    /// It decides on the account. A carried entry came with a lost race, and may have been followed since.
    Decide { verified: Account, is_carried: bool },
    /// It appends what it decided.
    Append { verified: Account, posting: Box<Posting> },
}

/// What a step leads to.
enum Next {
    Done(Found),
    Refused(Refusal),
    Step(Step),
    /// Another's entry came first, and was carried back: all entries up to it were seen.
    Lost(Account),
    /// There is more to do: the call goes on at once, or after a wait because others wrote.
    AtOnce(Step),
    Wait(Step),
}

/// The command's entry, and how it came to be.
struct Found {
    entry: Entry,
    is_replayed: bool,
    reversed: Credits,
}

impl Ledger {
    /// Carries out a command once, however often it is asked for: the same key and request get the same receipt forever.
    /// One claim and one entry: three requests without contention.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::KeyReused`] if the key was carried out for another request, [`Error::TryAgain`] if
    /// contention or faults outlast the attempts, [`Error::Internal`].
    pub async fn execute<C: Command + Sync>(
        &self,
        account_id: &AccountId,
        command: &C,
        now: DateTime<Utc>,
    ) -> Result<Receipt<C::Outcome>, Error> {
        let request = RequestHash::of(command)?;
        let (key, raise) = (command.key(), Raise::Claim);
        let call = Call { ledger: self, account_id, command, key, request, now, raise };
        let mut attempts = Attempts::first();
        let mut step = Step::Begin;
        loop {
            let back = step.back();
            let (next, again) = match call.take(step).await {
                Ok(Next::Done(found)) => return found.receipt(attempts.made()),
                Ok(Next::Refused(refusal)) => {
                    return Err(Error::Refused { refusal: Box::new(refusal), attempts: attempts.made() });
                }
                Ok(Next::Step(next)) => (next, Ok(())),
                // At once the first time; a call that loses again waits its turn, and reads all that was appended
                // meanwhile. If each loser came back at once, they would throttle the account's partition.
                Ok(Next::Lost(verified)) if attempts.made() == 1 => {
                    let again = attempts.again_at_once(Fault::Raced, None);
                    (Step::Decide { verified, is_carried: true }, again)
                }
                Ok(Next::Lost(verified)) => {
                    (Step::Rescan { verified }, attempts.again(Fault::Raced, None).await)
                }
                Ok(Next::AtOnce(next)) => (next, attempts.again_at_once(Fault::Raced, None)),
                Ok(Next::Wait(next)) => (next, attempts.again(Fault::Raced, None).await),
                Err(Failure::Transient(fault, source)) => (back, attempts.again(fault, source).await),
                Err(Failure::Fatal(error)) => return Err(error),
            };
            if let Err(enough) = again {
                return call.last_look(next, enough).await?.receipt(attempts.made());
            }
            step = next;
        }
    }

    /// The receipt of a command that was carried out; `None` if it was not. Nothing is written: for work that is free
    /// now, and may have cost something when it was asked for first.
    ///
    /// # Errors
    /// As [`Ledger::execute`], but for refusals.
    pub async fn find_receipt<C: Command + Sync>(
        &self,
        account_id: &AccountId,
        command: &C,
        now: DateTime<Utc>,
    ) -> Result<Option<Receipt<C::Outcome>>, Error> {
        let request = RequestHash::of(command)?;
        let (key, raise) = (command.key(), Raise::Nothing);
        let call = Call { ledger: self, account_id, command, key, request, now, raise };
        persist(|| call.find(None)).await?.map(|found| found.receipt(1)).transpose()
    }
}

impl Found {
    fn receipt<O: for<'a> TryFrom<&'a Entry, Error = OtherKind>>(
        self,
        attempts: u32,
    ) -> Result<Receipt<O>, Error> {
        let Self { entry, is_replayed, reversed } = self;
        let outcome = O::try_from(&entry).map_err(|source| Error::internal("read an entry", source))?;
        Ok(Receipt { entry, outcome, is_replayed, reversed, attempts })
    }
}

impl Step {
    /// Where a call goes on after a fault: what it saw stays true. An unscanned claim is read again, as it may have been
    /// raised meanwhile.
    fn back(&self) -> Self {
        match self {
            Self::Begin | Self::Scan { .. } => Self::Begin,
            Self::Rescan { verified } | Self::Decide { verified, .. } | Self::Append { verified, .. } => {
                Self::Rescan { verified: verified.clone() }
            }
        }
    }
}

impl<C: Command + Sync> Call<'_, C> {
    async fn take(&self, step: Step) -> Result<Next, Failure> {
        match step {
            Step::Begin => self.begin().await,
            Step::Scan { claim, head } => self.scan(claim, head).await,
            Step::Rescan { verified } => self.rescan(verified).await,
            Step::Decide { verified, is_carried } => self.decide(verified, is_carried).await,
            Step::Append { verified, posting } => self.append(verified, *posting).await,
        }
    }

    /// No entry of this call is sent before an answer says that its claim exists.
    async fn begin(&self) -> Result<Next, Failure> {
        let recent =
            self.ledger.newest_entries(self.account_id, recent_entries(self.command.subject())).await?;
        let related = self.read_related(&recent).await?;
        let head = recent.into_iter().next().map(|newest| newest.account);
        let head = head.unwrap_or_else(|| Account::unseen(self.now));
        let posting = match self.decide_on(&head, &related) {
            Ok(posting) => Box::new(posting),
            Err(refusal) => return self.refuse(head, &related, refusal, Step::Begin).await,
        };
        Ok(match self.ledger.put_claim(self.account_id, &self.key, head.sequence).await? {
            None => Next::Step(Step::Append { verified: head, posting }),
            Some(claim) => Next::Step(Step::Scan { claim, head }),
        })
    }

    async fn scan(&self, claim: Claim, head: Account) -> Result<Next, Failure> {
        if let Some(sequence) = claim.sequence {
            let stored = self.ledger.claimed_entry(self.account_id, &self.key, sequence).await?;
            return self.replay(stored, Some(claim)).await;
        }
        let verified = match self.ledger.scan(self.account_id, &self.key, claim.from, self.raise).await? {
            Scanned::Found(stored) => return self.replay(*stored, Some(claim)).await,
            Scanned::Absent(Some(newest)) => newest,
            Scanned::Absent(None) if claim.from == head.sequence => head,
            Scanned::Absent(None) => self.ledger.account_at(self.account_id, claim.from, self.now).await?,
            Scanned::Unfinished(verified) => return Ok(Next::AtOnce(Step::Rescan { verified })),
        };
        Ok(Next::Step(Step::Decide { verified, is_carried: false }))
    }

    async fn rescan(&self, verified: Account) -> Result<Next, Failure> {
        match self.ledger.scan(self.account_id, &self.key, verified.sequence, self.raise).await? {
            Scanned::Found(stored) => self.replay(*stored, None).await,
            Scanned::Absent(newest) => {
                Ok(Next::Step(Step::Decide { verified: newest.unwrap_or(verified), is_carried: false }))
            }
            Scanned::Unfinished(verified) => Ok(Next::AtOnce(Step::Rescan { verified })),
        }
    }

    async fn decide(&self, verified: Account, is_carried: bool) -> Result<Next, Failure> {
        let related = self.read_related(&[]).await?;
        match self.decide_on(&verified, &related) {
            Ok(posting) => Ok(Next::Step(Step::Append { verified, posting: Box::new(posting) })),
            // It may be old by now: good enough to try an append on, which fails if so, and not to refuse.
            Err(_) if is_carried => Ok(Next::Step(Step::Rescan { verified })),
            Err(refusal) => {
                let again = Step::Rescan { verified: verified.clone() };
                self.refuse(verified, &related, refusal, again).await
            }
        }
    }

    async fn append(&self, verified: Account, posting: Posting) -> Result<Next, Failure> {
        let appended =
            self.ledger.append_posting(self.account_id, &verified, &posting, &self.request).await?;
        match appended {
            Appended::Done => {
                Ok(Next::Done(Found { entry: posting.entry, is_replayed: false, reversed: Credits::ZERO }))
            }
            Appended::Exists(stored) if stored.entry.is_of(&self.key) => self.replay(*stored, None).await,
            Appended::Exists(stored) => Ok(Next::Lost(stored.entry.account)),
            // What changed isn't carried: it is read, after a wait.
            Appended::Raced => Ok(Next::Wait(Step::Rescan { verified })),
        }
    }

    /// Makes sure of a refusal, as [`Call::confirm`] says. That a hold expired is written first, if it isn't: an older
    /// call may still be on its way that captures it, and would be carried out after this one was told that it is over.
    async fn refuse(
        &self,
        seen: Account,
        related: &Related,
        refusal: Refusal,
        again: Step,
    ) -> Result<Next, Failure> {
        let is_open = |hold: &HoldOutcome| seen.holds.iter().any(|open| open.sequence == hold.sequence);
        let is_unreleased = related.hold.as_ref().is_some_and(is_open);
        if !is_unreleased || !matches!(refusal, Refusal::HoldExpired { .. }) {
            return self.confirm(seen, related, refusal, again).await;
        }
        let due = refill::decide(&seen, self.now);
        Ok(match self.ledger.append_decision(self.account_id, &seen, &due).await? {
            DecisionAppended::Done => Next::Step(again),
            DecisionAppended::Taken | DecisionAppended::Raced(_) => Next::Wait(again),
        })
    }

    /// Makes sure of a refusal. The reads before may have seen half of a transaction: DynamoDB only keeps single items
    /// from that. So the claim, the place after the account's entry and what else was read are read once more, in a transaction,
    /// which fails while any of them is being written. If they agree with what was read, the refusal was true at that
    /// moment, and nothing of this call lands later. `again` is where the call goes on if they don't.
    async fn confirm(
        &self,
        seen: Account,
        related: &Related,
        refusal: Refusal,
        again: Step,
    ) -> Result<Next, Failure> {
        let related_keys = related.claims.iter().map(|claim| &claim.key);
        let snapshot = self.ledger.snapshot(self.account_id, &self.key, seen.sequence, related_keys).await?;
        let still_agrees = || {
            let now = snapshot.related.iter().map(Option::as_ref);
            related.claims.iter().zip(now).all(|(read, now)| read.agrees_with(now))
        };
        let is_scanned = !matches!(again, Step::Begin);
        match snapshot.claim {
            Some(claim) if !is_scanned => Ok(Next::Step(Step::Scan { claim, head: seen })),
            _ if snapshot.is_newest && still_agrees() => Ok(Next::Refused(refusal)),
            _ => Ok(Next::Wait(again)),
        }
    }

    /// What is read beside the account. It is read after it: an append fails unless the account's entry is still the
    /// newest, so what is read here belongs to it.
    async fn read_related(&self, recent: &[Entry]) -> Result<Related, Failure> {
        self.ledger.related(self.account_id, self.command.subject(), recent, self.raise).await
    }

    fn decide_on(&self, account: &Account, related: &Related) -> Result<Posting, Refusal> {
        let (debit, hold) = (related.debit.as_ref(), related.hold.as_ref());
        self.command.decide(&CommandState { account, debit, hold, now: self.now })
    }

    /// The receipt of an entry that carries the key, if it was for the same request. The claim as it was read on the way
    /// to it, if it was.
    async fn replay(&self, stored: StoredEntry, claim: Option<Claim>) -> Result<Next, Failure> {
        let claim = match claim {
            Some(claim) => Some(claim),
            None => self.ledger.claim(self.account_id, &self.key).await?,
        };
        // An entry from before claims left its request on the row.
        let request = stored.request.or_else(|| claim.as_ref().and_then(|claim| claim.request.clone()));
        if request.is_some_and(|request| request != self.request) {
            let refusal = self.command.lost_to(&stored.entry);
            return refusal.map(Next::Refused).ok_or(Failure::Fatal(Error::KeyReused));
        }
        let reversed = claim.map(|claim| claim.reversed).unwrap_or_default();
        Ok(Next::Done(Found { entry: stored.entry, is_replayed: true, reversed }))
    }

    /// Looks for the command's entry after the entries that were seen. One attempt.
    async fn find(&self, verified: Option<&Account>) -> Result<Option<Found>, Failure> {
        let Some(mut claim) = self.ledger.claim(self.account_id, &self.key).await? else { return Ok(None) };
        claim.from = claim.from.max(verified.map_or(claim.from, |verified| verified.sequence));
        let head = verified.cloned().unwrap_or_else(|| Account::unseen(self.now));
        match self.scan(claim, head).await? {
            Next::Done(found) => Ok(Some(found)),
            Next::Refused(refusal) => {
                Err(Failure::Fatal(Error::Refused { refusal: Box::new(refusal), attempts: 1 }))
            }
            // The newest entry was not reached: an entry may follow.
            Next::AtOnce(_) => Err(Failure::contended()),
            _ => Ok(None),
        }
    }

    /// Before giving up: an attempt whose answer was lost may have been carried out.
    async fn last_look(&self, step: Step, enough: Error) -> Result<Found, Error> {
        let verified = match &step {
            Step::Rescan { verified } | Step::Decide { verified, .. } | Step::Append { verified, .. } => {
                Some(verified)
            }
            Step::Begin | Step::Scan { .. } => None,
        };
        match self.find(verified).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) | Err(Failure::Transient(..)) => Err(enough),
            Err(Failure::Fatal(error)) => Err(error),
        }
    }
}
