//! The protocol as a model, searched exhaustively: three clients on two accounts, each a request at a time, in every order
//! there is, while the provider changes at any moment between. What is decided is decided by the accounts crate itself;
//! what is modelled is the table, the provider, and how the ledger, the webhook and the refund use them.
//!
//! What goes wrong in one history: one client crashes and is called again, and one request of a command with a key (a
//! claim, its raise, an entry, a transaction, the release of an expired hold) or of a sweep is lost, or arrives at any
//! later moment. In the cases with many faults both happen however often, with one request on its way at a time. In the
//! cases of money only what asks the provider crashes or loses an answer, once. A transaction is seen in part wherever
//! there is one, but for refunds, disputes and plans. In the cases of debits, reversals and open holds a claim is raised
//! after every scan that read an entry: the real threshold of 32 would never be reached here. In the cases of holds a
//! capture or release looks for its hold among the newest two entries, not four, before it reads the claim.
//!
//! Not in it: how often something is tried (here, without end) and the 503 after that, which is a crash to the ledger;
//! the pages of a long scan; time passing within a command; a late request of a look or a refund; the checkout sessions by
//! which a payment's account is found; a provider's answer that is older than another's; and what is parked.

mod append;
mod call;
mod client;
mod commands;
mod coverage;
mod debits;
mod follow;
mod hold_coverage;
mod hold_properties;
mod holds;
mod item;
mod keyed_command;
mod look;
mod money;
mod money_properties;
mod months;
mod old_program;
mod payment;
mod phase;
mod plant;
mod properties;
mod protocol;
mod provider;
mod purchases;
mod refund;
mod related;
mod table;
mod task;
mod world;
mod write;

use std::time::Instant;

use debits::{
    adjustments, beside_old, beside_purchase, debits, debits_with_many_faults, reversals,
    reversals_with_many_faults,
};
use holds::{expiries, holds, holds_at_the_turn, holds_with_many_faults, owed_holds, reversals_of_holds};
use money::{clawbacks, overtaking, owed, plans_money};
use months::{refills, reversal_of_last_month};
use plant::Plant;
use protocol::Protocol;
use purchases::{purchases, subscriptions};
use stateright::{Checker, HasDiscoveries, Model};
use world::World;

/// Every property holds in every state, and everything that should be seen is.
fn search(name: &str, protocol: Protocol) {
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
    search("debits", debits());
}

#[test]
fn debits_with_many_faults_hold() {
    search("debits with many faults", debits_with_many_faults());
}

#[test]
fn reversals_hold() {
    search("reversals", reversals());
}

#[test]
fn reversals_with_many_faults_hold() {
    search("reversals with many faults", reversals_with_many_faults());
}

#[test]
fn open_holds_hold() {
    search("open holds", holds());
}

#[test]
fn expiries_hold() {
    search("expiries of holds", expiries());
}

#[test]
fn reversals_of_holds_hold() {
    search("reversals of holds", reversals_of_holds());
}

#[test]
fn holds_with_many_faults_hold() {
    search("holds with many faults", holds_with_many_faults());
}

#[test]
fn holds_at_the_months_turn_hold() {
    search("holds at the month's turn", holds_at_the_turn());
}

#[test]
fn owed_holds_hold() {
    search("credits that are held while their money goes", owed_holds());
}

#[test]
fn adjustments_hold() {
    search("adjustments", adjustments());
}

#[test]
fn debits_beside_a_purchase_hold() {
    search("debits beside a purchase", beside_purchase());
}

#[test]
fn calls_beside_an_older_version_hold() {
    search("calls beside an older version", beside_old());
}

#[test]
fn purchases_hold() {
    search("purchases", purchases());
}

#[test]
fn subscriptions_hold() {
    search("subscriptions", subscriptions());
}

#[test]
fn clawbacks_hold() {
    search("clawbacks", clawbacks());
}

#[test]
fn owed_credits_hold() {
    search("owed credits", owed());
}

#[test]
fn plans_money_holds() {
    search("plans' money", plans_money());
}

#[test]
fn refills_hold() {
    search("refills", refills());
}

#[test]
fn reversals_of_last_month_hold() {
    search("reversals of last month", reversal_of_last_month());
}

#[test]
fn overtaking_holds() {
    search("overtaking", overtaking());
}

#[test]
fn each_planted_fault_is_found() {
    use hold_properties::{LASTING_EXPIRY, ONE_END, TRUE_ANSWER};
    use money_properties::{CONSERVED, FIRST, HEALED, ONE_REFUND};
    use properties::{CAPPED, KEPT, LAST, ONE_EFFECT, ONE_REFILL, REUSED, SERIAL, TRUE};
    for (plant, case, found) in [
        (Plant::NoScan, debits(), ONE_EFFECT),
        (Plant::ClaimAfterAppend, debits(), ONE_EFFECT),
        (Plant::NewerFrom, debits(), ONE_EFFECT),
        (Plant::RaisedUnread, debits(), ONE_EFFECT),
        (Plant::UncheckedCarried, debits(), ONE_EFFECT),
        (Plant::UnansweredClaim, debits(), ONE_EFFECT),
        (Plant::NewestReread, debits(), ONE_EFFECT),
        (Plant::HashInClaim, debits(), KEPT),
        (Plant::ReusedByClaim, debits(), REUSED),
        (Plant::Unconfirmed, debits(), TRUE),
        (Plant::ConfirmedWithoutClaim, debits(), TRUE),
        (Plant::DeletedClaim, debits(), TRUE),
        (Plant::ImpureDecision, debits(), LAST),
        (Plant::PlainlyConfirmed, beside_purchase(), TRUE),
        (Plant::UncappedReversal, reversals(), CAPPED),
        (Plant::OneEntryRead, reversals(), TRUE),
        (Plant::RefusedOnCarried, refills(), TRUE),
        (Plant::ConfirmedWithoutOthers, reversals_of_holds(), TRUE),
        (Plant::UnclaimedSettlement, holds(), TRUE_ANSWER),
        (Plant::RecentHoldsOnly, holds(), TRUE_ANSWER),
        (Plant::UnwrittenExpiry, expiries(), LASTING_EXPIRY),
        (Plant::IgnoredSettlement, reversals_of_holds(), CAPPED),
        (Plant::UnclosedHold, expiries(), ONE_END),
        (Plant::SpendableHold, holds(), CONSERVED),
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
