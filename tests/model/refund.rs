//! The money-back refund between its transactions (`functions/refund/src/money_back.rs`): it asks the provider.

use scrip_accounts::{MoneyBackStatus, Purchase, money_back};

use crate::{
    item::Shared,
    look::Look,
    phase::{Answer, Phase},
    plant::Plant,
    protocol::Protocol,
    provider::{RefundAnswer, Topics},
    table::Table,
    task::{Command, Stage, Task, purchase_id},
    world::World,
};

/// The next request of a refund, and what follows it.
pub fn step(protocol: &Protocol, world: &mut World, index: usize, (phase, refuses): (&Phase, bool)) -> Phase {
    let task = &protocol.tasks[world.clients[index].task];
    let Command::Refund(id) = task.command else { unreachable!("it is a refund") };
    match phase {
        Phase::Purchase { is_asked } => read_purchase(world, index, task, *is_asked),
        Phase::Ask { attempt } => ask(protocol, world, index, (id, *attempt, refuses)),
        Phase::Payer => {
            let newest = world.provider.invoices().last().map(|invoice| invoice.id);
            if newest.is_some_and(|newest| newest != id) { Phase::Before } else { Phase::End }
        }
        Phase::End => {
            world.provider_mut(|provider| {
                provider.ended_at = provider.ended_at.or(Some(protocol.ends_at));
                provider.changes += 1;
            });
            world.note_change(Topics::SUBSCRIPTION);
            Phase::Before
        }
        _ => unreachable!("no step of a refund"),
    }
}

fn read_purchase(world: &mut World, index: usize, task: &Task, is_asked: bool) -> Phase {
    let related = task.related(&world.table, &world.clients[index].look, Table::get);
    let records = related.records.expect("its own account");
    let purchase: &Purchase = records.purchases.first().expect("it was refunded");
    let attempt = purchase.refunds_failed;
    let status = purchase.money_back.as_ref().map(|refund| refund.status);
    world.clients[index].look = Shared::new(Look { before: records, ..Look::default() });
    match status {
        Some(MoneyBackStatus::Refunded) => Phase::Done(Answer::Refunded),
        None => Phase::Done(Answer::ProviderRefused),
        // It is answered 202, and the hourly sweep calls again.
        Some(MoneyBackStatus::Pending) if is_asked => Phase::Uncalled,
        Some(MoneyBackStatus::Pending) => Phase::Ask { attempt },
    }
}

/// Asks for the money of a payment; what follows the answer.
fn ask(
    protocol: &Protocol,
    world: &mut World,
    index: usize,
    (id, attempt, refuses): (&'static str, u32, bool),
) -> Phase {
    let is_new_each_time = protocol.plant == Some(Plant::ChangingKey);
    let key = if is_new_each_time { world.provider.new_key() } else { attempt };
    let remembered = world.provider.remembers(id, key);
    let answer =
        remembered.unwrap_or_else(|| world.provider_mut(|provider| provider.ask(id, key, attempt, refuses)));
    if remembered.is_none() && matches!(answer, RefundAnswer::Sent(_)) {
        let topic = world.provider.topic(id);
        world.note_change(topic);
    }
    let client = &mut world.clients[index];
    client.stage = Stage::Answered { attempt, answer };
    let mut look = Look::clone(&client.look);
    if let RefundAnswer::Sent(number) = answer {
        look.refund_ids = vec![world.provider.payment(id).refund_id(number)];
    }
    let is_ending = money_back::ending(&look.before, &purchase_id(id)).is_some();
    client.look = Shared::new(look);
    match answer {
        RefundAnswer::Refused => Phase::Head,
        _ if is_ending => Phase::Payer,
        _ => Phase::Before,
    }
}
