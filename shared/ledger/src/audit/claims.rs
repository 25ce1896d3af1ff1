//! Matches keys and their claims. They are in different partitions, so both are kept until all rows were read: about
//! 150 bytes a key.

use std::collections::{HashMap, HashSet};

use scrip_accounts::{AccountId, CommandKey, Sequence};
use scrip_pricing::Credits;
use sha2::{Digest as _, Sha256};

use super::{
    accounts::{AccountNumber, Accounts},
    finding::{Finding, Row},
    fix::{Attribute, Fix, Repair},
    problem::Problem,
};
use crate::{
    Error,
    items::{self, Claim},
    keys,
    request_hash::RequestHash,
};

/// The digest of an account's key: the first half of a SHA-256 hash. Two keys don't share it by chance.
type Digest = [u64; 2];

/// An entry that carries a key.
#[derive(Debug)]
struct KeyUse {
    digest: Digest,
    sequence: Sequence,
    /// The credits that it took; `None` for a hold, because its capture has them.
    taken: Option<Credits>,
    account: AccountNumber,
    has_fingerprint: bool,
}

/// A claim.
#[derive(Debug)]
struct ClaimSummary {
    digest: Digest,
    from: Sequence,
    /// [`Sequence::NONE`] if it names no entry.
    sequence: Sequence,
    /// The start and the length of its key within `texts`.
    text: (usize, u16),
    account: AccountNumber,
    form: ClaimForm,
    has_fingerprint: bool,
}

/// The form of a claim's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimForm {
    /// It has a `from`.
    From,
    /// It has the old form, which names the entry.
    Old,
    /// It can't be read.
    Unreadable,
}

/// The sum of a debit's reversals.
#[derive(Debug)]
struct ReversalTotal {
    credits: Credits,
    account: AccountNumber,
    /// The newest reversal.
    sequence: Sequence,
}

/// All keys and claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    uses: Vec<KeyUse>,
    seen: Vec<ClaimSummary>,
    texts: String,
    /// The totals of reversals on claims, without those that are zero.
    counted: HashMap<Digest, Credits>,
    /// The credits that captures took from holds.
    captured: HashMap<Digest, Credits>,
    returned: HashMap<Digest, ReversalTotal>,
}

/// The result of matching.
#[derive(Debug, Default)]
pub(super) struct ClaimMatches {
    pub(super) findings: Vec<Finding>,
    pub(super) repairs: Vec<Repair>,
    pub(super) dangling: u64,
    /// The accounts with a reversal whose debit wasn't found: it may belong to any of their debits.
    unclear: HashSet<AccountNumber>,
}

fn digest(account_id: &AccountId, key: &CommandKey) -> Digest {
    let hash = Sha256::digest(keys::operation(account_id, key).pk);
    let half = |at: usize| hash.iter().skip(at).take(8).fold(0, |half, byte| half << 8 | u64::from(*byte));
    [half(0), half(8)]
}

impl Claims {
    /// Takes the key of an entry, and the credits that the entry took.
    pub(super) fn take_key(
        &mut self,
        account: (AccountNumber, &AccountId),
        key: &CommandKey,
        (sequence, taken): (Sequence, Option<Credits>),
        has_fingerprint: bool,
    ) {
        let (account, digest) = (account.0, digest(account.1, key));
        self.uses.push(KeyUse { digest, sequence, taken, account, has_fingerprint });
    }

    /// Takes the credits that the capture of a hold took.
    pub(super) fn take_capture(&mut self, account_id: &AccountId, hold: &CommandKey, captured: Credits) {
        self.captured.insert(digest(account_id, hold), captured);
    }

    /// Takes the credits that a reversal gave back.
    pub(super) fn take_reversal(
        &mut self,
        account: (AccountNumber, &AccountId),
        debit: &CommandKey,
        (sequence, credits): (Sequence, Credits),
    ) {
        let returned = self.returned.entry(digest(account.1, debit));
        let returned =
            returned.or_insert(ReversalTotal { credits: Credits::ZERO, account: account.0, sequence });
        returned.credits = returned.credits.checked_add(credits).unwrap_or(returned.credits);
        returned.sequence = returned.sequence.max(sequence);
    }

