//! What always holds of money: credits are granted once for what was paid, follow it when it goes back, and in the end
//! the account is what the provider says.

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, Entry, EntryKind, Event, MoneyBackStatus, Purchase, SubscriptionStatus};
use scrip_pricing::Credits;
use stateright::Property;

use crate::{
    commands::{subscription, time},
    item::{AccountNumber, Key},
    payment::{ALLOWANCE, AMOUNT, Buys, Payment},
    properties::{ACCOUNTS, entries_of, is_once},
    protocol::Protocol,
    task::purchase_id,
    world::{Violation, World},
};

pub const ONE_GRANT: &str = "a payment is granted once";
pub const ONE_REFUND: &str = "a purchase's money-back refund is asked for once, and stands once";
pub const ONE_ENTRY: &str = "a change has one entry";
pub const CONSERVED: &str =
    "credits are what was granted, less what was spent, held and is gone, and owed if they were spent";
pub const REVOKED: &str = "credits are revoked if the money is gone or pending, and not otherwise";
pub const SPENT: &str = "what couldn't be revoked was spent or held";
pub const FIRST: &str = "the account that a customer first bought for stays that";
pub const HEALED: &str = "in the end, a pack's credits follow its money";
pub const SHOWN: &str = "in the end, the account shows the subscription as the provider does";
pub const OVER: &str = "in the end, a plan that is paid for has its month's credits, and any other is over";

pub fn always() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONE_GRANT, |_, world: &World| {
            is_once(
                ACCOUNTS
                    .iter()
                    .flat_map(|account_number| entries_of(world, *account_number, EntryKind::Purchase)),
            )
        }),
        Property::always(ONE_REFUND, |_, world: &World| {
            world.provider.is_asked_once() && world.provider.payments.iter().all(is_refunded_once)
        }),
        Property::always(ONE_ENTRY, |_, world: &World| has_one_entry_each(world)),
        Property::always(CONSERVED, |_, world: &World| {
            ACCOUNTS.iter().all(|account_number| is_conserved(world, *account_number))
        }),
        Property::always(REVOKED, |_, world: &World| {
            let is_marked = |purchase: &Purchase| {
                let payment = world.provider.payment(purchase.id.as_str());
                purchase.money_back.is_some() || payment.money_back() == 0
            };
            packs(world).all(|(_, purchase)| gone_of(purchase) == gone_by(purchase, known_gone(purchase)))
                && purchases(world).all(|(_, purchase)| is_marked(purchase))
        }),
        Property::always(SPENT, |_, world: &World| {
            packs(world)
                .all(|(account_number, purchase)| purchase.spent.tune_image() <= taken(world, account_number))
        }),
        Property::always(FIRST, |_, world: &World| !world.violations.contains(&Violation::Moved)),
        Property::always(HEALED, |protocol: &Protocol, world: &World| {
            in_the_end(protocol, world, |world| {
                let is_pack = |payment: &&Payment| matches!(payment.buys, Buys::Packs { .. });
                world.provider.payments.iter().filter(is_pack).all(|payment| is_healed(world, payment))
            })
        }),
        Property::always(SHOWN, |protocol: &Protocol, world: &World| in_the_end(protocol, world, is_shown)),
        Property::always(OVER, |protocol: &Protocol, world: &World| in_the_end(protocol, world, is_over)),
    ]
}

/// Whether it holds once every client has an answer, and one more look was made at what changed since the last.
fn in_the_end(protocol: &Protocol, world: &World, holds: impl Fn(&World) -> bool) -> bool {
    !world.is_settled() || holds(&world.after_a_look(protocol))
}

fn is_refunded_once(payment: &Payment) -> bool {
    payment.money_back() <= 1 && payment.refunded() <= AMOUNT
}

fn purchases(world: &World) -> impl Iterator<Item = (AccountNumber, &Purchase)> {
    world.table.all().filter_map(|(key, row)| match key {
        Key::Purchase(account_number, _) => row.purchase().map(|purchase| (*account_number, purchase)),
        _ => None,
    })
}

