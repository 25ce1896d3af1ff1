//! The low-balance marks of `catalog.toml`.

use crate::Credits;

/// The low-balance mark of each kind. The body of `GET /v1/catalog` leaves them out.
#[derive(Debug)]
pub(crate) struct LowBalance {
    /// The marks that are numbers of credits; zero for a playground mark that is a share.
    pub(crate) credits: Credits,
    /// The playground mark as a percentage of the plan's allowance, from 1 to 100; `None` if it
    /// is a number of credits.
    pub(crate) playground_percent: Option<u8>,
}

impl LowBalance {
    /// The marks for this monthly allowance of playground credits.
    pub(crate) fn marks(&self, allowance: u64) -> Credits {
        match self.playground_percent {
            None => self.credits,
            Some(percent) => self.credits.with_playground(share(allowance, percent.into())),
        }
    }
}

/// A percentage of a number, rounded down. The whole hundreds and the rest are multiplied separately,
/// because the number times the percentage could overflow.
fn share(number: u64, percent: u64) -> u64 {
    number / 100 * percent + number % 100 * percent / 100
}
