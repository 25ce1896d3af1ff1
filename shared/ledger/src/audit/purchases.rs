//! Checks purchases and the rows that refer to them, and the accounts of subscriptions and customers.

use std::collections::{BTreeMap, HashMap, HashSet};

use scrip_accounts::{AccountId, Purchase, PurchaseId};

use super::{
    accounts::{AccountNumber, Accounts},
    finding::{Finding, Row},
    fix::{Fix, Repair},
    problem::Problem,
};
use crate::{
    Error,
    items::{self, Item, OwnerItem},
    keys,
};

/// The rows that a purchase's record requires.
#[derive(Debug)]
struct PurchaseSummary {
    bought: Item,
    bought_row: Row,
    payments: Vec<Row>,
    has_outflows: bool,
}

/// All purchases, and the rows that refer to them or to accounts.
#[derive(Debug, Default)]
pub(super) struct Purchases {
    records: HashMap<(AccountNumber, PurchaseId), PurchaseSummary>,
    bought: HashSet<(AccountNumber, Row)>,
    payments: HashMap<Row, (AccountNumber, Option<PurchaseId>)>,
    subscriptions: HashMap<Row, AccountNumber>,
    customers: Vec<(Row, AccountNumber)>,
}

/// The problems of purchases, and their repairs.
#[derive(Debug, Default)]
pub(super) struct PurchaseFindings {
    pub(super) findings: Vec<Finding>,
    pub(super) repairs: Vec<Repair>,
}

impl Purchases {
    pub(super) fn take_purchase(&mut self, account: (AccountNumber, &AccountId), purchase: &Purchase) {
        let seen = PurchaseSummary {
            bought: items::bought(account.1, purchase),
            bought_row: keys::bought(account.1, purchase).into(),
            payments: keys::payments(purchase).map(Row::from).collect(),
            has_outflows: !purchase.outflows.is_empty(),
        };
        self.records.insert((account.0, purchase.id.clone()), seen);
    }

    pub(super) fn take_bought(&mut self, account: AccountNumber, row: Row) {
        self.bought.insert((account, row));
    }

    pub(super) fn take_payment(&mut self, row: Row, account: AccountNumber, owner: OwnerItem) {
        self.payments.insert(row, (account, owner.purchase_id));
    }

    pub(super) fn take_customer(&mut self, row: Row, account: AccountNumber) {
        self.customers.push((row, account));
    }

    pub(super) fn take_subscription(&mut self, row: Row, account: AccountNumber) {
        self.subscriptions.insert(row, account);
    }

    /// The number of purchases.
    pub(super) fn count(&self) -> usize {
        self.records.len()
    }

    /// Checks all purchases, after all rows were taken.
    pub(super) fn finish(mut self, accounts: &Accounts) -> Result<PurchaseFindings, Error> {
        let mut checked = PurchaseFindings::default();
        // If one payment paid for several purchases, its row names the one with refunds or disputes.
        let mut lost: BTreeMap<&Row, Vec<(bool, &PurchaseId, AccountNumber)>> = BTreeMap::new();
        for ((account, purchase_id), seen) in &self.records {
            let account_id = &accounts.get(*account).id;
            if !self.bought.remove(&(*account, seen.bought_row.clone())) {
                checked.add(account_id, seen.bought_row.clone(), Problem::NoBoughtRow);
                checked.mend(account_id, seen.bought_row.clone(), seen.bought.clone());
            }
            for row in &seen.payments {
                match self.payments.get(row) {
                    Some((owner, _)) if owner == account => {}
                    Some(_) => checked.add(account_id, row.clone(), Problem::PaymentOfAnother),
                    None => {
                        lost.entry(row).or_default().push((!seen.has_outflows, purchase_id, *account));
                    }
                }
            }
        }
        for (row, mut purchases) in lost {
            purchases.sort_unstable();
            if let Some((_, purchase_id, account)) = purchases.first() {
                let account_id = &accounts.get(*account).id;
                let owner = items::owner(row.clone().into(), account_id, Some(purchase_id))?;
                checked.add(account_id, row.clone(), Problem::NoPaymentRow);
                checked.mend(account_id, row.clone(), owner);
            }
        }
        for (account, row) in self.bought {
            checked.add(&accounts.get(account).id, row, Problem::StrayBoughtRow);
        }
        for (row, (account, purchase_id)) in self.payments {
            let purchase = purchase_id.and_then(|id| self.records.get(&(account, id)));
            if !purchase.is_some_and(|purchase| purchase.payments.contains(&row)) {
                checked.add(&accounts.get(account).id, row, Problem::StrayPaymentRow);
            }
        }
        for (row, account) in
            self.customers.iter().map(|(row, account)| (row, account)).chain(&self.subscriptions)
        {
            let seen = accounts.get(*account);
            if seen.history.newest_sequence() == scrip_accounts::Sequence::NONE {
                checked.add(&seen.id, row.clone(), Problem::NoAccount);
            }
        }
        for seen in accounts.iter() {
            for id in seen.history.newest().into_iter().flat_map(|newest| &newest.subscriptions) {
                let row = Row::from(keys::subscription(id));
                let owner = self.subscriptions.get(&row).map(|owner| &accounts.get(*owner).id);
                if owner != Some(&seen.id) {
                    checked.add(&seen.id, row, Problem::NoSubscription);
                }
            }
        }
        Ok(checked)
    }
}

impl PurchaseFindings {
    fn add(&mut self, account_id: &AccountId, row: Row, problem: Problem) {
        self.findings.push(Finding::new(Some(account_id.clone()), row, problem));
    }

    fn mend(&mut self, account_id: &AccountId, row: Row, item: Item) {
        let account_id = Some(account_id.clone());
        self.repairs.push(Repair { account_id, row, newest: None, fix: Fix::Put(item) });
    }
}