fn packs(world: &World) -> impl Iterator<Item = (AccountNumber, &Purchase)> {
    purchases(world).filter(|(_, purchase)| !purchase.has_plan())
}

fn granted(purchase: &Purchase) -> u64 {
    purchase.lines.iter().map(|line| line.credits.tune_image()).sum()
}

/// The credits of a pack that are gone by its record: taken back, or owed.
fn gone_of(purchase: &Purchase) -> u64 {
    purchase.revoked.tune_image() + purchase.spent.tune_image()
}

/// The credits of a pack that are gone if that much of its money is.
fn gone_by(purchase: &Purchase, money: u64) -> u64 {
    granted(purchase) * money.min(AMOUNT) / AMOUNT
}

/// How much of a purchase's money is gone or on its way, as far as is known.
fn known_gone(purchase: &Purchase) -> u64 {
    let gone: u64 = purchase.outflows.iter().map(|outflow| outflow.amount).sum();
    if purchase.is_refund_pending() { AMOUNT } else { gone }
}

/// Images of Tunes that debits and captures took: what packs grant in the model.
fn spent(world: &World, account_number: AccountNumber) -> u64 {
    let spent = |entry: &Entry| match &entry.event {
        Event::Debit { .. } => entry.change.taken().tune_image(),
        Event::Capture { captured, .. } => captured.tune_image(),
        _ => 0,
    };
    world.table.entries(account_number).map(|(_, entry)| spent(entry)).sum()
}

/// Images of Tunes that debits and holds took: a hold's may be back.
fn taken(world: &World, account_number: AccountNumber) -> u64 {
    let of = |kind| {
        entries_of(world, account_number, kind).map(|entry| entry.change.taken().tune_image()).sum::<u64>()
    };
    of(EntryKind::Debit) + of(EntryKind::Hold)
}

/// Images of Tunes that support gave and took.
fn adjusted(world: &World, account_number: AccountNumber) -> (u64, u64) {
    let sum = |of: fn(&Entry) -> u64| entries_of(world, account_number, EntryKind::Adjustment).map(of).sum();
    (sum(|entry| entry.change.given().tune_image()), sum(|entry| entry.change.taken().tune_image()))
}

/// Images of Tunes that came back of debits, set against what is owed or not.
fn reversed(world: &World, account_number: AccountNumber) -> u64 {
    let reversals = entries_of(world, account_number, EntryKind::Reversal);
    let offset = |entry: &Entry| match &entry.event {
        Event::Reversal { offset, .. } => offset.tune_image(),
        _ => 0,
    };
    reversals.map(|entry| entry.change.given().tune_image() + offset(entry)).sum()
}

fn is_conserved(world: &World, account_number: AccountNumber) -> bool {
    let own = || packs(world).filter(|(of, _)| *of == account_number).map(|(_, purchase)| purchase);
    let granted: u64 = own().map(granted).sum();
    let gone: u64 = own().map(gone_of).sum();
    let (given, taken) = adjusted(world, account_number);
    let of = |of: fn(&Account) -> Credits| {
        world.table.account(account_number).map_or(0, |account| of(account).tune_image())
    };
    let (balance, held, owed) =
        (of(|account| account.balance), of(Account::held), of(|account| account.owed));
    granted + reversed(world, account_number) + given + owed
        == balance + held + gone + spent(world, account_number) + taken
}

/// Whether no purchase and no subscription has more entries than it had changes.
fn has_one_entry_each(world: &World) -> bool {
    let count = |is: &dyn Fn(&Entry) -> bool| {
        ACCOUNTS
            .iter()
            .flat_map(|account_number| world.table.entries(*account_number))
            .filter(|(_, entry)| is(entry))
            .count()
    };
    // A money-back refund takes the credits when it is requested, and gives them back if it is refused.
    let own = world.requested + world.provider.refused();
    let is_of_money = |entry: &Entry| {
        use EntryKind::{Dispute, DisputeWon, Refund, RefundFailed};
        matches!(entry.event.kind(), Dispute | DisputeWon | Refund | RefundFailed)
    };
    let changes = |payment: &Payment| payment.changes - usize::from(payment.is_paid);
    let of_subscription = count(&|entry| entry.event.kind() == EntryKind::Subscription);
    let plans = world.provider.invoices().map(|invoice| invoice.changes).sum::<usize>();
    of_subscription <= world.provider.changes + plans + own
        && world.provider.payments.iter().all(|payment| {
            let id = payment.id;
            let of_money = count(&|entry| entry.reference == id && is_of_money(entry));
            of_money <= changes(payment) + own
        })
}

