//! A call that stops at one of its requests, as when its process is killed: what it had in memory is gone.

use std::{future::pending, sync::Arc};

use tokio::sync::Notify;

use crate::{
    outcome::Executed,
    world::{NOW, World},
};
use scrip_ledger::Error;
use scrip_test_support::{crash::Side, faults::Fault};

/// The month after the one that the account was bought in.
pub const DECEMBER: &str = "2026-12-01T00:00:00Z";

/// A command, and the requests that it takes without contention: each operation, and how many of it come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A debit `d` of ten.
    Debit,
    /// A debit `d` of ten, the first of its month.
    DebitAtTheTurn,
    /// A reversal `r` of four of a debit `earlier` of ten.
    Reversal,
    /// A hold `d` of ten.
    Hold,
    /// A capture of four of a hold `earlier` of ten.
    Capture,
    /// A release of a hold `earlier` of ten.
    Release,
}

impl Act {
    pub const ALL: [Self; 6] =
        [Self::Debit, Self::DebitAtTheTurn, Self::Reversal, Self::Hold, Self::Capture, Self::Release];

    /// An account on which it can be carried out.
    pub async fn world(self) -> World {
        let world = World::new().await;
        match self {
            Self::Debit | Self::DebitAtTheTurn | Self::Hold => {}
            Self::Reversal => drop(world.take("earlier", 10).await.unwrap()),
            Self::Capture | Self::Release => drop(world.hold("earlier", 10).await.unwrap()),
        }
        world.faults.asked();
        world
    }

    /// Its requests, in order. The last one writes its entry.
    pub fn requests(self) -> &'static [(&'static str, usize)] {
        match self {
            // The hold is among the newest entries.
            Self::Debit | Self::Hold | Self::Capture | Self::Release => {
                &[("Query", 0), ("PutItem", 0), ("PutItem", 1)]
            }
            Self::DebitAtTheTurn => &[("Query", 0), ("PutItem", 0), ("TransactWriteItems", 0)],
            Self::Reversal => {
                &[("Query", 0), ("GetItem", 0), ("Query", 1), ("PutItem", 0), ("TransactWriteItems", 0)]
            }
        }
    }

    pub async fn carry_out(self, world: &World) -> Result<Executed, Error> {
        match self {
            Self::Debit => world.take("d", 10).await,
            Self::DebitAtTheTurn => world.take_at("d", 10, DECEMBER).await,
            Self::Reversal => world.reverse("r", "earlier", 4).await,
            Self::Hold => world.hold("d", 10).await,
            Self::Capture => world.capture("earlier", 4).await,
            Self::Release => world.release("earlier").await,
        }
    }

    /// When it is asked for.
    pub fn now(self) -> &'static str {
        if self == Self::DebitAtTheTurn { DECEMBER } else { NOW }
    }

    /// What the account has once it was carried out, and nothing else was.
    pub fn balance(self) -> u64 {
        match self {
            Self::Debit | Self::DebitAtTheTurn | Self::Hold => 990,
            Self::Reversal => 994,
            Self::Capture => 996,
            Self::Release => 1000,
        }
    }

    /// The kind and the key of its entry.
    pub fn key(self) -> (&'static str, &'static str) {
        match self {
            Self::Debit | Self::DebitAtTheTurn => ("debit", "d"),
            Self::Reversal => ("reversal", "r"),
            Self::Hold => ("hold", "d"),
            Self::Capture => ("capture", "earlier"),
            Self::Release => ("release", "earlier"),
        }
    }
}

impl World {
    /// Lets so many requests of an operation pass, and meets the next one with a fault.
    pub fn fault_after(&self, count: usize, operation: &str, fault: Fault) {
        (0..count).for_each(|_| self.faults.next(operation, Fault::None));
        self.faults.next(operation, fault);
    }

    /// Carries a command out until it stops before or after a request.
    pub async fn stop(&self, act: Act, (operation, count): (&str, usize), side: Side) {
        let reached = Arc::new(Notify::new());
        let stop = {
            let reached = Arc::clone(&reached);
            async move {
                reached.notify_one();
                pending::<()>().await;
            }
        };
        let fault = match side {
            Side::Before => Fault::meanwhile(stop),
            Side::After => Fault::then(stop),
        };
        self.fault_after(count, operation, fault);
        tokio::select! {
            ended = act.carry_out(self) => panic!("{act:?} went on to its end: {ended:?}"),
            () = reached.notified() => {}
        }
        self.faults.clear();
        self.faults.asked();
    }

    /// The sequences of the entries that carry a key.
    pub async fn entries_of(&self, (kind, key): (&str, &str)) -> Vec<u64> {
        let entries = self.raw_entries().await;
        let is_of = |entry: &&serde_json::Value| entry["kind"]["S"] == kind && entry["reference"]["S"] == key;
        entries
            .iter()
            .filter(is_of)
            .map(|entry| entry["sequence"]["N"].as_str().unwrap().parse().unwrap())
            .collect()
    }
}
