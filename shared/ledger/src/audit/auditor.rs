//! The auditor takes the table's items one by one, and reports the problems at the end.

use aws_sdk_dynamodb::types::AttributeValue;
use scrip_accounts::{AccountId, CommandKey, Entry, Event, PurchaseId, Sequence};

use super::{
    accounts::{AccountNumber, AccountSummary, Accounts},
    claims::{ClaimForm, Claims},
    due::check_due,
    facts::{is_below_zero, key_of, unreadable},
    finding::{Finding, Row},
    fix::{Attribute, Fix, Repair},
    history::{Link, Order},
    place::{OwnerKind, Place},
    problem::Problem,
    purchases::Purchases,
    report::{Report, Tally},
};
use crate::{
    Error,
    items::{self, Item},
    keys,
};

/// Checks items. It keeps about 150 bytes for each debit and reversal, and 500 for each account and purchase.
///
/// # Examples
///
/// ```
/// use scrip_ledger::audit::{Auditor, Order, read_export_line};
///
/// let mut auditor = Auditor::new(Order::Any);
/// auditor.take(read_export_line(r#"{"Item":{"pk":{"S":"CUSTOMER#cus_1"},"sk":{"S":"?"}}}"#)?);
/// let report = auditor.finish()?;
/// assert_eq!((report.tally.rows, report.findings[0].problem.code()), (1, "unknown_row"));
/// # Ok::<(), scrip_ledger::Error>(())
/// ```
#[derive(Debug)]
pub struct Auditor {
    order: Order,
    report: Report,
    accounts: Accounts,
    claims: Claims,
    purchases: Purchases,
}