    /// Takes a claim; `claim` is `None` if it can't be read.
    pub(super) fn take_claim(
        &mut self,
        account: (AccountNumber, &AccountId),
        key: &CommandKey,
        claim: Option<&Claim>,
        form: ClaimForm,
    ) {
        let digest = digest(account.1, key);
        let start = self.texts.len();
        self.texts.push_str(&keys::key_text(key));
        let length = u16::try_from(self.texts.len() - start).unwrap_or(u16::MAX);
        if let Some(reversed) = claim.map(|claim| claim.reversed).filter(|reversed| !reversed.is_zero()) {
            self.counted.insert(digest, reversed);
        }
        self.seen.push(ClaimSummary {
            digest,
            from: claim.map_or(Sequence::NONE, |claim| claim.from),
            sequence: claim.and_then(|claim| claim.sequence).unwrap_or(Sequence::NONE),
            text: (start, length),
            account: account.0,
            form: claim.map_or(ClaimForm::Unreadable, |_| form),
            has_fingerprint: claim
                .and_then(|claim| claim.request.as_ref())
                .is_some_and(RequestHash::is_whole),
        });
    }

    /// Matches keys and claims, after all were taken.
    pub(super) fn finish(mut self, accounts: &Accounts) -> Result<ClaimMatches, Error> {
        self.uses.sort_unstable_by_key(|used| (used.digest, used.sequence));
        self.seen.sort_unstable_by_key(|claim| claim.digest);
        let mut matched = ClaimMatches::default();
        let is_used = |digest| self.uses.binary_search_by_key(digest, |used| used.digest).is_ok();
        for (_, returned) in self.returned.iter().filter(|(digest, _)| !is_used(digest)) {
            let row = entry_row(accounts, returned.account, returned.sequence);
            matched.add(accounts, returned.account, row, Problem::NoDebit);
            matched.unclear.insert(returned.account);
        }
        let mut claims = self.seen.iter().peekable();
        for uses in self.uses.chunk_by(|one, other| one.digest == other.digest) {
            while let Some(claim) = claims.next_if(|claim| claim.digest < uses[0].digest) {
                self.match_alone(claim, accounts, &mut matched)?;
            }
            let claim = claims.next_if(|claim| claim.digest == uses[0].digest);
            self.match_uses(uses, claim, accounts, &mut matched)?;
        }
        for claim in claims {
            self.match_alone(claim, accounts, &mut matched)?;
        }
        Ok(matched)
    }

    /// Checks the entries of one key, the first of which is the command's, against the key's claim.
    fn match_uses(
        &self,
        uses: &[KeyUse],
        claim: Option<&ClaimSummary>,
        accounts: &Accounts,
        matched: &mut ClaimMatches,
    ) -> Result<(), Error> {
        let Some((first, others)) = uses.split_first() else { return Ok(()) };
        let (account, sequence) = (first.account, first.sequence);
        for other in others {
            let row = entry_row(accounts, account, other.sequence);
            matched.add(accounts, account, row, Problem::SameKey(sequence));
        }
        let row = || entry_row(accounts, account, sequence);
        let reversed = self.returned.get(&first.digest).map(|returned| returned.credits).unwrap_or_default();
        let captured = || self.captured.get(&first.digest).copied().unwrap_or_default();
        if !first.taken.unwrap_or_else(captured).covers(reversed) {
            matched.add(accounts, account, row(), Problem::ReversedTooMuch);
        }
        let is_fingerprint_lost =
            !first.has_fingerprint && !claim.is_some_and(|claim| claim.is_old() && claim.has_fingerprint);
        if is_fingerprint_lost {
            matched.add(accounts, account, row(), Problem::NoFingerprint);
        }
        let Some(claim) = claim else {
            matched.add(accounts, account, row(), Problem::NoClaim);
            matched.mend(accounts, account, row(), Fix::RebuildClaim { sequence, reversed });
            return Ok(());
        };
        if claim.form == ClaimForm::Unreadable {
            return Ok(());
        }
        let is_old = claim.is_old();
        let (claim_row, counted) = (self.row(claim, accounts), self.counted(claim));
        let mut problems = Vec::new();
        if claim.from >= sequence && !is_old {
            problems.push(Problem::ClaimBehindEntry(sequence));
        }
        let must_name = is_old || !reversed.is_zero() || claim.sequence != Sequence::NONE;
        if must_name && claim.sequence != sequence {
            problems.push(Problem::ClaimNamesAnother(sequence));
        }
        if counted != reversed {
            problems.push(Problem::WrongTotal { counted, reversed });
        }
        if !problems.is_empty() {
            let below = Sequence::new(sequence.get().saturating_sub(1));
            let from = (!is_old).then(|| claim.from.min(below));
            let is_named = must_name || !counted.is_zero();
            let total = (!reversed.is_zero()).then_some(reversed);
            let after = attributes(from, is_named.then_some(sequence), total)?;
            let fix = Fix::Set { before: self.attributes(claim)?, after };
            matched.mend(accounts, account, claim_row.clone(), fix);
        }
        for problem in problems {
            matched.add(accounts, account, claim_row.clone(), problem);
        }
        Ok(())
    }

