//! Carries out a command with a key: claim the key, then append the entry (README.md explains the protocol).
//!
//! A call goes through steps. Each step is one attempt and leads to the next step; after a fault, the call goes back to
//! the last step whose knowledge is still valid. Once its claim exists, a call keeps `verified`: the account after an
//! entry, such that the call has read every entry up to that one, and none carries the key.

use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, AccountId, Command, CommandKey, CommandState, Entry, HoldOutcome, OtherKind, Posting, Refusal,
    refill,
};
use scrip_pricing::Credits;

use crate::{
    Error, Fault, Ledger, Receipt,
    append::{AppendResult, DecisionResult},
    backoff::{Attempts, persist},
    error::Failure,
    items::{Claim, StoredEntry},
    related::{RelatedRecords, recent_entries},
    request_hash::RequestHash,
    scan::{RaisePolicy, ScanResult},
};

/// One call of [`Ledger::execute`]: a command and its context.
struct Call<'a, C> {
    ledger: &'a Ledger,
    account_id: &'a AccountId,
    command: &'a C,
    key: CommandKey,
    request: RequestHash,
    now: DateTime<Utc>,
    /// Whether a claim is raised after many entries were read from it on.
    raise: RaisePolicy,
}

/// The next step of a call, with the knowledge that it needs.
enum Step {
    /// The call knows nothing. It reads the newest entry, decides on it, and claims the key.
    Begin,
    /// The key has a claim, and this call must read the entries after it. `head` is the newest account that it has
    /// read.
    Scan { claim: Claim, head: Account },
    /// The call reads the entries after those that it has verified.
    Rescan { verified: Account },
    /// The call decides on the account. If `is_carried`, the account came with the answer of a lost race, and a newer
    /// entry may exist by now.
    Decide { verified: Account, is_carried: bool },
    /// The call appends the posting that it decided.
    Append { verified: Account, posting: Box<Posting> },
}

/// The result of a step.
enum Transition {
    /// The command's entry exists.
    Done(CommandEntry),
    /// The command is refused.
    Refused(Refusal),
    /// The call goes on with another step.
    Step(Step),
    /// Another command's entry came first. The answer carried it, so all entries up to it are verified.
    Lost(Account),
    /// The scan isn't finished: the call makes another attempt at once.
    AtOnce(Step),
    /// Others wrote meanwhile: the call makes another attempt after a wait.
    Wait(Step),
}

/// The command's entry, and whether an earlier call wrote it.
struct CommandEntry {
    entry: Entry,
    is_replayed: bool,
    reversed: Credits,
}

impl Ledger {
    /// Carries out a command at most once: the same key and request get the same receipt forever.
    ///
    /// Without contention it makes three requests, which write one claim and one entry. See the crate's example.
    ///
    /// # Errors
    /// - [`Error::Refused`] if the decision is a refusal.
    /// - [`Error::KeyReused`] if another request was carried out under the key.
    /// - [`Error::TryAgain`] if contention or faults outlast the attempts.
    /// - [`Error::Internal`] if another attempt doesn't help.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, Debit};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger, debit: Debit) -> Result<(), scrip_ledger::Error> {
    /// let alice = AccountId::parse("alice").unwrap();
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let receipt = ledger.execute(&alice, &debit, now).await?;
    /// println!("it took {} playground credits", receipt.outcome.credits.playground());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute<C: Command + Sync>(
        &self,
        account_id: &AccountId,
        command: &C,
        now: DateTime<Utc>,
    ) -> Result<Receipt<C::Outcome>, Error> {
        let request = RequestHash::of(command)?;
        let (key, raise) = (command.key(), RaisePolicy::Claim);
        let call = Call { ledger: self, account_id, command, key, request, now, raise };
        let mut attempts = Attempts::first();
        let mut step = Step::Begin;
        loop {
            let back = step.back();
            let (next, again) = match call.take(step).await {
                Ok(Transition::Done(found)) => return found.receipt(attempts.made()),
                Ok(Transition::Refused(refusal)) => {
                    return Err(Error::Refused { refusal: Box::new(refusal), attempts: attempts.made() });
                }
                Ok(Transition::Step(next)) => (next, Ok(())),
                // After the first lost race the call tries again at once. After further ones it waits and reads the
                // entries that were appended meanwhile: if all losers came back at once, they would throttle the
                // account's partition.
                Ok(Transition::Lost(verified)) if attempts.made() == 1 => {
                    let again = attempts.again_at_once(Fault::Raced, None);
                    (Step::Decide { verified, is_carried: true }, again)
                }
                Ok(Transition::Lost(verified)) => {
                    (Step::Rescan { verified }, attempts.again(Fault::Raced, None).await)
                }
                Ok(Transition::AtOnce(next)) => (next, attempts.again_at_once(Fault::Raced, None)),
                Ok(Transition::Wait(next)) => (next, attempts.again(Fault::Raced, None).await),
                Err(Failure::Transient(fault, source)) => (back, attempts.again(fault, source).await),
                Err(Failure::Fatal(error)) => return Err(error),
            };
            if let Err(enough) = again {
                return call.last_look(next, enough).await?.receipt(attempts.made());
            }
            step = next;
        }
    }

    /// Finds the receipt of a command; `None` if it was not carried out. Nothing is written.
    ///
    /// It serves debits of work that is free now but may have had a price at the first request.
    ///
    /// # Errors
    /// Those of [`Ledger::execute`], except refusals.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, Debit};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger, debit: Debit) -> Result<(), scrip_ledger::Error> {
    /// let alice = AccountId::parse("alice").unwrap();
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let receipt = ledger.find_receipt(&alice, &debit, now).await?;
    /// println!("it was carried out: {}", receipt.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_receipt<C: Command + Sync>(
        &self,
        account_id: &AccountId,
        command: &C,
        now: DateTime<Utc>,
    ) -> Result<Option<Receipt<C::Outcome>>, Error> {
        let request = RequestHash::of(command)?;
        let (key, raise) = (command.key(), RaisePolicy::Nothing);
        let call = Call { ledger: self, account_id, command, key, request, now, raise };
        persist(|| call.find(None)).await?.map(|found| found.receipt(1)).transpose()
    }
}

