//! The protocol as a model, searched exhaustively: three clients, two accounts and one crash, each client a
//! request at a time, in every order there is. What is decided is decided by the `credits` crate itself; what is
//! modelled is the table, the provider and how the ledger uses them.
//!
//! Not in it: how often is tried (here, without end), time passing within a command, reversals, more than one
//! crash, and ending a plan's subscription at the provider.

mod append;
mod cases;
mod client;
mod plant;
mod properties;
mod protocol;
mod provider;
mod table;
mod task;

use std::time::Instant;

use cases::{debits, purchases, refills, subscriptions, withdrawals};
use plant::Plant;
use protocol::Protocol;
use stateright::{Checker, HasDiscoveries, Model};

/// Every property holds in every state, and everything that should be seen is.
fn holds(name: &str, protocol: Protocol) {
    let started = Instant::now();
    let checker = protocol.checker().spawn_dfs().join();
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
fn withdrawals_hold() {
    holds("withdrawals", withdrawals());
}

#[test]
fn refills_hold() {
    holds("refills", refills());
}

#[test]
fn each_planted_fault_is_found() {
    use properties::{KEPT, ONE_EFFECT, ONE_REFILL, ONE_REFUND, SERIAL, SPENT, TRUE};
    for (plant, case, found) in [
        (Plant::NoOperation, debits(), ONE_EFFECT),
        (Plant::CheckedBefore, debits(), ONE_EFFECT),
        (Plant::Unconfirmed, debits(), TRUE),
        (Plant::PlainlyConfirmed, debits(), TRUE),
        (Plant::RefusedOnCarried, debits(), TRUE),
        (Plant::UncheckedRecord, withdrawals(), SPENT),
        (Plant::AddingRefill, refills(), ONE_REFILL),
        (Plant::ChangingKey, withdrawals(), ONE_REFUND),
    ] {
        let _ = (KEPT, SERIAL);
        let protocol = Protocol { plant: Some(plant), ..case };
        let wanted = HasDiscoveries::AllOf([found].into());
        let started = Instant::now();
        let checker = protocol.checker().finish_when(wanted).spawn_bfs().join();
        println!("{plant:?}: {} states, {:?}", checker.unique_state_count(), started.elapsed());
        let path = checker.assert_any_discovery(found);
        println!("  {} steps: {:?}", path.clone().into_actions().len(), path.into_actions());
    }
}
