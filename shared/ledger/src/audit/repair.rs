//! Repairs rows. Each write fails if the row has changed since it was read, and entries are never written.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};
use scrip_accounts::{AccountId, Period, Sequence};
use scrip_pricing::Credits;

use super::{
    facts::key_of,
    finding::Row,
    fix::{Attribute, Fix, Repair},
};
use crate::{
    Error, Ledger,
    backoff::persist,
    cancellation::{Cancellation, Slot, read_reasons},
    error::{Failure, cancellation, classify},
    items,
    keys::{self, Key},
};

/// The result of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairResult {
    /// The row is repaired.
    Done,
    /// Nothing was written, because the row or the account has changed since it was read.
    Changed,
}

impl Ledger {
    /// Repairs a row.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if throttling or faults outlast the attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_ledger::audit::{RepairResult, Report};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger, report: Report) -> Result<(), scrip_ledger::Error> {
    /// for repair in &report.repairs {
    ///     if ledger.repair(repair).await? == RepairResult::Done {
    ///         println!("{}: {repair}", repair.row);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn repair(&self, repair: &Repair) -> Result<RepairResult, Error> {
        persist(|| self.repair_once(repair)).await
    }

    async fn repair_once(&self, repair: &Repair) -> Result<RepairResult, Failure> {
        let write = match (&repair.fix, &repair.account_id) {
            (Fix::RebuildClaim { sequence, reversed }, Some(account_id)) => {
                self.rebuild_claim(account_id, *sequence, *reversed).await?
            }
            (Fix::Due { before, after }, Some(account_id)) => {
                Some(self.mend_due(account_id, before.as_deref(), *after)?)
            }
            (Fix::Set { before, after }, _) => Some(self.set(&repair.row, before, after)?),
            (Fix::Put(item), _) => Some(self.put_new(item.clone())?),
            (Fix::RebuildClaim { .. } | Fix::Due { .. }, None) => None,
        };
        let Some(write) = write else { return Ok(RepairResult::Changed) };
        let mut items = vec![write];
        if let (Some(newest), Some(account_id)) = (repair.newest, &repair.account_id) {
            items.push(self.check_none(keys::entry(account_id, newest.next()))?);
        }
        let slots = vec![Slot::Record; items.len()];
        let Err(error) = self.transact(items).await else { return Ok(RepairResult::Done) };
        match cancellation(&error).map(|reasons| read_reasons(&slots, reasons)) {
            Some(Cancellation::Raced(_)) => Ok(RepairResult::Changed),
            Some(Cancellation::Wait(fault)) => Err(Failure::Transient(fault, Some(error.into()))),
            _ => Err(classify("mend a row", error)),
        }
    }

    /// A put of an entry's claim, if it has none.
    async fn rebuild_claim(
        &self,
        account_id: &AccountId,
        sequence: Sequence,
        reversed: Credits,
    ) -> Result<Option<TransactWriteItem>, Failure> {
        let Some(stored) = self.entry(account_id, sequence).await? else { return Ok(None) };
        let Ok(Some(key)) = key_of(&stored.entry) else { return Ok(None) };
        Ok(Some(self.put_new(items::rebuilt_claim(account_id, &stored, &key, reversed)?)?))
    }

    /// A write that puts, moves or deletes an account's due row, if the row hasn't changed since it was read.
    fn mend_due(
        &self,
        account_id: &AccountId,
        before: Option<&str>,
        after: Option<Period>,
    ) -> Result<TransactWriteItem, Error> {
        let item = after.map(|month| items::due(account_id, month)).transpose()?;
        match (before, item) {
            (None, item) => self.put_new(item.unwrap_or_default()),
            (Some(before), Some(mut item)) => {
                let key = keys::due(account_id).into();
                let before = [(keys::DUE, Some(items::text(before)))];
                self.set(&key, &before, &[(keys::DUE, item.remove(keys::DUE))])
            }
            (Some(before), None) => {
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(keys::due(account_id).into_attributes()))
                    .condition_expression("#due = :due")
                    .expression_attribute_names("#due", keys::DUE)
                    .expression_attribute_values(":due", items::text(before))
                    .build()
                    .map_err(|source| Error::internal("build a delete", source))?;
                Ok(TransactWriteItem::builder().delete(delete).build())
            }
        }
    }

    /// An update that sets or removes attributes of a row, if those in `before` haven't changed since they were read.
    fn set(&self, row: &Row, before: &[Attribute], after: &[Attribute]) -> Result<TransactWriteItem, Error> {
        let mut values = HashMap::new();
        let mut conditions = vec!["attribute_exists(#pk)".to_owned()];
        let mut names = HashMap::from([("#pk".to_owned(), keys::PK.to_owned())]);
        for (name, value) in before {
            names.insert(format!("#{name}"), (*name).to_owned());
            conditions.push(match value {
                Some(value) => equals("is", name, value, &mut values),
                None => format!("attribute_not_exists(#{name})"),
            });
        }
        let (mut sets, mut removes) = (Vec::new(), Vec::new());
        for (name, value) in after {
            names.insert(format!("#{name}"), (*name).to_owned());
            match value {
                Some(value) => sets.push(equals("new", name, value, &mut values)),
                None => removes.push(format!("#{name}")),
            }
        }
        let clause = |verb: &str, parts: &[String]| match parts {
            [] => String::new(),
            parts => format!("{verb} {} ", parts.join(", ")),
        };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::from(row.clone()).into_attributes()))
            .update_expression(clause("SET", &sets) + &clause("REMOVE", &removes))
            .condition_expression(conditions.join(" AND "))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .build()
            .map_err(|source| Error::internal("build an update", source))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

/// The text `#name = :prefix_name`. It also adds the value to `values`.
fn equals(
    prefix: &str,
    name: &str,
    value: &AttributeValue,
    values: &mut HashMap<String, AttributeValue>,
) -> String {
    let placeholder = format!(":{prefix}_{name}");
    let text = format!("#{name} = {placeholder}");
    values.insert(placeholder, value.clone());
    text
}