/// Whether a payment for packs is granted whole, less what belongs to money that is gone.
fn is_healed(world: &World, payment: &Payment) -> bool {
    let mut known = packs(world).filter(|(_, purchase)| purchase.id.as_str() == payment.id);
    let Some((_, purchase)) = known.next() else {
        // Its account isn't known yet.
        return !payment.is_paid || payment.named.is_none();
    };
    let own = payment.money_back() > 0;
    let status = purchase.money_back.as_ref().map(|refund| refund.status);
    known.next().is_none()
        && granted(purchase) == payment.grants().tune_image()
        && gone_of(purchase) == gone_by(purchase, payment.gone())
        && match status {
            Some(MoneyBackStatus::Pending) => false,
            Some(MoneyBackStatus::Refunded) => own || payment.gone() == AMOUNT,
            None => !own,
        }
}

/// The invoices whose money isn't wholly gone.
fn unreturned(world: &World) -> impl Iterator<Item = &Payment> {
    world.provider.invoices().filter(|invoice| invoice.gone() < AMOUNT)
}

/// Until when an invoice pays for the plan.
fn until(invoice: &Payment) -> DateTime<Utc> {
    match invoice.buys {
        Buys::Plan { until } => time(until),
        Buys::Packs { .. } => unreachable!("an invoice of the subscription"),
    }
}

fn is_shown(world: &World) -> bool {
    let provider = &world.provider;
    let Some(newest) = provider.invoices().last() else { return true };
    let known = world.table.account(0).and_then(|account| account.subscription(&subscription()));
    let Some(known) = known else { return false };
    let is_gone = newest.gone() == AMOUNT;
    let status = match () {
        () if provider.ended_at.is_some() || is_gone => SubscriptionStatus::Canceled,
        () if provider.past_due => SubscriptionStatus::PastDue,
        () => SubscriptionStatus::Active,
    };
    let ended_at = provider.ended_at.map(time);
    let paid_through = ended_at.map_or(until(newest), |ended_at| ended_at.min(until(newest)));
    known.status == status
        && if is_gone { known.paid_through <= paid_through } else { known.paid_through == paid_through }
}

fn is_over(world: &World) -> bool {
    let Some(account) = world.table.account(0) else { return world.provider.invoices().next().is_none() };
    if world.provider.invoices().next().is_none() {
        return true;
    }
    let month = account.period;
    let of_month = |kind, playground: fn(&Entry) -> u64| -> u64 {
        entries_of(world, 0, kind).filter(|entry| entry.account.period == month).map(playground).sum()
    };
    let taken = |kind| of_month(kind, |entry| entry.change.taken().playground());
    let given = |kind| of_month(kind, |entry| entry.change.given().playground());
    let spent = taken(EntryKind::Debit) + taken(EntryKind::Hold);
    // Credits that were held before the month come back on top of its allowance.
    let returned = given(EntryKind::Reversal) + given(EntryKind::Capture) + given(EntryKind::Release);
    let is_of_month = |invoice: &Payment| until(invoice) > month.start();
    let level = if unreturned(world).any(is_of_month) { ALLOWANCE } else { 0 };
    let is_ended = world.provider.invoices().all(|invoice| {
        let row = world.table.written(&Key::Purchase(0, purchase_id(invoice.id)));
        let refund = row.and_then(|row| row.purchase()?.money_back.as_ref());
        let is_newest = world.provider.invoices().last() == Some(invoice);
        refund.is_none_or(|refund| {
            refund.status == MoneyBackStatus::Refunded && (!is_newest || world.provider.ended_at.is_some())
        })
    });
    account.balance.playground() + spent == level + returned + account.owed.playground() && is_ended
}
