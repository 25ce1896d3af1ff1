//! Every key of the table, and the attribute names that expressions use (README.md lists the items).
//!
//! | item | pk | sk |
//! |---|---|---|
//! | entry | `ACCOUNT#<account>` | `ENTRY#<sequence, 12 digits>` |
//! | claim | `OPERATION#<account>#<kind>#<key>` | `OPERATION` |
//! | purchase | `ACCOUNT#<account>` | `PURCHASE#<purchase>` |
//! | bought | `ACCOUNT#<account>` | `BOUGHT#<time of payment>#<purchase>` |
//! | subscription | `SUBSCRIPTION#<subscription>` | `SUBSCRIPTION` |
//! | payment | `PAYMENT#<payment>` | `PAYMENT` |
//! | customer | `CUSTOMER#<customer>` | `CUSTOMER` |
//! | due | `ACCOUNT#<account>` | `DUE` |
//! | parked | `PARKED#<object>` | `PARKED` |
//!
//! No id contains `#`, so no two items can share a key. The longest key is a claim's: two chosen ids of 128 bytes each
//! and 22 bytes more. DynamoDB allows 2,048 bytes for a partition key and 1,024 for a sort key.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use scrip_accounts::{
    AccountId, CommandKey, CustomerId, PaymentId, Period, Purchase, PurchaseId, Sequence, SubscriptionId,
};

use crate::Error;

/// The partition key.
pub(crate) const PK: &str = "pk";
/// The sort key.
pub(crate) const SK: &str = "sk";
/// On a claim: no entry up to this sequence carries its key.
pub(crate) const FROM: &str = "from";
/// On the claim of a reversed debit: the sequence of the debit's entry.
pub(crate) const SEQUENCE: &str = "sequence";
/// On the claim of a debit: the credits that came back so far.
pub(crate) const REVERSED: &str = "reversed";
/// The account that a row belongs to.
pub(crate) const ACCOUNT_ID: &str = "account_id";
/// The number of writes of a purchase's or a subscription's record.
pub(crate) const REVISION: &str = "revision";
/// The time at which a payment was parked.
pub(crate) const PARKED_AT: &str = "parked_at";
/// The reason for which a payment was parked.
pub(crate) const REASON: &str = "reason";

/// The sparse index of due accounts, pending refunds and parked payments, and the attribute that is its key.
pub(crate) const DUE: &str = "due";

/// The index's partition of purchases whose refund is pending.
pub(crate) const PENDING_REFUNDS: &str = "REFUND";

/// The index's partition of parked payments.
pub(crate) const PARKED: &str = "PARKED";

/// The number of index partitions over which a month's due accounts are spread.
pub const DUE_SHARDS: u64 = 16;

/// An item's primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    /// The key as the SDK's attributes.
    pub(crate) fn into_attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// The partition of an account: its entries and its due row.
pub(crate) fn account(account_id: &AccountId) -> String {
    format!("ACCOUNT#{account_id}")
}

/// A partition that no account has, because no id is empty.
pub(crate) const NO_ACCOUNT: &str = "ACCOUNT#";

/// The sort key of an entry. It has twelve digits, so the order of texts is the order of numbers.
pub(crate) fn entry_sort(sequence: Sequence) -> String {
    format!("ENTRY#{:012}", sequence.get())
}

/// The highest sequence that twelve digits can hold.
pub(crate) const SEQUENCE_MAX: Sequence = Sequence::new(999_999_999_999);

/// The prefix of the sort keys of entries.
pub(crate) const ENTRY_PREFIX: &str = "ENTRY#";

/// The key of an entry.
pub(crate) fn entry(account_id: &AccountId, sequence: Sequence) -> Key {
    Key { pk: account(account_id), sk: entry_sort(sequence) }
}

/// The key of a purchase's record.
pub(crate) fn purchase(account_id: &AccountId, id: &PurchaseId) -> Key {
    Key { pk: account(account_id), sk: format!("{PURCHASE_PREFIX}{id}") }
}

/// The prefix of the sort keys of purchases.
pub(crate) const PURCHASE_PREFIX: &str = "PURCHASE#";

