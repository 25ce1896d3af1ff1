//! An account's quote for an operation: the charge, the shortfall, and the purchases that would cover it.

use chrono::{DateTime, Utc};
use scrip_pricing::{CATALOG, Credits, Grant, Price};

use crate::{Account, Refusal};

/// The price of an operation for one account (`AccountQuote` in `shared/openapi.yaml`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountQuote {
    /// The credits that a debit would take now.
    pub credits: Credits,
    /// The balance now, with a refill that is due counted in.
    pub balance: Credits,
    /// Whether a debit would be accepted now.
    pub affordable: bool,
    /// The number of images (or prompts) of this operation that the balance covers; `None` if it is free.
    pub affordable_images: Option<u64>,
    /// The credits that are missing.
    pub shortfall: Credits,
    /// The SKUs of which one purchase would cover the price, cheapest first; empty if it is affordable.
    pub remedies: Vec<&'static str>,
    /// The images of a Tune that would be deferred.
    pub deferred_images: u64,
}

/// Quotes a price for an account at a given time. A debit at that time would be decided alike.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, quote};
/// use scrip_pricing::{CATALOG, Count, Credits, Operation};
///
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account { balance: Credits::new(0, 0, 20), ..Account::unseen(now) };
/// let price = CATALOG.quote(&Operation::TuneImages { prompts: Count::new(3) })?;
/// let quote = quote(&account, &price, now);
/// assert!(!quote.affordable);
/// assert_eq!((quote.credits, quote.shortfall), (Credits::new(0, 0, 24), Credits::new(0, 0, 4)));
/// assert_eq!((quote.affordable_images, quote.remedies), (Some(2), vec!["tune_pack", "avatar_pack"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// The refusal of a price that the account can't pay. Everything due must be counted in already.
pub(crate) fn insufficient(account: &Account, required: Credits) -> Refusal {
    Refusal::InsufficientCredits {
        required,
        balance: account.balance,
        shortfall: account.balance.shortfall(required),
        remedies: remedies(account, required),
    }
}

/// The SKUs of which one purchase would make the account cover a price, cheapest first. A plan counts with the credits
/// that it would still grant this month (rule 5), so the account's current plan is no remedy.
fn remedies(account: &Account, required: Credits) -> Vec<&'static str> {
    let covers = |grant: Grant| {
        let granted = match grant {
            Grant::Plan { allowance, .. } => {
                let allowance = allowance.unwrap_or(0);
                Credits::new(allowance.saturating_sub(account.granted()), 0, 0)
            }
            Grant::Pack(credits) => credits,
        };
        let after = account.balance.checked_add(granted);
        after.is_some_and(|after| after.covers(required))
    };
    let offers = CATALOG.offers().iter();
    offers.filter(|offer| covers(offer.grant)).map(|offer| offer.sku).collect()
}
