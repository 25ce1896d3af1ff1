//! One transaction: the operation's row, the entries, and what must change with them. All or nothing.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use scrip_accounts::{Account, AccountId, Decision, Entry, EntryKind, Record};

use crate::{
    Error, Ledger, RequestHash,
    cancellation::{Cancelled, Slot, read_reasons},
    error::{Failure, cancellation, classify},
    items::{self, Item},
    keys::{self, Key, Operation},
};

/// What came of an append.
#[derive(Debug)]
pub(crate) enum Appended {
    /// It was written.
    Done,
    /// The operation was carried out before; nothing was written.
    Retry,
    /// What was paid belongs to another account; nothing was written.
    Taken,
    /// Someone else appended first; nothing was written. The newest entry that is known, if one is.
    Raced(Option<Box<Entry>>),
}

impl Ledger {
    /// Writes a decision that was made from an account. One attempt.
    pub(crate) async fn append(
        &self,
        of: &AccountId,
        from: &Account,
        identity: Option<(&Operation, &RequestHash)>,
        decision: &Decision,
    ) -> Result<Appended, Failure> {
        let (mut slots, mut writes) = (Vec::new(), Vec::new());
        let last = decision.entries.last();
        if let Some((operation, request)) = identity {
            // Where no credits moved, the newest entry stands for the answer.
            let sequence = last.map_or(from.sequence, |last| last.account.sequence);
            let is_debit = |entry: &&Entry| entry.event.kind() == EntryKind::Debit;
            let taken = last.filter(is_debit).map(|debit| debit.change.taken());
            slots.push(Slot::Operation);
            writes.push(self.put_new(items::operation(of, operation, request, (sequence, taken))?)?);
        }
        for entry in &decision.entries {
            slots.push(Slot::Entry);
            writes.push(self.put_new(items::entry(of, entry)?)?);
        }
        if decision.entries.is_empty() {
            // What is only recorded was decided from the newest entry too: it must still be the newest.
            slots.push(Slot::Entry);
            writes.push(self.check_none(keys::entry(of, from.sequence.next()))?);
        }
        let mut owned = HashSet::new();
        for record in &decision.records {
            slots.push(if matches!(record, Record::Customer(_)) { Slot::Customer } else { Slot::Record });
            writes.push(self.write_record(of, record)?);
            for (slot, write) in self.write_beside(of, record, &mut owned)? {
                slots.push(slot);
                writes.push(write);
            }
        }
        if let Some(write) = last.map(|last| self.write_due(of, from, &last.account)).transpose()?.flatten() {
            slots.push(Slot::Unconditional);
            writes.push(write);
        }
        let error = match self.transact(writes).await {
            Ok(()) => return Ok(Appended::Done),
            Err(error) => error,
        };
        let Some(reasons) = cancellation(&error) else {
            return Err(classify("append", &error));
        };
        match read_reasons(&slots, reasons) {
            Cancelled::Retry => Ok(Appended::Retry),
            Cancelled::Taken => Ok(Appended::Taken),
            Cancelled::CustomerKnown => {
                let mut rest = decision.clone();
                rest.records.retain(|record| !matches!(record, Record::Customer(_)));
                Box::pin(self.append(of, from, identity, &rest)).await
            }
            Cancelled::Raced(newest) => {
                let newest = newest.map(|item| items::read_entry(*item)).transpose()?;
                Ok(Appended::Raced(newest.map(Box::new)))
            }
            Cancelled::Wait(fault) => Err(Failure::Transient(fault)),
            Cancelled::Unknown(cause) => Err(Failure::Fatal(Error::Internal { doing: "append", cause })),
        }
    }