/// The key of the row that lists a purchase in the order of payments. It has ten digits of seconds, so the order of
/// texts is the order of times.
pub(crate) fn bought(account_id: &AccountId, purchase: &Purchase) -> Key {
    let seconds = purchase.paid_at.timestamp().clamp(0, 9_999_999_999);
    Key { pk: account(account_id), sk: format!("{BOUGHT_PREFIX}{seconds:010}#{}", purchase.id) }
}

/// The prefix of the sort keys of rows that list purchases.
pub(crate) const BOUGHT_PREFIX: &str = "BOUGHT#";

/// The purchase id in the sort key of a row that lists a purchase.
pub(crate) fn purchase_of_bought(sk: &str) -> Result<PurchaseId, Error> {
    let id = sk.strip_prefix(BOUGHT_PREFIX).and_then(|rest| rest.split_once('#')).map(|(_, id)| id);
    let corrupt = || Error::corrupt("a list of purchases", sk, "purchase");
    PurchaseId::parse(id.ok_or_else(corrupt)?).map_err(|_| corrupt())
}

/// The key of a subscription's record. It is in no account's partition, because the record is read to find the account.
pub(crate) fn subscription(id: &SubscriptionId) -> Key {
    Key { pk: format!("SUBSCRIPTION#{id}"), sk: "SUBSCRIPTION".to_owned() }
}

/// The key of a payment's owner row, which names the account and the purchase.
pub(crate) fn payment(id: &PaymentId) -> Key {
    Key { pk: format!("PAYMENT#{id}"), sk: "PAYMENT".to_owned() }
}

/// The key of an owner row by a purchase's own id.
pub(crate) fn paid(id: &PurchaseId) -> Key {
    Key { pk: format!("PAYMENT#{id}"), sk: "PAYMENT".to_owned() }
}

/// The keys of a purchase's owner rows: one for each payment, and one for its own id if that is no payment's.
pub(crate) fn payments(purchase: &Purchase) -> impl Iterator<Item = Key> {
    let is_named = purchase.payment_ids.iter().any(|payment| payment.as_str() == purchase.id.as_str());
    purchase.payment_ids.iter().map(payment).chain((!is_named).then(|| paid(&purchase.id)))
}

/// The key of the row of a customer's first account.
pub(crate) fn customer(id: &CustomerId) -> Key {
    Key { pk: format!("CUSTOMER#{id}"), sk: "CUSTOMER".to_owned() }
}

/// The key of a parked payment, by the id of the Stripe object.
pub(crate) fn parked(object_id: &str) -> Key {
    Key { pk: format!("PARKED#{object_id}"), sk: "PARKED".to_owned() }
}

/// The id of the Stripe object in a parked payment's key.
pub(crate) fn parked_of(mut item: HashMap<String, AttributeValue>) -> Result<String, Error> {
    let corrupt = || Error::corrupt("due index", PARKED, "object");
    let Some(AttributeValue::S(pk)) = item.remove(PK) else { return Err(corrupt()) };
    pk.strip_prefix("PARKED#").map(str::to_owned).ok_or_else(corrupt)
}

/// The key of the row that lists an account as due at the next month's turn.
pub(crate) fn due(account_id: &AccountId) -> Key {
    Key { pk: account(account_id), sk: "DUE".to_owned() }
}

/// The account and the purchase in the key of a purchase's record.
pub(crate) fn purchase_of(
    mut item: HashMap<String, AttributeValue>,
) -> Result<(AccountId, PurchaseId), Error> {
    let corrupt = || Error::corrupt("due index", "PURCHASE", "purchase");
    let Some(AttributeValue::S(sk)) = item.remove(SK) else { return Err(corrupt()) };
    let id = sk.strip_prefix(PURCHASE_PREFIX).ok_or_else(corrupt)?;
    Ok((account_of(item)?, PurchaseId::parse(id).map_err(|_| corrupt())?))
}

/// The account in the partition key of an item.
pub(crate) fn account_of(mut item: HashMap<String, AttributeValue>) -> Result<AccountId, Error> {
    let corrupt = || Error::corrupt("due index", "DUE", "account");
    let Some(AttributeValue::S(pk)) = item.remove(PK) else { return Err(corrupt()) };
    account_of_partition(&pk).ok_or_else(corrupt)
}

/// The account of a partition key; `None` if the partition is no account's.
pub(crate) fn account_of_partition(pk: &str) -> Option<AccountId> {
    AccountId::parse(pk.strip_prefix("ACCOUNT#")?).ok()
}

