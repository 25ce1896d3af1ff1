//! Scans the entries after a claim for the one that carries its key.

use aws_sdk_dynamodb::operation::query::{QueryInput, builders::QueryInputBuilder};
use scrip_accounts::{Account, AccountId, CommandKey, Entry, Sequence};

use crate::{
    Error, Ledger,
    error::{Failure, classify},
    items::{self, StoredEntry},
    keys,
};

/// The entries of the first page. A command's entry mostly follows its claim, and four entries of up to 1 KB cost one
/// read unit.
const SCAN_ENTRIES_FIRST: i32 = 4;
/// The entries of each further page.
const SCAN_ENTRIES_MAX: i32 = 500;
/// The most pages that one attempt of a command reads. The next attempt goes on from there.
const SCAN_PAGES_MAX: u32 = 64;
/// The most pages that a reader reads, because it has no next attempt.
const SCAN_PAGES_READER_MAX: u32 = 2_000;
/// A claim is raised once a scan has read more than this number of entries after it.
const RAISE_ENTRIES_MIN: usize = 32;

/// Whether a scan raises the claim after it has read many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RaisePolicy {
    /// The claim is raised, so no later call reads these entries again.
    Claim,
    /// The claim stays, because readers write nothing.
    Nothing,
}

/// The result of a scan.
#[derive(Debug)]
pub(crate) enum ScanResult {
    /// The entry that carries the key.
    Found(Box<StoredEntry>),
    /// No entry carries the key. It has the account after the newest entry; `None` if no entry follows the claim.
    Absent(Option<Account>),
    /// No entry up to this account's carries the key, and more follow.
    Unfinished(Account),
}

impl Ledger {
    /// Looks for the entry that carries a key among all entries after `from`, oldest first, in one attempt.
    ///
    /// A gap in the sequences means that a transaction is half visible: the scan fails, and another attempt may
    /// succeed.
    pub(crate) async fn scan(
        &self,
        account_id: &AccountId,
        key: &CommandKey,
        from: Sequence,
        raise: RaisePolicy,
    ) -> Result<ScanResult, Failure> {
        let (mut newest, mut seen): (Option<Account>, usize) = (None, 0);
        let pages_max = match raise {
            RaisePolicy::Claim => SCAN_PAGES_MAX,
            RaisePolicy::Nothing => SCAN_PAGES_READER_MAX,
        };
        for page in 0..pages_max {
            let limit = if page == 0 { SCAN_ENTRIES_FIRST } else { SCAN_ENTRIES_MAX };
            let after = newest.as_ref().map_or(from, |account| account.sequence);
            let answer = self.query(entries_after(account_id, after).limit(limit)).await;
            let answer = answer.map_err(|error| classify("look for an entry", error))?;
            let is_last = answer.last_evaluated_key.is_none();
            for item in answer.items.unwrap_or_default() {
                let stored = items::read_entry(item)?;
                check_follows(newest.as_ref(), from, &stored.entry)?;
                if stored.entry.is_of(key) {
                    return Ok(ScanResult::Found(Box::new(stored)));
                }
                newest = Some(stored.entry.account);
                seen += 1;
            }
            if let Some(account) =
                newest.as_ref().filter(|_| seen > RAISE_ENTRIES_MIN && raise == RaisePolicy::Claim)
                && let Err(failure @ Failure::Fatal(_)) =
                    self.raise_claim(account_id, key, account.sequence).await
            {
                // Any other failure costs no more than the next scan's time.
                return Err(failure);
            }
            if is_last {
                return Ok(ScanResult::Absent(newest));
            }
        }
        newest.map(ScanResult::Unfinished).ok_or_else(Failure::contended)
    }
}

/// The entries after one, oldest first.
fn entries_after(account_id: &AccountId, after: Sequence) -> QueryInputBuilder {
    QueryInput::builder()
        .key_condition_expression("#pk = :pk AND #sk BETWEEN :oldest AND :newest")
        .expression_attribute_names("#pk", keys::PK)
        .expression_attribute_names("#sk", keys::SK)
        .expression_attribute_values(":pk", items::text(keys::account(account_id)))
        .expression_attribute_values(":oldest", items::text(keys::entry_sort(after.next())))
        .expression_attribute_values(":newest", items::text(keys::entry_sort(keys::SEQUENCE_MAX)))
        .scan_index_forward(true)
        .consistent_read(true)
}

/// Checks that an entry follows the one before. It repeats the check of the journal that made the entry.
fn check_follows(before: Option<&Account>, from: Sequence, entry: &Entry) -> Result<(), Failure> {
    if entry.account.sequence != before.map_or(from, |before| before.sequence).next() {
        return Err(Failure::contended());
    }
    let adds_up =
        before.is_none_or(|before| entry.change.apply(before.balance) == Some(entry.account.balance));
    if adds_up { Ok(()) } else { Err(Error::internal("read the history", "an entry doesn't add up").into()) }
}