impl CommandEntry {
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
    /// The step to go back to after a fault. Verified entries stay verified; a claim that wasn't scanned is read again,
    /// because it may have been raised meanwhile.
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
    /// Takes one step.
    async fn take(&self, step: Step) -> Result<Transition, Failure> {
        match step {
            Step::Begin => self.begin().await,
            Step::Scan { claim, head } => self.scan(claim, head).await,
            Step::Rescan { verified } => self.rescan(verified).await,
            Step::Decide { verified, is_carried } => self.decide(verified, is_carried).await,
            Step::Append { verified, posting } => self.append(verified, *posting).await,
        }
    }

    /// Reads the newest entry, decides, and claims the key. No entry of this call is sent before an answer confirms
    /// that the claim exists.
    async fn begin(&self) -> Result<Transition, Failure> {
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
            None => Transition::Step(Step::Append { verified: head, posting }),
            Some(claim) => Transition::Step(Step::Scan { claim, head }),
        })
    }

    /// Looks for the key's entry from the claim on.
    async fn scan(&self, claim: Claim, head: Account) -> Result<Transition, Failure> {
        if let Some(sequence) = claim.sequence {
            let stored = self.ledger.claimed_entry(self.account_id, &self.key, sequence).await?;
            return self.replay(stored, Some(claim)).await;
        }
        let verified = match self.ledger.scan(self.account_id, &self.key, claim.from, self.raise).await? {
            ScanResult::Found(stored) => return self.replay(*stored, Some(claim)).await,
            ScanResult::Absent(Some(newest)) => newest,
            ScanResult::Absent(None) if claim.from == head.sequence => head,
            ScanResult::Absent(None) => self.ledger.account_at(self.account_id, claim.from, self.now).await?,
            ScanResult::Unfinished(verified) => return Ok(Transition::AtOnce(Step::Rescan { verified })),
        };
        Ok(Transition::Step(Step::Decide { verified, is_carried: false }))
    }

    /// Looks for the key's entry after the verified entries.
    async fn rescan(&self, verified: Account) -> Result<Transition, Failure> {
        match self.ledger.scan(self.account_id, &self.key, verified.sequence, self.raise).await? {
            ScanResult::Found(stored) => self.replay(*stored, None).await,
            ScanResult::Absent(newest) => {
                Ok(Transition::Step(Step::Decide { verified: newest.unwrap_or(verified), is_carried: false }))
            }
            ScanResult::Unfinished(verified) => Ok(Transition::AtOnce(Step::Rescan { verified })),
        }
    }

    /// Decides on the verified account.
    async fn decide(&self, verified: Account, is_carried: bool) -> Result<Transition, Failure> {
        let related = self.read_related(&[]).await?;
        match self.decide_on(&verified, &related) {
            Ok(posting) => Ok(Transition::Step(Step::Append { verified, posting: Box::new(posting) })),
            // A carried account may be old by now. An append would fail then, but a refusal would be wrong: read again
            // first.
            Err(_) if is_carried => Ok(Transition::Step(Step::Rescan { verified })),
            Err(refusal) => {
                let again = Step::Rescan { verified: verified.clone() };
                self.refuse(verified, &related, refusal, again).await
            }
        }
    }

    /// Appends the posting after the verified entries.
    async fn append(&self, verified: Account, posting: Posting) -> Result<Transition, Failure> {
        let appended =
            self.ledger.append_posting(self.account_id, &verified, &posting, &self.request).await?;
        match appended {
            AppendResult::Done => Ok(Transition::Done(CommandEntry {
                entry: posting.entry,
                is_replayed: false,
                reversed: Credits::ZERO,
            })),
            AppendResult::Exists(stored) if stored.entry.is_of(&self.key) => self.replay(*stored, None).await,
            AppendResult::Exists(stored) => Ok(Transition::Lost(stored.entry.account)),
            // The answer of a transaction doesn't carry the entry that changed: read it after a wait.
            AppendResult::Raced => Ok(Transition::Wait(Step::Rescan { verified })),
        }
    }

    /// Confirms a refusal ([`Call::confirm`]).
    ///
    /// Before [`Refusal::HoldExpired`] is answered, the hold's release is written. Otherwise an older call that
    /// captures the hold could still be carried out after this answer.
    async fn refuse(
        &self,
        seen: Account,
        related: &RelatedRecords,
        refusal: Refusal,
        again: Step,
    ) -> Result<Transition, Failure> {
        let is_open = |hold: &HoldOutcome| seen.holds.iter().any(|open| open.sequence == hold.sequence);
        let is_unreleased = related.hold.as_ref().is_some_and(is_open);
        if !is_unreleased || !matches!(refusal, Refusal::HoldExpired { .. }) {
            return self.confirm(seen, related, refusal, again).await;
        }
        let due = refill::decide(&seen, self.now);
        Ok(match self.ledger.append_decision(self.account_id, &seen, &due).await? {
            DecisionResult::Done => Transition::Step(again),
            DecisionResult::Taken | DecisionResult::Raced(_) => Transition::Wait(again),
        })
    }

    /// Confirms a refusal before it is answered; if it can't be confirmed, the call goes on with `again`.
    ///
    /// The earlier reads may have seen half of a transaction, because DynamoDB isolates only reads of a single item. So
    /// one transaction reads the claim, the place after the account's entry, and the related claims once more. It fails
    /// while any of them is being written. If they agree with the earlier reads, the refusal was true at that moment,
    /// and nothing of this call is written later.
    async fn confirm(
        &self,
        seen: Account,
        related: &RelatedRecords,
        refusal: Refusal,
        again: Step,
    ) -> Result<Transition, Failure> {
        let related_keys = related.claims.iter().map(|claim| &claim.key);
        let snapshot = self.ledger.snapshot(self.account_id, &self.key, seen.sequence, related_keys).await?;
        let still_agrees = || {
            let now = snapshot.related.iter().map(Option::as_ref);
            related.claims.iter().zip(now).all(|(read, now)| read.agrees_with(now))
        };
        let is_scanned = !matches!(again, Step::Begin);
        match snapshot.claim {
            Some(claim) if !is_scanned => Ok(Transition::Step(Step::Scan { claim, head: seen })),
            _ if snapshot.is_newest && still_agrees() => Ok(Transition::Refused(refusal)),
            _ => Ok(Transition::Wait(again)),
        }
    }

    /// Reads the debit or hold that the command names. It is read after the account: an append fails unless the
    /// account's entry is still the newest, so both belong together.
    async fn read_related(&self, recent: &[Entry]) -> Result<RelatedRecords, Failure> {
        self.ledger.related(self.account_id, self.command.subject(), recent, self.raise).await
    }

    /// Lets the command decide.
    fn decide_on(&self, account: &Account, related: &RelatedRecords) -> Result<Posting, Refusal> {
        let (debit, hold) = (related.debit.as_ref(), related.hold.as_ref());
        self.command.decide(&CommandState { account, debit, hold, now: self.now })
    }

    /// Answers from the entry that carries the key, if it is of the same request. `claim` is the key's claim if it was
    /// read before; otherwise it is read now.
    async fn replay(&self, stored: StoredEntry, claim: Option<Claim>) -> Result<Transition, Failure> {
        let claim = match claim {
            Some(claim) => Some(claim),
            None => self.ledger.claim(self.account_id, &self.key).await?,
        };
        // An entry from before claims has its request's hash on the claim's row.
        let request = stored.request.or_else(|| claim.as_ref().and_then(|claim| claim.request.clone()));
        if request.is_some_and(|request| request != self.request) {
            let refusal = self.command.lost_to(&stored.entry);
            return refusal.map(Transition::Refused).ok_or(Failure::Fatal(Error::KeyReused));
        }
        let reversed = claim.map(|claim| claim.reversed).unwrap_or_default();
        Ok(Transition::Done(CommandEntry { entry: stored.entry, is_replayed: true, reversed }))
    }

    /// Looks for the command's entry after the verified entries, in one attempt.
    async fn find(&self, verified: Option<&Account>) -> Result<Option<CommandEntry>, Failure> {
        let Some(mut claim) = self.ledger.claim(self.account_id, &self.key).await? else { return Ok(None) };
        claim.from = claim.from.max(verified.map_or(claim.from, |verified| verified.sequence));
        let head = verified.cloned().unwrap_or_else(|| Account::unseen(self.now));
        match self.scan(claim, head).await? {
            Transition::Done(found) => Ok(Some(found)),
            Transition::Refused(refusal) => {
                Err(Failure::Fatal(Error::Refused { refusal: Box::new(refusal), attempts: 1 }))
            }
            // The scan didn't reach the newest entry, so the key's entry may follow.
            Transition::AtOnce(_) => Err(Failure::contended()),
            _ => Ok(None),
        }
    }

    /// Looks for the entry once more before the call gives up: an attempt whose answer was lost may have written it.
    async fn last_look(&self, step: Step, enough: Error) -> Result<CommandEntry, Error> {
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