/// A partition key of the due index: the accounts' month and a shard.
pub(crate) fn due_partition(month: Period, shard: u64) -> String {
    format!("{month}#{shard:02}")
}

/// An account's shard in the due index. The hash never changes, so an account stays in one shard.
pub(crate) fn due_shard(account_id: &AccountId) -> u64 {
    // FNV-1a spreads short ids evenly. It need not be hard to guess.
    let hash = account_id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % DUE_SHARDS
}

/// The key of the claim of a command's key.
pub(crate) fn operation(account_id: &AccountId, key: &CommandKey) -> Key {
    claim(account_id, &key_text(key))
}

/// The key of a claim, given the command's key as [`key_text`].
pub(crate) fn claim(account_id: &AccountId, key_text: &str) -> Key {
    Key { pk: format!("OPERATION#{account_id}#{key_text}"), sk: "OPERATION".to_owned() }
}

/// A command's key as text.
pub(crate) fn key_text(key: &CommandKey) -> String {
    format!("{}#{}", key.kind(), key.id())
}

#[cfg(test)]
mod tests {
    use scrip_accounts::{DebitId, HoldId, ReversalId};

    use super::*;

    #[test]
    fn keys_have_their_documented_form() {
        let alice = AccountId::parse("alice").unwrap();
        let debit = CommandKey::Debit(DebitId::parse("d-1").unwrap());
        let reversal = CommandKey::Reversal(ReversalId::parse("r-1").unwrap());
        let hold = CommandKey::Hold(HoldId::parse("h-1").unwrap());
        let settlement = CommandKey::Settlement(HoldId::parse("h-1").unwrap());
        let period: Period = "2026-11".parse().unwrap();
        for (key, pk, sk) in [
            (entry(&alice, Sequence::new(42)), "ACCOUNT#alice", "ENTRY#000000000042"),
            (operation(&alice, &debit), "OPERATION#alice#debit#d-1", "OPERATION"),
            (operation(&alice, &reversal), "OPERATION#alice#reversal#r-1", "OPERATION"),
            // A hold and a debit with the same id could not be distinguished by a reversal, so they share a key.
            (operation(&alice, &hold), "OPERATION#alice#debit#h-1", "OPERATION"),
            (operation(&alice, &settlement), "OPERATION#alice#settlement#h-1", "OPERATION"),
            (due(&alice), "ACCOUNT#alice", "DUE"),
            (purchase(&alice, &PurchaseId::parse("in_1").unwrap()), "ACCOUNT#alice", "PURCHASE#in_1"),
            (subscription(&SubscriptionId::parse("sub_1").unwrap()), "SUBSCRIPTION#sub_1", "SUBSCRIPTION"),
            (payment(&PaymentId::parse("pi_1").unwrap()), "PAYMENT#pi_1", "PAYMENT"),
            (paid(&PurchaseId::parse("in_1").unwrap()), "PAYMENT#in_1", "PAYMENT"),
            (customer(&CustomerId::parse("cus_1").unwrap()), "CUSTOMER#cus_1", "CUSTOMER"),
            (parked("in_1"), "PARKED#in_1", "PARKED"),
        ] {
            assert_eq!((key.pk.as_str(), key.sk.as_str()), (pk, sk));
        }
        // If an account's shard changed, rows of earlier months would be orphaned.
        assert_eq!(due_partition(period, due_shard(&alice)), "2026-11#07");
    }

