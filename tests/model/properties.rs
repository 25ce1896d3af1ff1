//! What always holds: nothing is lost, nothing is doubled, and nobody is told what isn't so.

use std::collections::BTreeSet;

use credits::{Buys, Dispute, Entry, EntryKind, Purchase, Refund, Word};
use pricing::Credits;
use stateright::Property;

use crate::{
    client::{Answer, Client, Phase},
    protocol::{Protocol, World},
    table::{Item, Key, Who},
    task::{Command, Task},
};

pub const ACCOUNTS: [Who; 2] = [0, 1];

pub const HISTORY: &str = "a balance is the sum of its entries, which have no gaps";
pub const ONE_EFFECT: &str = "a key has one effect";
pub const ONE_GRANT: &str = "a payment is granted once";
pub const ONE_REFILL: &str = "a month is refilled once, to the allowance";
pub const ONE_REFUND: &str = "money goes back once";
pub const KEPT: &str = "who is told of success has it in the ledger";
pub const TRUE: &str = "what is refused was so at a moment between call and answer";
pub const SERIAL: &str = "what is written is what would be decided on the newest entry";
pub const CONSERVED: &str = "credits are what was granted, less what was spent and revoked";
pub const REVOKED: &str = "credits are revoked where the money is gone or pending, and nowhere else";
pub const SPENT: &str = "what couldn't be revoked was spent";
pub const HEALED: &str = "when all is said, the credits follow the money";
pub const HEARD: &str = "when all is said, the last word on a subscription stands";
pub const OVER: &str =
    "when all is said, a plan that is paid for has its month's credits, and any other is over";
pub const DUE: &str = "the due index names who has a month to settle";

pub fn always() -> Vec<Property<Protocol>> {
    vec![
        Property::always(HISTORY, |_, world: &World| ACCOUNTS.iter().all(|who| adds_up(world, *who))),
        Property::always(ONE_EFFECT, |_, world: &World| {
            ACCOUNTS.iter().all(|who| is_once(entries_of(world, *who, EntryKind::Debit)))
        }),
        Property::always(ONE_GRANT, |_, world: &World| {
            is_once(ACCOUNTS.iter().flat_map(|who| entries_of(world, *who, EntryKind::Purchase)))
        }),
        Property::always(ONE_REFILL, |_, world: &World| {
            let is_set = |entry: &Entry| entry.account.balance.playground() == entry.account.granted;
            ACCOUNTS.iter().all(|who| {
                is_once(entries_of(world, *who, EntryKind::Refill))
                    && entries_of(world, *who, EntryKind::Refill).all(is_set)
            })
        }),
        Property::always(ONE_REFUND, |_, world: &World| world.provider.standing() <= 1),
        Property::always(KEPT, |protocol: &Protocol, world: &World| {
            world.clients.iter().all(|client| match &client.phase {
                Phase::Done(answer) => has_it(world, &protocol.tasks[client.task], answer),
                _ => true,
            })
        }),
        Property::always(TRUE, |_, world: &World| !world.is_untrue),
        Property::always(SERIAL, |_, world: &World| !world.is_stale),
        Property::always(CONSERVED, |_, world: &World| ACCOUNTS.iter().all(|who| is_conserved(world, *who))),
        Property::always(REVOKED, |_, world: &World| {
            let follows_money = |purchase: &Purchase| {
                let should = if is_gone(purchase) { purchase.granted } else { Credits::ZERO };
                purchase.revoked.checked_add(purchase.spent) == Some(should)
            };
            let went = world.provider.standing() > 0;
            let is_pending = |purchase: &Purchase| purchase.refund.is_some();
            packs(world).all(|(_, purchase)| follows_money(purchase))
                && (!went || purchases(world).any(|(_, purchase)| is_pending(purchase)))
        }),
        Property::always(SPENT, |_, world: &World| {
            packs(world).all(|(who, purchase)| purchase.spent.tune_image() <= debited(world, who))
        }),
        Property::always(HEALED, is_healed),
        Property::always(HEARD, is_heard),
        Property::always(OVER, |protocol: &Protocol, world: &World| {
            let is_told = |client: &Client| {
                let command = &protocol.tasks[client.task].command;
                matches!(command, Command::Money(..) | Command::Refund(_))
            };
            !world.is_settled()
                || !world.clients.iter().any(is_told)
                || purchases(world).all(|purchase| is_over(world, purchase))
        }),
        Property::always(DUE, |_, world: &World| {
            ACCOUNTS.iter().all(|who| {
                let due = world.table.written(&Key::Due(*who)).map(|row| row.item().clone());
                due == world.table.account(*who).and_then(credits::Account::due_after).map(Item::Due)
            })
        }),
    ]
}

pub fn entries_of(world: &World, who: Who, kind: EntryKind) -> impl Iterator<Item = &Entry> {
    world.table.entries(who).map(|(_, entry)| entry).filter(move |entry| entry.event.kind() == kind)
}

fn is_once<'a>(mut entries: impl Iterator<Item = &'a Entry>) -> bool {
    let mut seen = BTreeSet::new();
    entries.all(|entry| seen.insert(entry.reference.as_str()))
}

fn adds_up(world: &World, who: Who) -> bool {
    let mut balance = Credits::ZERO;
    world.table.entries(who).zip(1..).all(|((number, entry), expected)| {
        let after = entry.change.apply(balance);
        balance = entry.account.balance;
        after == Some(balance) && number == expected && entry.account.sequence.get() == expected
    })
}

