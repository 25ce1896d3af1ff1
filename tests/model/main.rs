//! The protocol as a model, searched exhaustively: three clients, two accounts and one crash or lost answer, each
//! client a request at a time, in every order there is, while the provider changes at any moment between. What is
//! decided is decided by the accounts crate itself; what is modelled is the table, the provider, and how the ledger,
//! the webhook and the refund use them.
//!
//! Not in it: how often something is tried (here, without end) and the 503 after that, time passing within a
//! command, a second crash, the checkout sessions by which a payment's account is found, a provider's answer that is
//! older than another's, and what is parked.

mod append;
mod cases;
mod client;
mod commands;
mod look;
mod money;
mod plant;
mod properties;
mod protocol;
mod provider;
mod table;
mod task;

use std::time::Instant;

use cases::{debits, purchases, refills, subscriptions};
use money::{clawbacks, overtaking, owed, plans_money};
use plant::Plant;
use protocol::{Protocol, World};
use stateright::{Checker, HasDiscoveries, Model};

/// Every property holds in every state, and everything that should be seen is.
fn holds(name: &str, protocol: Protocol) {
    let started = Instant::now();
    let checker = protocol.checker().symmetry_fn(World::in_order).spawn_dfs().join();
    println!(
        "{name}: {} states, {} steps deep, {:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        started.elapsed()
    );
    checker.assert_properties();
}

#[test]
fn debits_hold() {
    holds("debits", debits());
}

#[test]
fn purchases_hold() {
    holds("purchases", purchases());
}

#[test]
fn subscriptions_hold() {
    holds("subscriptions", subscriptions());
}

#[test]
fn clawbacks_hold() {
    holds("clawbacks", clawbacks());
}

#[test]
fn owed_credits_hold() {
    holds("owed credits", owed());
}

#[test]
fn plans_money_holds() {
    holds("plans' money", plans_money());
}

#[test]
fn refills_hold() {
    holds("refills", refills());
}

#[test]
fn overtaking_holds() {
    holds("overtaking", overtaking());
}

#[test]
fn each_planted_fault_is_found() {
    use properties::{CONSERVED, FIRST, HEALED, ONE_EFFECT, ONE_REFILL, ONE_REFUND, SERIAL, TRUE};
    for (plant, case, found) in [
        (Plant::NoOperation, debits(), ONE_EFFECT),
        (Plant::CheckedBefore, debits(), ONE_EFFECT),
        (Plant::Unconfirmed, debits(), TRUE),
        (Plant::PlainlyConfirmed, debits(), TRUE),
        (Plant::UnguardedRecord, clawbacks(), SERIAL),
        (Plant::AddingRefill, refills(), ONE_REFILL),
        (Plant::ChangingKey, clawbacks(), ONE_REFUND),
        (Plant::FactsFirst, owed(), HEALED),
        (Plant::UncheckedRevision, owed(), HEALED),
        (Plant::IdleLook, overtaking(), HEALED),
        (Plant::DroppedQuantity, purchases(), HEALED),
        (Plant::OverwrittenCustomer, purchases(), FIRST),
        (Plant::ForgottenOwed, owed(), CONSERVED),
    ] {
        let protocol = Protocol { plant: Some(plant), ..case };
        let checker =
            protocol.checker().finish_when(HasDiscoveries::AllOf([found].into())).spawn_bfs().join();
        let steps = checker.assert_any_discovery(found).into_actions();
        println!("{plant:?} is found after {} states: {steps:?}", checker.unique_state_count());
    }
}