    #[test]
    fn the_readme_lists_each_item_with_its_keys() {
        let alice = AccountId::parse("alice").unwrap();
        let debit = CommandKey::Debit(DebitId::parse("d-1").unwrap());
        let keys = [
            ("entry", entry(&alice, Sequence::new(42))),
            ("claim", operation(&alice, &debit)),
            ("due", due(&alice)),
            ("purchase", purchase(&alice, &PurchaseId::parse("in_1").unwrap())),
            ("bought", Key { pk: account(&alice), sk: format!("{BOUGHT_PREFIX}1793696400#in_1") }),
            ("subscription", subscription(&SubscriptionId::parse("sub_1").unwrap())),
            ("payment", payment(&PaymentId::parse("pi_1").unwrap())),
            ("customer", customer(&CustomerId::parse("cus_1").unwrap())),
            ("parked", parked("in_1")),
        ];
        let rows = include_str!("../README.md").lines().filter_map(|line| line.strip_prefix("| "));
        let rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>()).filter(|row| row.len() == 4);
        let listed: Vec<_> = rows.filter(|row| row[1].contains('#')).collect();
        assert_eq!(
            listed.iter().map(|row| row[0]).collect::<Vec<_>>(),
            keys.each_ref().map(|(item, _)| *item)
        );
        for (row, (item, key)) in listed.iter().zip(&keys) {
            assert!(has_form(&key.pk, row[1]) && has_form(&key.sk, row[2]), "{item}: {key:?}, {row:?}");
        }
    }

    /// Whether a key has a documented form, such as `` `PURCHASE#<purchase>` ``: its literal parts, with an id in each gap.
    fn has_form(key: &str, form: &str) -> bool {
        let mut rest = key;
        let parts = form.trim_matches('`').split(['<', '>']).enumerate();
        for (index, part) in parts.filter(|(_, part)| !part.is_empty()) {
            let is_literal = index % 2 == 0;
            let length = rest.find('#').unwrap_or(rest.len());
            let Some(after) = (if is_literal { rest.strip_prefix(part) } else { rest.get(length..) }) else {
                return false;
            };
            rest = after;
        }
        rest.is_empty()
    }

    /// Subjects of common identity providers, and texts that look like parts of a key.
    const ODD: [&str; 9] = [
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "google-oauth2|104234567890123456789",
        "user@example.com",
        "f:1b2c:ann",
        "a+b=c~d",
        "ENTRY",
        "debit",
        ".",
        "-",
    ];

    #[test]
    fn different_ids_have_different_keys() {
        let mut keys = std::collections::BTreeSet::new();
        let mut count = 0;
        for account in ODD.map(|id| AccountId::parse(id).unwrap()) {
            for id in ODD {
                for of in [
                    CommandKey::Debit(DebitId::parse(id).unwrap()),
                    CommandKey::Reversal(ReversalId::parse(id).unwrap()),
                    CommandKey::Settlement(HoldId::parse(id).unwrap()),
                ] {
                    let key = operation(&account, &of);
                    assert!(keys.insert((key.pk.clone(), key.sk.clone())), "{key:?}");
                    count += 1;
                }
            }
            for key in [entry(&account, Sequence::new(1)), due(&account)] {
                assert!(keys.insert((key.pk.clone(), key.sk.clone())), "{key:?}");
                count += 1;
            }
        }
        assert_eq!(count, 9 * (9 * 3 + 2));
    }

    #[test]
    fn an_account_is_read_back_from_its_key() {
        for id in ODD {
            let id = AccountId::parse(id).unwrap();
            assert_eq!(account_of(due(&id).into_attributes()).unwrap(), id);
            let purchase_id = PurchaseId::parse("pi_1").unwrap();
            let key = purchase(&id, &purchase_id).into_attributes();
            assert_eq!(purchase_of(key).unwrap(), (id, purchase_id));
        }
    }

    #[test]
    fn the_longest_ids_fit_into_keys() {
        let longest = AccountId::parse("~".repeat(128)).unwrap();
        let debit = CommandKey::Debit(DebitId::parse("|".repeat(128)).unwrap());
        let reversal = CommandKey::Reversal(ReversalId::parse("|".repeat(128)).unwrap());
        let settlement = CommandKey::Settlement(HoldId::parse("|".repeat(128)).unwrap());
        let stripes = PurchaseId::parse("x".repeat(255)).unwrap();
        for (key, lengths) in [
            (operation(&longest, &debit), (273, 9)),
            (operation(&longest, &reversal), (276, 9)),
            (operation(&longest, &settlement), (278, 9)),
            (purchase(&longest, &stripes), (136, 264)),
            (paid(&stripes), (263, 7)),
        ] {
            assert_eq!((key.pk.len(), key.sk.len()), lengths, "{key:?}");
        }
    }

    #[test]
    fn due_accounts_spread_over_all_shards() {
        let mut counts = [0; 16];
        for number in 0..16_000 {
            let id = AccountId::parse(format!("user-{number}")).unwrap();
            counts[usize::try_from(due_shard(&id)).unwrap()] += 1;
        }
        for count in counts {
            assert!((800..1200).contains(&count), "{counts:?}");
        }
    }
}
