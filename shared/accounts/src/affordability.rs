//! What an account can afford, what is missing, and which purchases would cover it.

use chrono::{DateTime, Utc};
use scrip_pricing::{CATALOG, Credits, Gives, Price};

use crate::{Account, Refusal};

/// A price, seen from an account (contract, section 3, Quote).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountQuote {
    /// What a debit would take now.
    pub credits: Credits,
    /// What the account could spend now, with a refill that is due counted in.
    pub balance: Credits,
    /// Whether a debit would be accepted now.
    pub affordable: bool,
    /// How many images, or prompts, of this operation the balance covers; `None` where it is free.
    pub affordable_images: Option<u64>,
    /// What is missing.
    pub shortfall: Credits,
    /// The SKUs that would cover it, cheapest first; empty when affordable.
    pub remedies: Vec<&'static str>,
    /// Images of a Tune that would wait for credits.
    pub deferred_images: u64,
}

/// Sees a price from an account at a moment. Agrees with what `debit::decide` would do then.
#[must_use]
pub fn quote(account: &Account, price: &Price, now: DateTime<Utc>) -> AccountQuote {
    let account = account.as_of(now);
    let charge = price.charge(account.balance);
    let affordable = account.balance.covers(charge.credits);
    AccountQuote {
        credits: charge.credits,
        balance: account.balance,
        affordable,
        affordable_images: price.affordable_units(account.balance),
        shortfall: account.balance.shortfall(charge.credits),
        remedies: if affordable { Vec::new() } else { remedies(&account, charge.credits) },
        deferred_images: charge.deferred_images,
    }
}

/// The refusal of a price that a settled account can't pay.
pub(crate) fn insufficient(account: &Account, required: Credits) -> Refusal {
    Refusal::InsufficientCredits {
        required,
        balance: account.balance,
        shortfall: account.balance.shortfall(required),
        remedies: remedies(account, required),
    }
}

/// The SKUs of which one purchase would make a settled account cover a price, cheapest first. A plan
/// counts with what it would still grant this month (rule 5), so the plan one has is no remedy.
fn remedies(account: &Account, required: Credits) -> Vec<&'static str> {
    let covers = |gives: Gives| {
        let granted = match gives {
            Gives::Plan { allowance, .. } => {
                let allowance = allowance.unwrap_or(0);
                Credits::new(allowance.saturating_sub(account.granted()), 0, 0)
            }
            Gives::Pack(credits) => credits,
        };
        let after = account.balance.checked_add(granted);
        after.is_some_and(|after| after.covers(required))
    };
    let offers = CATALOG.offers().iter();
    offers.filter(|offer| covers(offer.gives)).map(|offer| offer.sku).collect()
}