    /// Checks a claim without an entry. That is ordinary, unless it refers to entries that don't carry its key.
    fn match_alone(
        &self,
        claim: &ClaimSummary,
        accounts: &Accounts,
        matched: &mut ClaimMatches,
    ) -> Result<(), Error> {
        if claim.form == ClaimForm::Unreadable {
            return Ok(());
        }
        let newest = accounts.get(claim.account).history.newest_sequence();
        if claim.from <= newest && claim.sequence == Sequence::NONE {
            matched.dangling += 1;
            return Ok(());
        }
        let row = self.row(claim, accounts);
        let after = attributes(Some(claim.from.min(newest)), None, None)?;
        let fix = Fix::Set { before: self.attributes(claim)?, after };
        matched.add(accounts, claim.account, row.clone(), Problem::StrayClaim);
        matched.mend(accounts, claim.account, row, fix);
        Ok(())
    }

    fn row(&self, claim: &ClaimSummary, accounts: &Accounts) -> Row {
        let (start, length) = claim.text;
        let key = self.texts.get(start..start + usize::from(length)).unwrap_or_default();
        keys::claim(&accounts.get(claim.account).id, key).into()
    }

    fn counted(&self, claim: &ClaimSummary) -> Credits {
        self.counted.get(&claim.digest).copied().unwrap_or_default()
    }

    /// A claim's attributes as they were read.
    fn attributes(&self, claim: &ClaimSummary) -> Result<Vec<Attribute>, Error> {
        let counted = self.counted(claim);
        attributes(
            (claim.form == ClaimForm::From).then_some(claim.from),
            (claim.sequence != Sequence::NONE).then_some(claim.sequence),
            (!counted.is_zero()).then_some(counted),
        )
    }
}

impl ClaimSummary {
    fn is_old(&self) -> bool {
        self.form == ClaimForm::Old
    }
}

impl ClaimMatches {
    fn add(&mut self, accounts: &Accounts, account: AccountNumber, row: Row, problem: Problem) {
        let account_id = Some(accounts.get(account).id.clone());
        self.findings.push(Finding::new(account_id, row, problem));
    }

    /// Adds a repair, unless an entry of the account is missing or can't be read: a total that is lowered without it
    /// would let credits come back twice.
    fn mend(&mut self, accounts: &Accounts, account: AccountNumber, row: Row, fix: Fix) {
        let seen = accounts.get(account);
        if seen.history.is_whole() && !self.unclear.contains(&account) {
            let newest = Some(seen.history.newest_sequence());
            self.repairs.push(Repair { account_id: Some(seen.id.clone()), row, newest, fix });
        }
    }
}

fn entry_row(accounts: &Accounts, account: AccountNumber, sequence: Sequence) -> Row {
    keys::entry(&accounts.get(account).id, sequence).into()
}

fn attributes(
    from: Option<Sequence>,
    sequence: Option<Sequence>,
    reversed: Option<Credits>,
) -> Result<Vec<Attribute>, Error> {
    let number = |sequence: Sequence| items::number(sequence.get());
    Ok(vec![
        (keys::FROM, from.map(number)),
        (keys::SEQUENCE, sequence.map(number)),
        (keys::REVERSED, reversed.map(|credits| items::attribute(&credits)).transpose()?),
    ])
}
