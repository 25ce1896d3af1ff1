//! The item of a claim: an entry with the key can only come after the entry `from`.
//!
//! A claim is written before the command's entry, and is never deleted. A debit's claim also has the total of its
//! reversals. Rows from before claims name the entry itself (`sequence`) and have the request's fingerprint, because
//! one transaction wrote them together with their entry.

use scrip_accounts::{AccountId, CommandKey, Sequence};
use scrip_pricing::Credits;
use serde::{Deserialize, Serialize};

use super::{Item, StoredEntry, from_item, to_item};
use crate::{Error, keys, request_hash::RequestHash};

#[derive(Debug, Serialize, Deserialize)]
struct ClaimItem {
    pk: String,
    sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Sequence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<RequestHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reversed: Option<Credits>,
}

/// The claim of a key, which may or may not have an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// No entry up to this one carries the key.
    pub from: Sequence,
    /// The entry that carries the key, if the row names it.
    pub sequence: Option<Sequence>,
    /// The request's hash, if this row has it instead of the entry.
    pub request: Option<RequestHash>,
    /// The debit's credits that came back.
    pub reversed: Credits,
}

/// The item of a new claim.
///
/// # Errors
/// [`Error::Internal`] if it can't be encoded, which never happens.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{AccountId, CommandKey, DebitId, Sequence};
/// use scrip_ledger::encoding::write_claim;
///
/// let key = CommandKey::Debit(DebitId::parse("job-1")?);
/// let item = write_claim(&AccountId::parse("alice")?, &key, Sequence::new(41))?;
/// assert_eq!(item["pk"].as_s().unwrap(), "OPERATION#alice#debit#job-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_claim(account_id: &AccountId, key: &CommandKey, from: Sequence) -> Result<Item, Error> {
    let key = keys::operation(account_id, key);
    to_item(&ClaimItem {
        pk: key.pk,
        sk: key.sk,
        from: Some(from),
        sequence: None,
        request: None,
        reversed: None,
    })
}

/// The item of a lost claim, rebuilt from its entry and the total of its reversals. If the entry has no fingerprint,
/// the claim gets the form from before claims; the fingerprint stays lost.
pub(crate) fn rebuilt_claim(
    account_id: &AccountId,
    stored: &StoredEntry,
    key: &CommandKey,
    reversed: Credits,
) -> Result<Item, Error> {
    let key = keys::operation(account_id, key);
    let sequence = stored.entry.account.sequence;
    let is_reversed = !reversed.is_zero();
    to_item(&ClaimItem {
        pk: key.pk,
        sk: key.sk,
        from: stored.request.as_ref().map(|_| before(sequence)),
        sequence: (is_reversed || stored.request.is_none()).then_some(sequence),
        request: None,
        reversed: is_reversed.then_some(reversed),
    })
}

/// The claim of an item.
///
/// # Errors
/// [`Error::Internal`] if the item has neither `from` nor `sequence`.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{AccountId, CommandKey, DebitId, Sequence};
/// use scrip_ledger::encoding::{read_claim, write_claim};
///
/// let key = CommandKey::Debit(DebitId::parse("job-1")?);
/// let item = write_claim(&AccountId::parse("alice")?, &key, Sequence::new(41))?;
/// assert_eq!(read_claim(item)?.from, Sequence::new(41));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_claim(item: Item) -> Result<Claim, Error> {
    let item: ClaimItem = from_item(item)?;
    let from = item.from.or_else(|| item.sequence.map(before));
    Ok(Claim {
        from: from.ok_or_else(|| Error::corrupt(&item.pk, &item.sk, "from"))?,
        sequence: item.sequence,
        request: item.request,
        reversed: item.reversed.unwrap_or_default(),
    })
}

fn before(sequence: Sequence) -> Sequence {
    Sequence::new(sequence.get().saturating_sub(1))
}
