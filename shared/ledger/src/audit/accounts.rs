//! The accounts that were seen, each by a number.

use std::collections::HashMap;

use scrip_accounts::AccountId;

use super::history::History;

/// The number of an account: rows of other partitions refer to it by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AccountNumber(u32);

/// What is kept of an account.
#[derive(Debug)]
pub(super) struct AccountSeen {
    pub(super) id: AccountId,
    pub(super) history: History,
    /// Where its due row lists it, if it has one.
    pub(super) due: Option<String>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    numbers: HashMap<AccountId, AccountNumber>,
    seen: Vec<AccountSeen>,
}

impl Accounts {
    /// The number of an account, a new one if it was never seen.
    ///
    /// # Panics
    /// At more accounts than a table is read of.
    pub(super) fn number(&mut self, id: AccountId) -> AccountNumber {
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        let number = AccountNumber(self.seen.len().try_into().expect("fewer than four billion accounts"));
        self.seen.push(AccountSeen { id: id.clone(), history: History::default(), due: None });
        self.numbers.insert(id, number);
        number
    }

    pub(super) fn get(&self, AccountNumber(number): AccountNumber) -> &AccountSeen {
        &self.seen[number as usize]
    }

    pub(super) fn get_mut(&mut self, AccountNumber(number): AccountNumber) -> &mut AccountSeen {
        &mut self.seen[number as usize]
    }

    /// All of them, in the order that they were seen in.
    pub(super) fn iter(&self) -> impl Iterator<Item = &AccountSeen> {
        self.seen.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut AccountSeen> {
        self.seen.iter_mut()
    }
}
