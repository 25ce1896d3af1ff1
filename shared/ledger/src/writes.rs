//! The writes of a transaction, each with its condition and its purpose.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use scrip_accounts::{Account, AccountId, CommandKey, Record};

use crate::{
    Error, Ledger,
    cancellation::Slot,
    items::{self, Item},
    keys::{self, Key},
};

/// The writes of one transaction. `slots` has the purpose of each, at the same position.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub(crate) slots: Vec<Slot>,
    pub(crate) items: Vec<TransactWriteItem>,
}

impl Writes {
    pub(crate) fn add(&mut self, slot: Slot, item: TransactWriteItem) {
        self.slots.push(slot);
        self.items.push(item);
    }

    /// Adds the write of the account's due row, if it changes.
    pub(crate) fn add_due(&mut self, write: Option<TransactWriteItem>) {
        if let Some(write) = write {
            self.add(Slot::Unconditional, write);
        }
    }
}

impl Ledger {
    /// Adds the writes of records.
    pub(crate) fn add_records(
        &self,
        writes: &mut Writes,
        account_id: &AccountId,
        records: &[Record],
    ) -> Result<(), Error> {
        let mut owned = HashSet::new();
        for record in records {
            let slot = if matches!(record, Record::Customer(_)) { Slot::Customer } else { Slot::Record };
            writes.add(slot, self.write_record(account_id, record)?);
            for (slot, write) in self.write_beside(account_id, record, &mut owned)? {
                writes.add(slot, write);
            }
        }
        Ok(())
    }

    /// A put of an item that must not exist. If it exists, the cancellation's reason carries the existing item.
    pub(crate) fn put_new(&self, item: Item) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|source| Error::internal("build a put", source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A check that an item doesn't exist. If it exists, the cancellation's reason carries it.
    pub(crate) fn check_none(&self, key: Key) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|source| Error::internal("build a check", source))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn write_record(&self, account_id: &AccountId, record: &Record) -> Result<TransactWriteItem, Error> {
        match record {
            Record::Reversed { debit_id, sequence, before, after } => {
                let key = keys::operation(account_id, &CommandKey::Debit(debit_id.clone()));
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key.into_attributes()))
                    .update_expression("SET #reversed = :after, #sequence = :sequence")
                    .expression_attribute_names("#reversed", keys::REVERSED)
                    .expression_attribute_names("#sequence", keys::SEQUENCE)
                    .expression_attribute_values(":sequence", items::number(sequence.get()))
                    .expression_attribute_values(":after", items::attribute(after)?);
                let update = if before.is_zero() {
                    update
                        .condition_expression("attribute_exists(#pk) AND attribute_not_exists(#reversed)")
                        .expression_attribute_names("#pk", keys::PK)
                } else {
                    update
                        .condition_expression("#reversed = :before")
                        .expression_attribute_values(":before", items::attribute(before)?)
                };
                let update = update.build().map_err(|source| Error::internal("build an update", source))?;
                Ok(TransactWriteItem::builder().update(update).build())
            }
            Record::Purchase(purchase) => {
                self.put_revision(items::purchase(account_id, purchase)?, purchase.revision)
            }
            Record::Subscription(record) => {
                self.put_revision(items::subscription(account_id, record)?, record.revision)
            }
            Record::SeenPurchase(id, revision) => {
                self.raise_revision(keys::purchase(account_id, id), *revision)
            }
            Record::SeenSubscription(id, revision) => self.raise_revision(keys::subscription(id), *revision),
            // The account that a customer first bought for stays.
            Record::Customer(id) => {
                self.put_own(items::owner(keys::customer(id), account_id, None)?, account_id)
            }
        }
    }

    /// A put of an item's revision over the revision before; the first revision must not replace an item.
    fn put_revision(&self, item: Item, revision: u64) -> Result<TransactWriteItem, Error> {
        let Some(before) = revision.checked_sub(1).filter(|before| *before > 0) else {
            return self.put_new(item);
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("#revision = :before")
            .expression_attribute_names("#revision", keys::REVISION)
            .expression_attribute_values(":before", items::number(before));
        let put = put.build().map_err(|source| Error::internal("build a put", source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// An update that raises an item's revision and changes nothing else.
    fn raise_revision(&self, key: Key, revision: u64) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()))
            .update_expression("SET #revision = :after")
            .condition_expression("#revision = :before")
            .expression_attribute_names("#revision", keys::REVISION)
            .expression_attribute_values(":before", items::number(revision.saturating_sub(1)))
            .expression_attribute_values(":after", items::number(revision));
        let update = update.build().map_err(|source| Error::internal("build an update", source))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The rows that are written together with a purchase's record: one for each payment, with the account it belongs
    /// to, because some events name only the payment; and for a new purchase its row in the list of purchases.
    ///
    /// A payment stays with the account that it was first granted to. A transaction may write each payment's row only
    /// once, so if one payment paid for several purchases, the first has it.
    fn write_beside(
        &self,
        account_id: &AccountId,
        record: &Record,
        owned: &mut HashSet<String>,
    ) -> Result<Vec<(Slot, TransactWriteItem)>, Error> {
        let Record::Purchase(purchase) = record else { return Ok(Vec::new()) };
        let keys = keys::payments(purchase).filter(|key| owned.insert(key.pk.clone()));
        let own = |key| {
            Ok((Slot::Owner, self.put_own(items::owner(key, account_id, Some(&purchase.id))?, account_id)?))
        };
        let mut writes = keys.map(own).collect::<Result<Vec<_>, Error>>()?;
        if purchase.revision == 1 {
            writes.push((Slot::Unconditional, self.put(items::bought(account_id, purchase))?));
        }
        Ok(writes)
    }

    /// A put of an owner row, unless the row names another account.
    fn put_own(&self, item: Item, account_id: &AccountId) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#account) OR #account = :account")
            .expression_attribute_names("#account", keys::ACCOUNT_ID)
            .expression_attribute_values(":account", items::text(account_id.to_string()));
        let put = put.build().map_err(|source| Error::internal("build a put", source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// An unconditional put.
    pub(crate) fn put(&self, item: Item) -> Result<TransactWriteItem, Error> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
        let put = put.map_err(|source| Error::internal("build a put", source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The write of the account's due row, if the entries change the month after which it is due; else `None`. The
    /// entries' conditions guard this row too, because it only changes together with the history.
    pub(crate) fn write_due(
        &self,
        account_id: &AccountId,
        from: &Account,
        to: &Account,
    ) -> Result<Option<TransactWriteItem>, Error> {
        let write = match (from.due_after(), to.due_after()) {
            (before, after) if before == after => return Ok(None),
            (_, Some(month)) => self.put(items::due(account_id, month)?)?,
            (_, None) => self.delete(keys::due(account_id))?,
        };
        Ok(Some(write))
    }

    /// An unconditional delete.
    pub(crate) fn delete(&self, key: Key) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key.into_attributes())).build();
        let delete = delete.map_err(|source| Error::internal("build a delete", source))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