impl Auditor {
    /// An auditor without items, and the order in which it will get the items of an account.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::audit::{Auditor, Order, Tally};
    ///
    /// assert_eq!(Auditor::new(Order::Sorted).tally(), Tally::default());
    /// ```
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self {
            order,
            report: Report::default(),
            accounts: Accounts::default(),
            claims: Claims::default(),
            purchases: Purchases::default(),
        }
    }

    /// The counts so far. Those of accounts, purchases and dangling claims are known only at the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::audit::{Auditor, Order, read_export_line};
    ///
    /// let mut auditor = Auditor::new(Order::Any);
    /// auditor.take(read_export_line(r#"{"Item":{"pk":{"S":"CUSTOMER#cus_1"},"sk":{"S":"?"}}}"#)?);
    /// assert_eq!((auditor.tally().rows, auditor.tally().entries), (1, 0));
    /// # Ok::<(), scrip_ledger::Error>(())
    /// ```
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.report.tally
    }

    /// Takes an item.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::audit::{Auditor, Item, Order, Problem};
    ///
    /// let mut auditor = Auditor::new(Order::Sorted);
    /// auditor.take(Item::new());
    /// assert_eq!(auditor.finish()?.findings[0].problem, Problem::UnknownRow);
    /// # Ok::<(), scrip_ledger::Error>(())
    /// ```
    pub fn take(&mut self, item: Item) {
        self.report.tally.rows += 1;
        let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let row = Row { pk: text(keys::PK), sk: text(keys::SK) };
        match Place::of(&row.pk, &row.sk) {
            Some(Place::Entry(account_id, sequence)) => self.take_entry(&account_id, sequence, item),
            Some(Place::Claim(account_id, key)) => {
                let taken = self.take_claim(&account_id, &key, item);
                self.note(Some(account_id), row, taken);
            }
            Some(Place::Due(account_id)) => {
                let taken = self.take_due(&account_id, item);
                self.note(Some(account_id), row, taken);
            }
            Some(Place::Purchase(account_id, id)) => {
                let taken = self.take_purchase(&account_id, &id, &row, item);
                self.note(Some(account_id), row, taken);
            }
            Some(Place::Bought(account_id)) => {
                let number = self.accounts.number(account_id);
                self.purchases.take_bought(number, row);
            }
            Some(Place::Owner(kind)) => {
                let taken = self.take_owner(kind, &row, item);
                self.note(None, row, taken);
            }
            Some(Place::Subscription) => {
                let taken = self.take_subscription(&row, item);
                self.note(None, row, taken);
            }
            Some(Place::Parked) => {
                let taken = self.take_parked(&row, item);
                self.note(None, row, taken);
            }
            None => self.note(None, row, Err(Problem::UnknownRow)),
        }
    }

    /// Reports the problems, after all items were taken.
    ///
    /// # Errors
    /// [`Error::Internal`] if a repair can't be encoded, which never happens.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::audit::{Auditor, Order};
    ///
    /// let report = Auditor::new(Order::Sorted).finish()?;
    /// assert!(report.findings.is_empty() && report.repairs.is_empty());
    /// # Ok::<(), scrip_ledger::Error>(())
    /// ```
    pub fn finish(mut self) -> Result<Report, Error> {
        let mut found = Vec::new();
        for seen in self.accounts.iter_mut() {
            let mut problems = Vec::new();
            seen.history.finish(&mut problems);
            let id = &seen.id;
            found.extend(problems.into_iter().map(|(at, problem)| Finding::of_entry(id, at, problem)));
        }
        self.report.findings.append(&mut found);
        for seen in self.accounts.iter() {
            if let Some((finding, repair)) = check_due(seen) {
                self.report.findings.push(finding);
                self.report.repairs.push(repair);
            }
        }
        let is_account = |seen: &&AccountSummary| seen.history.newest_sequence() > Sequence::NONE;
        self.report.tally.accounts = self.accounts.iter().filter(is_account).count() as u64;
        self.report.tally.purchases = self.purchases.count() as u64;
        let matched = self.claims.finish(&self.accounts)?;
        let checked = self.purchases.finish(&self.accounts)?;
        self.report.tally.dangling = matched.dangling;
        self.report.findings.extend(matched.findings.into_iter().chain(checked.findings));
        self.report.repairs.extend(matched.repairs.into_iter().chain(checked.repairs));
        self.report.findings.sort_by(|one, other| {
            let order = |finding: &Finding| (finding.account_id.clone(), finding.row.clone());
            order(one).cmp(&order(other))
        });
        self.report.repairs.sort_by(|one, other| one.row.cmp(&other.row));
        self.report.mark_repairable();
        Ok(self.report)
    }

    fn take_entry(&mut self, account_id: &AccountId, sequence: Sequence, item: Item) {
        self.report.tally.entries += 1;
        let number = self.accounts.number(account_id.clone());
        let is_anothers = item.get(keys::SEQUENCE) != Some(&items::number(sequence.get()));
        let is_below_zero = is_below_zero(&item);
        let read = items::read_entry(item).map_err(|error| match () {
            () if is_anothers => Problem::WrongKey,
            () if is_below_zero => Problem::BelowZero,
            () => unreadable(&error),
        });
        let mut problems = Vec::new();
        let link = match read {
            Ok(stored) => {
                let account = (number, account_id);
                let has_fingerprint = stored.request.is_some_and(|request| request.is_whole());
                if let Err(problem) = self.take_key(account, &stored.entry, has_fingerprint) {
                    problems.push((sequence, problem));
                }
                Link::new(sequence, Some(&stored.entry))
            }
            Err(problem) => {
                problems.push((sequence, problem));
                Link::new(sequence, None)
            }
        };
        self.accounts.get_mut(number).history.take(link, self.order, &mut problems);
        let findings = problems.into_iter().map(|(at, problem)| Finding::of_entry(account_id, at, problem));
        self.report.findings.extend(findings);
    }

    /// Takes the key of an entry, if its kind has keys.
    fn take_key(
        &mut self,
        account: (AccountNumber, &AccountId),
        entry: &Entry,
        has_fingerprint: bool,
    ) -> Result<(), Problem> {
        let Some(key) = key_of(entry)? else { return Ok(()) };
        let sequence = entry.account.sequence;
        let taken = (!matches!(key, CommandKey::Hold(_))).then(|| entry.change.taken());
        self.claims.take_key(account, &key, (sequence, taken), has_fingerprint);
        if let (CommandKey::Settlement(hold_id), Event::Capture { captured, .. }) = (key, &entry.event) {
            self.claims.take_capture(account.1, &CommandKey::Hold(hold_id), *captured);
        }
        if let Event::Reversal { debit_id, offset, .. } = &entry.event {
            let given = entry.change.given();
            let credits = given.checked_add(*offset).unwrap_or(given);
            self.claims.take_reversal(account, &CommandKey::Debit(debit_id.clone()), (sequence, credits));
        }
        Ok(())
    }

    fn take_claim(&mut self, account_id: &AccountId, key: &CommandKey, item: Item) -> Result<(), Problem> {
        self.report.tally.claims += 1;
        let form = if item.contains_key(keys::FROM) { ClaimForm::From } else { ClaimForm::Old };
        let account = (self.accounts.number(account_id.clone()), account_id);
        let read = items::read_claim(item);
        self.claims.take_claim(account, key, read.as_ref().ok(), form);
        read.map(drop).map_err(|error| unreadable(&error))
    }

    fn take_due(&mut self, account_id: &AccountId, mut item: Item) -> Result<(), Problem> {
        let Some(AttributeValue::S(due)) = item.remove(keys::DUE) else {
            return Err(Problem::Unreadable("missing field `due`".to_owned()));
        };
        let number = self.accounts.number(account_id.clone());
        self.accounts.get_mut(number).due = Some(due);
        Ok(())
    }

    fn take_purchase(
        &mut self,
        account_id: &AccountId,
        id: &PurchaseId,
        row: &Row,
        item: Item,
    ) -> Result<(), Problem> {
        let index = item.get(keys::DUE).cloned();
        let purchase = items::read_purchase(item).map_err(|error| unreadable(&error))?;
        if purchase.id != *id {
            return Err(Problem::WrongKey);
        }
        let number = self.accounts.number(account_id.clone());
        self.purchases.take_purchase((number, account_id), &purchase);
        let must = purchase.is_refund_pending().then(|| items::text(keys::PENDING_REFUNDS));
        let same = (keys::REVISION, Some(items::number(purchase.revision)));
        self.check_index(Some(account_id.clone()), row, (index, must), same);
        Ok(())
    }

    fn take_owner(&mut self, kind: OwnerKind, row: &Row, item: Item) -> Result<(), Problem> {
        let owner = items::read_owner(item).map_err(|error| unreadable(&error))?;
        let number = self.accounts.number(owner.account_id.clone());
        match kind {
            OwnerKind::Payment => self.purchases.take_payment(row.clone(), number, owner),
            OwnerKind::Customer => self.purchases.take_customer(row.clone(), number),
        }
        Ok(())
    }

    fn take_subscription(&mut self, row: &Row, item: Item) -> Result<(), Problem> {
        self.report.tally.subscriptions += 1;
        let (account_id, record) = items::read_subscription(item).map_err(|error| unreadable(&error))?;
        let number = self.accounts.number(account_id);
        self.purchases.take_subscription(row.clone(), number);
        let is_its_own = Row::from(keys::subscription(&record.id)) == *row;
        if is_its_own { Ok(()) } else { Err(Problem::WrongKey) }
    }

    fn take_parked(&mut self, row: &Row, mut item: Item) -> Result<(), Problem> {
        self.report.tally.parked += 1;
        let must = Some(items::text(keys::PARKED));
        let index = item.insert(keys::DUE.to_owned(), items::text(keys::PARKED));
        let parked_at = item.get(keys::PARKED_AT).cloned();
        let parked = items::read_parked(item).map_err(|error| unreadable(&error))?;
        self.check_index(parked.account_id, row, (index, must), (keys::PARKED_AT, parked_at));
        let is_its_own = Row::from(keys::parked(&parked.object_id)) == *row;
        if is_its_own { Ok(()) } else { Err(Problem::WrongKey) }
    }

    /// Checks a row's partition in the due index. `same` is an attribute that every write of the row changes.
    fn check_index(
        &mut self,
        account_id: Option<AccountId>,
        row: &Row,
        (is, must): (Option<AttributeValue>, Option<AttributeValue>),
        same: Attribute,
    ) {
        if is != must {
            let fix = Fix::Set { before: vec![(keys::DUE, is), same], after: vec![(keys::DUE, must)] };
            let account = account_id.clone();
            self.report.repairs.push(Repair { account_id: account, row: row.clone(), newest: None, fix });
            self.note(account_id, row.clone(), Err(Problem::WrongIndex));
        }
    }

    fn note(&mut self, account_id: Option<AccountId>, row: Row, taken: Result<(), Problem>) {
        if let Err(problem) = taken {
            self.report.findings.push(Finding::new(account_id, row, problem));
        }
    }
}
