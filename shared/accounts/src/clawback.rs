//! Clawback: credits are taken back when their money is refunded or disputed, and given again when the money returns.
//! Credits that were spent by then are owed (docs/rules.md, rules 7 to 9).

use scrip_pricing::Credits;

use crate::{Account, Event, OutflowKind, Purchase, Refusal};

/// Takes back or gives again the credits of a purchase whose refunds and disputes changed, and returns the entry's
/// event.
///
/// `now` must already show the purchase's subscription as it is after the change: the difference of
/// [`Account::granted`] is the playground credits that move. The credits of packs move in proportion to the money.
pub(crate) fn transfer(
    was: &Account,
    now: &mut Account,
    before: &Purchase,
    after: &mut Purchase,
) -> Result<Event, Refusal> {
    let (level_was, level_is) = (was.granted(), now.granted());
    let (packs_were, packs_are) = (before.packs_gone(), after.packs_gone());
    let lost = packs_were.shortfall(packs_are).with_playground(level_was.saturating_sub(level_is));
    let returned = packs_are.shortfall(packs_were).with_playground(level_is.saturating_sub(level_was));
    take_back(now, after, lost)?;
    give_again(now, after, returned)?;
    let (gone_was, gone_is) = (before.gone().amount, after.gone().amount);
    let (dispute_was, dispute_is) =
        (before.outflow(OutflowKind::Dispute), after.outflow(OutflowKind::Dispute));
    let spent = after.spent;
    Ok(if gone_is > gone_was || (gone_is == gone_was && !lost.is_zero()) {
        if dispute_is > dispute_was { Event::Dispute { spent } } else { Event::Refund { spent } }
    } else if gone_is < gone_was || !returned.is_zero() {
        if dispute_is < dispute_was { Event::DisputeWon } else { Event::RefundFailed }
    } else {
        Event::Subscription
    })
}

/// Takes credits from an account and returns those that were taken. The rest, which was spent, is owed.
pub(crate) fn take(account: &mut Account, credits: Credits) -> Result<Credits, Refusal> {
    let taken = credits.min(account.balance);
    account.balance = account.balance.checked_sub(taken).unwrap_or_default();
    account.owed = account.owed.checked_add(taken.shortfall(credits)).ok_or(Refusal::BalanceLimit)?;
    Ok(taken)
}

fn take_back(account: &mut Account, purchase: &mut Purchase, credits: Credits) -> Result<(), Refusal> {
    let taken = take(account, credits)?;
    purchase.revoked = purchase.revoked.checked_add(taken).ok_or(Refusal::BalanceLimit)?;
    let missing = taken.shortfall(credits);
    purchase.spent = purchase.spent.checked_add(missing).ok_or(Refusal::BalanceLimit)?;
    Ok(())
}

fn give_again(account: &mut Account, purchase: &mut Purchase, credits: Credits) -> Result<(), Refusal> {
    let (given, owed) = pay_owed(account.owed, credits);
    account.owed = owed;
    account.balance = account.balance.checked_add(given).ok_or(Refusal::BalanceLimit)?;
    // The owed credits may have been paid by a reversal since, or may belong to another purchase. Then the other of the
    // purchase's two numbers falls, because their sum is the credits of the money that is gone.
    let (revoked, more) = fall(purchase.revoked, given);
    let (spent, more) = fall(purchase.spent, given.shortfall(credits).checked_add(more).unwrap_or(more));
    let (revoked, _) = fall(revoked, more);
    (purchase.revoked, purchase.spent) = (revoked, spent);
    Ok(())
}

/// Subtracts `by` from `from`, at most to zero; returns the rest of `from`, and the part of `by` that was too much.
fn fall(from: Credits, by: Credits) -> (Credits, Credits) {
    (by.shortfall(from), from.shortfall(by))
}

/// Pays owed credits from credits that come back; returns the credits that are left to give, and those still owed.
pub(crate) fn pay_owed(owed: Credits, credits: Credits) -> (Credits, Credits) {
    let offset = owed.min(credits);
    (credits.checked_sub(offset).unwrap_or_default(), owed.checked_sub(offset).unwrap_or_default())
}
