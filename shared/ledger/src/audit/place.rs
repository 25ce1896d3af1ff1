//! Parses the keys of rows: the inverse of keys.rs.

use scrip_accounts::{
    AccountId, AdjustmentId, CommandKey, DebitId, HoldId, PurchaseId, ReversalId, Sequence,
};

use crate::keys;

/// The kind of a row, and the ids in its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Entry(AccountId, Sequence),
    Due(AccountId),
    Purchase(AccountId, PurchaseId),
    Bought(AccountId),
    Claim(AccountId, CommandKey),
    Owner(OwnerKind),
    Subscription,
    Parked,
}

/// The kind of an owner row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnerKind {
    Payment,
    Customer,
}

impl Place {
    /// Parses a key; `None` if the ledger has no such rows.
    pub(super) fn of(pk: &str, sk: &str) -> Option<Self> {
        let (kind, id) = pk.split_once('#')?;
        match (kind, sk) {
            ("ACCOUNT", _) => Self::in_account(AccountId::parse(id).ok()?, sk),
            ("OPERATION", "OPERATION") => Self::claim(id),
            ("PAYMENT", "PAYMENT") => Some(Self::Owner(OwnerKind::Payment)),
            ("CUSTOMER", "CUSTOMER") => Some(Self::Owner(OwnerKind::Customer)),
            ("SUBSCRIPTION", "SUBSCRIPTION") => Some(Self::Subscription),
            ("PARKED", "PARKED") => Some(Self::Parked),
            _ => None,
        }
    }

    fn in_account(account_id: AccountId, sk: &str) -> Option<Self> {
        if sk == "DUE" {
            return Some(Self::Due(account_id));
        }
        if let Some(digits) = sk.strip_prefix(keys::ENTRY_PREFIX) {
            let sequence = Sequence::new(digits.parse().ok()?);
            let is_its_own = sequence > Sequence::NONE && keys::entry_sort(sequence) == sk;
            return is_its_own.then_some(Self::Entry(account_id, sequence));
        }
        if let Some(id) = sk.strip_prefix(keys::PURCHASE_PREFIX) {
            return Some(Self::Purchase(account_id, PurchaseId::parse(id).ok()?));
        }
        keys::purchase_of_bought(sk).is_ok().then_some(Self::Bought(account_id))
    }

    fn claim(id: &str) -> Option<Self> {
        let mut parts = id.splitn(3, '#');
        let (account_id, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
        let key = match kind {
            // It may be a hold's: a hold and a debit with the same id have the same key.
            "debit" => CommandKey::Debit(DebitId::parse(id).ok()?),
            "settlement" => CommandKey::Settlement(HoldId::parse(id).ok()?),
            "reversal" => CommandKey::Reversal(ReversalId::parse(id).ok()?),
            "adjustment" => CommandKey::Adjustment(AdjustmentId::parse(id).ok()?),
            _ => return None,
        };
        Some(Self::Claim(AccountId::parse(account_id).ok()?, key))
    }
}

#[cfg(test)]
mod tests {
    use scrip_accounts::{CustomerId, PaymentId, SubscriptionId};

    use super::*;
    use crate::keys::Key;

    #[test]
    fn every_key_is_read_back() {
        let alice = || AccountId::parse("auth0|alice").unwrap();
        let debit = || CommandKey::Debit(DebitId::parse("d:1").unwrap());
        let reversal = || CommandKey::Reversal(ReversalId::parse("debit").unwrap());
        let settlement = || CommandKey::Settlement(HoldId::parse("h:1").unwrap());
        let bought = Key { pk: keys::account(&alice()), sk: "BOUGHT#1795132800#in_1".to_owned() };
        let purchase = || PurchaseId::parse("in_1").unwrap();
        for (key, place) in [
            (keys::entry(&alice(), Sequence::new(42)), Place::Entry(alice(), Sequence::new(42))),
            (keys::due(&alice()), Place::Due(alice())),
            (keys::purchase(&alice(), &purchase()), Place::Purchase(alice(), purchase())),
            (bought, Place::Bought(alice())),
            (keys::operation(&alice(), &debit()), Place::Claim(alice(), debit())),
            (keys::operation(&alice(), &settlement()), Place::Claim(alice(), settlement())),
            (keys::operation(&alice(), &reversal()), Place::Claim(alice(), reversal())),
            (keys::payment(&PaymentId::parse("pi_1").unwrap()), Place::Owner(OwnerKind::Payment)),
            (keys::customer(&CustomerId::parse("cus_1").unwrap()), Place::Owner(OwnerKind::Customer)),
            (keys::subscription(&SubscriptionId::parse("sub_1").unwrap()), Place::Subscription),
            (keys::parked("in_1"), Place::Parked),
        ] {
            assert_eq!(Place::of(&key.pk, &key.sk), Some(place), "{key:?}");
        }
    }

    #[test]
    fn other_keys_are_of_no_row() {
        for (pk, sk) in [
            ("ACCOUNT#alice", "ENTRY#42"),
            ("ACCOUNT#alice", "ENTRY#000000000000"),
            ("ACCOUNT#alice", "ENTRY#0000000000x2"),
            ("ACCOUNT#alice", "BALANCE"),
            ("ACCOUNT#alice", "BOUGHT#1795132800"),
            ("ACCOUNT#", "DUE"),
            ("ACCOUNT#a b", "DUE"),
            ("OPERATION#alice#debit", "OPERATION"),
            ("OPERATION#alice#debit#d#1", "OPERATION"),
            ("OPERATION#alice#gift#d", "OPERATION"),
            ("PAYMENT#pi_1", "CUSTOMER"),
            ("", ""),
        ] {
            assert_eq!(Place::of(pk, sk), None, "{pk} {sk}");
        }
    }
}