    /// Puts an item that must not exist; where it does, the cancellation's reason carries it.
    pub(crate) fn put_new(&self, item: Item) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|source| Error::internal("build a put", &source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Checks that an item doesn't exist; where it does, the cancellation's reason carries it.
    fn check_none(&self, key: Key) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|source| Error::internal("build a check", &source))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn write_record(&self, of: &AccountId, record: &Record) -> Result<TransactWriteItem, Error> {
        match record {
            Record::Reversed { debit_id, before, after } => {
                let key = keys::operation(of, &Operation::Debit(debit_id.clone()));
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key.into_attributes()))
                    .update_expression("SET #reversed = :after")
                    .expression_attribute_names("#reversed", keys::REVERSED)
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
                let update = update.build().map_err(|source| Error::internal("build an update", &source))?;
                Ok(TransactWriteItem::builder().update(update).build())
            }
            Record::Purchase(purchase) => {
                self.put_revision(items::purchase(of, purchase)?, purchase.revision)
            }
            Record::Subscription(record) => {
                self.put_revision(items::subscription(of, record)?, record.revision)
            }
            Record::SeenPurchase(id, revision) => self.raise_revision(keys::purchase(of, id), *revision),
            Record::SeenSubscription(id, revision) => self.raise_revision(keys::subscription(id), *revision),
            // Who they bought for first stays.
            Record::Customer(id) => self.put_own(items::owner(keys::customer(id), of, None)?, of),
        }
    }

    /// Puts a revision of an item over the one before it, the first over none.
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
        let put = put.build().map_err(|source| Error::internal("build a put", &source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Takes an item from a revision to the next, and leaves it as it is otherwise.
    fn raise_revision(&self, key: Key, revision: u64) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()))
            .update_expression("SET #revision = :after")
            .condition_expression("#revision = :before")
            .expression_attribute_names("#revision", keys::REVISION)
            .expression_attribute_values(":before", items::number(revision.saturating_sub(1)))
            .expression_attribute_values(":after", items::number(revision));
        let update = update.build().map_err(|source| Error::internal("build an update", &source))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// What is written beside a purchase's record: the account of its payments, for the events that name only these,
    /// and with a new one its place in the list. A payment that another account was granted stays that one's.
    /// Each payment once, as the transaction allows: the first of several purchases that one payment paid has it.
    fn write_beside(
        &self,
        of: &AccountId,
        record: &Record,
        owned: &mut HashSet<String>,
    ) -> Result<Vec<(Slot, TransactWriteItem)>, Error> {
        let Record::Purchase(purchase) = record else { return Ok(Vec::new()) };
        let keys = purchase.payment_ids.iter().map(keys::payment);
        let is_named = purchase.payment_ids.iter().any(|payment| payment.as_str() == purchase.id.as_str());
        let keys = keys.chain((!is_named).then(|| keys::paid(&purchase.id)));
        let keys = keys.filter(|key| owned.insert(key.pk.clone()));
        let own = |key| Ok((Slot::Owner, self.put_own(items::owner(key, of, Some(&purchase.id))?, of)?));
        let mut writes = keys.map(own).collect::<Result<Vec<_>, Error>>()?;
        if purchase.revision == 1 {
            writes.push((Slot::Unconditional, self.put(items::bought(of, purchase))?));
        }
        Ok(writes)
    }

    /// Puts an item that says whose something is, unless it is another account's.
    pub(crate) fn put_own(&self, item: Item, of: &AccountId) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#account) OR #account = :account")
            .expression_attribute_names("#account", keys::ACCOUNT_ID)
            .expression_attribute_values(":account", AttributeValue::S(of.to_string()));
        let put = put.build().map_err(|source| Error::internal("build a put", &source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Puts an item whatever was there.
    pub(crate) fn put(&self, item: Item) -> Result<TransactWriteItem, Error> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
        let put = put.map_err(|source| Error::internal("build a put", &source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Moves the account in the due index, where the entries change when it must be settled next. The
    /// entries' conditions guard this row too: it only ever changes together with the history.
    fn write_due(
        &self,
        of: &AccountId,
        from: &Account,
        to: &Account,
    ) -> Result<Option<TransactWriteItem>, Error> {
        let write = match (from.due_after(), to.due_after()) {
            (before, after) if before == after => return Ok(None),
            (_, Some(settled)) => self.put(items::due(of, settled)?)?,
            (_, None) => self.delete(keys::due(of))?,
        };
        Ok(Some(write))
    }

    /// Deletes an item, if it is there.
    pub(crate) fn delete(&self, key: Key) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key.into_attributes())).build();
        let delete = delete.map_err(|source| Error::internal("build a delete", &source))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