fn purchases(world: &World) -> impl Iterator<Item = (Who, &Purchase)> {
    world.table.all().filter_map(|(key, row)| match key {
        Key::Purchase(who, _) => row.purchase().map(|purchase| (*who, purchase)),
        _ => None,
    })
}

fn packs(world: &World) -> impl Iterator<Item = (Who, &Purchase)> {
    purchases(world).filter(|(_, purchase)| matches!(purchase.payment.buys, Buys::Pack(_)))
}

/// Images of Tunes that debits took: what packs grant in the model.
fn debited(world: &World, who: Who) -> u64 {
    entries_of(world, who, EntryKind::Debit).map(|entry| entry.change.taken().tune_image()).sum()
}

fn is_conserved(world: &World, who: Who) -> bool {
    let own = || packs(world).filter(|(of, _)| *of == who).map(|(_, purchase)| purchase);
    let granted: u64 = own().map(|purchase| purchase.granted.tune_image()).sum();
    let revoked: u64 = own().map(|purchase| purchase.revoked.tune_image()).sum();
    let balance = world.table.account(who).map_or(0, |account| account.balance.tune_image());
    granted == balance + revoked + debited(world, who)
}

/// Whether a purchase's money is gone or on its way, as far as is known.
fn is_gone(purchase: &Purchase) -> bool {
    let is_heard = purchase.refunded_amount > 0 && purchase.failed_refunds.is_empty();
    purchase.refund.is_some() || is_heard || purchase.dispute == Some(Dispute::Withdrawn)
}

fn has_it(world: &World, task: &Task, answer: &Answer) -> bool {
    let wrote = |number: &u64| {
        let row = world.table.written(&Key::Entry(task.account, *number));
        let Some(entry) = row.and_then(|row| row.entry()) else { return false };
        let is = |kinds: &[EntryKind], reference: &str| {
            kinds.contains(&entry.event.kind()) && entry.reference == reference
        };
        match &task.command {
            Command::Debit(id, debit) => {
                let took = matches!(&entry.event, credits::Event::Debit { operation, .. } if *operation == debit.operation);
                is(&[EntryKind::Debit], id.as_str()) && took
            }
            Command::Paid(payment) => {
                is(&[EntryKind::Purchase, EntryKind::Subscription], payment.id.as_str())
            }
            _ => true,
        }
    };
    match answer {
        Answer::Appended(number) | Answer::Replayed(number) => wrote(number),
        Answer::Refunded => world.provider.sent() > 0,
        Answer::ProviderRefused => world.provider.refused() > 0 || world.provider.failed.is_some(),
        Answer::KeyReused => {
            let identity = task.identity.as_ref().expect("it has a key");
            let row = world.table.written(&identity.operation).map(|row| row.item().clone());
            matches!(row, Some(Item::Operation { request, .. }) if request != identity.request)
        }
        Answer::Recorded | Answer::Unwritten(_) => true,
    }
}

fn is_healed(protocol: &Protocol, world: &World) -> bool {
    let commands = || world.clients.iter().map(|client| &protocol.tasks[client.task].command);
    let moves = |command: &Command| matches!(command, Command::Money(..) | Command::Refund(_));
    if !world.is_settled() || !commands().any(moves) {
        return true;
    }
    let disputed = commands().filter_map(|command| match command {
        Command::Money(_, Word::Disputed(dispute), _) => Some(*dispute),
        _ => None,
    });
    let disputed = disputed.max();
    let is_gone = world.provider.standing() > 0 || disputed == Some(Dispute::Withdrawn);
    packs(world).all(|(_, purchase)| {
        let should = if is_gone { purchase.granted } else { Credits::ZERO };
        purchase.revoked.checked_add(purchase.spent) == Some(should)
            && purchase.dispute == disputed
            && matches!(purchase.refund, Some(Refund::Refunded { .. })) == (world.provider.standing() > 0)
    })
}

fn is_heard(protocol: &Protocol, world: &World) -> bool {
    !world.is_settled()
        || world.clients.iter().all(|client| {
            let task = &protocol.tasks[client.task];
            let Command::Status(change) = &task.command else { return true };
            let Some(account) = world.table.account(task.account) else { return true };
            let known = account.subscription.as_ref();
            match change.status {
                credits::Status::Ended(at) => known.is_none_or(|known| known.ended_at == Some(at)),
                credits::Status::PastDue | credits::Status::Active => true,
            }
        })
}

fn is_over(world: &World, (who, purchase): (Who, &Purchase)) -> bool {
    let account = world.table.account(who).expect("it bought something");
    let known = account.subscription.as_ref();
    let Some(known) = known.filter(|known| known.purchase_id == purchase.payment.id) else { return true };
    let spent: u64 =
        entries_of(world, who, EntryKind::Debit).map(|entry| entry.change.taken().playground()).sum();
    let allowance = if is_gone(purchase) { 0 } else { known.allowance - spent };
    let is_refunded = matches!(purchase.refund, Some(Refund::Refunded { .. }));
    account.balance.playground() == allowance
        && known.withdrawn_at.is_some() == is_gone(purchase)
        && (!is_refunded || world.provider.has_ended)
}
