//! The accounts of an audit, each with a number.

use std::collections::HashMap;

use scrip_accounts::AccountId;

use super::history::History;

/// The number of an account, by which rows of other partitions refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AccountNumber(u32);

/// The part of an account that the audit keeps.
#[derive(Debug)]
pub(super) struct AccountSummary {
    pub(super) id: AccountId,
    pub(super) history: History,
    /// The index partition in its due row, if it has one.
    pub(super) due: Option<String>,
}

/// All accounts that were read.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    numbers: HashMap<AccountId, AccountNumber>,
    seen: Vec<AccountSummary>,
}

impl Accounts {
    /// The number of an account; a new one if the account was not seen before.
    ///
    /// # Panics
    /// If there are more than four billion accounts.
    pub(super) fn number(&mut self, id: AccountId) -> AccountNumber {
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        let number = AccountNumber(self.seen.len().try_into().expect("fewer than four billion accounts"));
        self.seen.push(AccountSummary { id: id.clone(), history: History::default(), due: None });
        self.numbers.insert(id, number);
        number
    }

    pub(super) fn get(&self, AccountNumber(number): AccountNumber) -> &AccountSummary {
        &self.seen[number as usize]
    }

    pub(super) fn get_mut(&mut self, AccountNumber(number): AccountNumber) -> &mut AccountSummary {
        &mut self.seen[number as usize]
    }

    /// All accounts, in the order in which they were first seen.
    pub(super) fn iter(&self) -> impl Iterator<Item = &AccountSummary> {
        self.seen.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut AccountSummary> {
        self.seen.iter_mut()
    }
}
