//! One look at the provider, as `functions/purchase-webhook/src/{stripe_reader,apply}.rs` make it: the records first,
//! then the facts, each in a request of its own.

use std::collections::BTreeMap;

use scrip_accounts::{
    Purchase, PurchaseId, Records, RefundId,
    facts::{Facts, MoneyFacts},
};

use crate::{
    item::{AccountNumber, Key, Row},
    payment::customer,
    phase::{Answer, NoWrite, Phase},
    plant::Plant,
    protocol::Protocol,
    table::Table,
    task::{Command, Subject, Task, purchase_id},
    world::World,
};

/// The facts that were read so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    /// The account, once it is known.
    pub account_number: Option<AccountNumber>,
    /// The records that were read before the provider was.
    pub before: Records,
    pub facts: Facts,
    /// The refunds that a money-back refund made.
    pub refund_ids: Vec<RefundId>,
}

/// The next request of a look, and what follows it.
pub fn step(protocol: &Protocol, world: &World, task: &Task, phase: &Phase, look: &mut Look) -> Phase {
    let (table, provider) = (&*world.table, &world.provider);
    match phase {
        Phase::Uncalled | Phase::Before => {
            *look = Look::default();
            before(table, task, look)
        }
        Phase::Facts => match task.command {
            Command::Look(Subject::Subscription) => {
                look.facts.subscription = Some(provider.subscription());
                Phase::Invoices
            }
            Command::Look(Subject::Payment(id)) => {
                let payment = provider.payment(id);
                if !payment.is_paid {
                    return Phase::Done(Answer::Unwritten(NoWrite::Unchanged));
                }
                look.facts.paid.push(payment.paid(protocol.plant));
                if look.account_number.is_none() {
                    look.account_number = payment.named;
                }
                if payment.is_moved() {
                    look.facts.money.push(unread(purchase_id(id)));
                }
                after_paid(protocol, look)
            }
            _ => unreachable!("it looks at nothing"),
        },
        Phase::Invoices => invoices(protocol, world, look),
        Phase::Money => {
            for money in &mut look.facts.money {
                *money = provider.payment(money.purchase_id.as_str()).money();
            }
            let is_new = !look.facts.paid.is_empty() && look.facts.subscription.is_none();
            if is_new { Phase::Customer } else { decided(protocol) }
        }
        Phase::Customer => {
            let known = table.get(&Key::Customer).and_then(|row| row.owner());
            if known.is_none() {
                look.facts.new_customer = Some(customer());
            }
            look.account_number = look.account_number.or(known);
            match look.account_number {
                Some(_) => decided(protocol),
                // Its account isn't known yet: the event is sent again.
                None => Phase::Uncalled,
            }
        }
        Phase::RecordsLast => {
            look.before = task.related(table, look, Table::get).records.unwrap_or_default();
            Phase::Head
        }
        _ => unreachable!("no step of a look"),
    }
}

/// Reads the records of a subject, as if at once: each is held to its own revision later.
fn before(table: &Table, task: &Task, look: &mut Look) -> Phase {
    match task.command {
        Command::Look(Subject::Subscription) => {
            let row = table.get(&Key::Subscription);
            let Some((account_number, record)) = row.as_ref().and_then(|row| row.subscription()) else {
                return Phase::Facts;
            };
            (look.account_number, look.before.subscription) = (Some(account_number), Some(record.clone()));
            let running = record.running(task.now).cloned();
            look.before.purchases =
                running.filter_map(|id| purchase(table, look.account_number, id)).collect();
            Phase::Facts
        }
        Command::Look(Subject::Payment(id)) | Command::Refund(id) => {
            look.account_number = table.get(&Key::Payment(id.to_owned())).and_then(|row| row.owner());
            look.before.purchases.extend(purchase(table, look.account_number, purchase_id(id)));
            let Some(known) = look.before.purchases.first() else { return Phase::Facts };
            if known.subscription_id.is_some() {
                let row = table.get(&Key::Subscription);
                look.before.subscription =
                    row.as_ref().and_then(|row| row.subscription()).map(|(_, record)| record.clone());
            }
            look.facts.money.push(unread(known.id.clone()));
            Phase::Money
        }
        _ => unreachable!("it looks at nothing"),
    }
}

/// Reads the invoices that aren't recorded, and whose money must be read.
fn invoices(protocol: &Protocol, world: &World, look: &mut Look) -> Phase {
    let provider = &world.provider;
    let is_recorded = |id: &str| {
        look.before
            .subscription
            .as_ref()
            .is_some_and(|record| record.recorded.iter().any(|known| known.as_str() == id))
    };
    let new: Vec<_> = provider.invoices().filter(|invoice| !is_recorded(invoice.id)).collect();
    for known in &look.before.purchases {
        let is_known = !known.outflows.is_empty() || known.money_back.is_some();
        if is_known || provider.payment(known.id.as_str()).is_moved() {
            look.facts.money.push(unread(known.id.clone()));
        }
    }
    for invoice in new {
        let paid = invoice.paid(protocol.plant);
        if invoice.is_moved() && !look.before.purchases.iter().any(|known| known.id == paid.purchase_id) {
            look.facts.money.push(unread(paid.purchase_id.clone()));
        }
        if look.account_number.is_none() {
            look.account_number = invoice.named;
        }
        if let Some(facts) = &mut look.facts.subscription {
            facts.settled.push(paid.purchase_id.clone());
        }
        look.facts.paid.push(paid);
    }
    if look.facts.paid.is_empty() && look.account_number.is_none() {
        // Nothing was ever paid.
        return Phase::Done(Answer::Unwritten(NoWrite::Unchanged));
    }
    after_paid(protocol, look)
}

fn after_paid(protocol: &Protocol, look: &Look) -> Phase {
    match () {
        () if !look.facts.money.is_empty() => Phase::Money,
        // For packs, the customer's account is enough.
        () if look.facts.subscription.is_some() => decided(protocol),
        () => Phase::Customer,
    }
}

/// The phase after the facts are read.
fn decided(protocol: &Protocol) -> Phase {
    if protocol.plant == Some(Plant::FactsFirst) { Phase::RecordsLast } else { Phase::Head }
}

fn unread(purchase_id: PurchaseId) -> MoneyFacts {
    MoneyFacts { purchase_id, outflows: Vec::new(), failed: Vec::new(), attempts: BTreeMap::new() }
}

fn purchase(table: &Table, account_number: Option<AccountNumber>, id: PurchaseId) -> Option<Purchase> {
    let row: Row = table.get(&Key::Purchase(account_number?, id))?;
    row.purchase().cloned()
}
