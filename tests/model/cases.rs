//! The concerns of the protocol, one model each: what may happen, and what is then seen. Money that goes back has
//! a file of its own.

use credits::{EntryKind, Status};

use crate::{
    client::{Answer, Phase, Unwritten},
    commands::{ALL, DECEMBER, LITTLE, NOVEMBER, ONE, TWO, debit, pack, plan, status, task, time},
    properties::{ACCOUNTS, entries_of},
    protocol::{Protocol, Sight, World},
    task::Command,
};

pub fn any(world: &World, is: impl Fn(&Phase) -> bool) -> bool {
    world.clients.iter().any(|client| is(&client.phase))
}

pub const RACED: Sight = ("a race is lost and decided again", |_, world| {
    any(world, |phase| matches!(phase, Phase::Append(read, _) if read.is_carried))
});
pub const REPLAYED: Sight = ("a retry is answered by replay", |_, world| {
    any(world, |phase| matches!(phase, Phase::Done(Answer::Replayed(_))))
});
pub const REFUSED: Sight = ("a refusal is confirmed", |protocol, world| {
    world.clients.iter().any(|client| {
        let is_refused = matches!(client.phase, Phase::Done(Answer::Unwritten(Unwritten::Refused(_))));
        is_refused && protocol.tasks[client.task].identity.is_some()
    })
});
pub const HEALED: Sight = ("a crash between write and answer is healed by the retry", |_, world| {
    let is_only = |index: usize| {
        world.clients.iter().filter(|client| client.task == world.clients[index].task).count() == 1
    };
    world.crashed.is_some_and(|index| {
        is_only(index) && matches!(world.clients[index].phase, Phase::Done(Answer::Replayed(_)))
    })
});

/// Debits of two accounts, some by the same key, with credits for one or for two of them.
pub fn debits() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("pack of one", 0, NOVEMBER, pack("pi_1", 8)),
            task("pack of two", 0, NOVEMBER, pack("pi_1", 16)),
            task("another's pack", 1, NOVEMBER, pack("pi_2", 8)),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
            task("debit by another key", 0, NOVEMBER, debit("k2", ONE)),
            task("debit by a used key", 0, NOVEMBER, debit("k1", TWO)),
            task("another's debit", 1, NOVEMBER, debit("k1", ONE)),
        ],
        is_torn: true,
        sights: vec![
            RACED,
            REPLAYED,
            REFUSED,
            HEALED,
            ("a key is used for two requests", |_, world| {
                any(world, |phase| matches!(phase, Phase::Done(Answer::KeyReused)))
            }),
            ("half of a transaction is read", |_, world| {
                let is_hidden = |phase: &Phase| match phase {
                    Phase::Related(read) | Phase::Append(read, _) | Phase::Confirm(read, ..) => {
                        world.table.hidden_by(None).next().is_some() && read.head.is_some()
                    }
                    _ => false,
                };
                any(world, is_hidden)
            }),
        ],
        ..Protocol::default()
    };
    let worlds = [
        protocol.after(&["pack of one", "another's pack"]),
        protocol.after(&["pack of two", "another's pack"]),
    ];
    protocol.start(&worlds, &["debit", "debit by another key", "debit by a used key", "another's debit"]);
    protocol
}

/// Payments for packs, each told of twice, one of them to two accounts, and debits that wait for them.
pub fn purchases() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("event", 0, NOVEMBER, pack("pi_1", 8)),
            task("event that names another", 1, NOVEMBER, pack("pi_1", 8)),
            task("another payment's event", 0, NOVEMBER, pack("pi_2", 8)),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
        ],
        is_torn: true,
        sights: vec![
            RACED,
            REPLAYED,
            REFUSED,
            HEALED,
            ("a payment is another's", |_, world| {
                let taken = Phase::Done(Answer::Unwritten(Unwritten::PaymentTaken));
                any(world, |phase| *phase == taken)
            }),
        ],
        ..Protocol::default()
    };
    let tasks = ["event", "event that names another", "another payment's event", "debit"];
    protocol.start(&[World::default()], &tasks);
    protocol
}

/// A plan, its renewal, and words on its status, in every order.
pub fn subscriptions() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("plan", 0, NOVEMBER, plan("in_1", NOVEMBER, "2026-12-20T00:00:00Z")),
            task(
                "renewal",
                0,
                "2026-12-20T00:00:00Z",
                plan("in_2", "2026-12-20T00:00:00Z", "2027-01-20T00:00:00Z"),
            ),
            task("past due", 0, "2026-12-20T00:00:00Z", status(Status::PastDue, "2026-12-19T00:00:00Z")),
            task(
                "ended",
                0,
                "2026-12-25T00:00:00Z",
                status(Status::Ended(time("2026-12-24T00:00:00Z")), "2026-12-24T00:00:00Z"),
            ),
            task("debit", 0, "2026-12-20T00:00:00Z", debit("k1", LITTLE)),
        ],
        sights: vec![
            RACED,
            REPLAYED,
            REFUSED,
            HEALED,
            ("a word only changes the record", |_, world| {
                any(world, |phase| *phase == Phase::Done(Answer::Recorded))
            }),
        ],
        ..Protocol::default()
    };
    let worlds = [World::default(), protocol.after(&["plan"])];
    protocol.start(&worlds, &["plan", "renewal", "past due", "ended", "debit"]);
    protocol
}

/// The first of the month: sweeps, and debits that need its allowance.
pub fn refills() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("plan", 0, NOVEMBER, plan("in_1", NOVEMBER, "2027-11-20T00:00:00Z")),
            task("another's plan", 1, NOVEMBER, plan("in_2", NOVEMBER, "2027-11-20T00:00:00Z")),
            task("November's debit", 0, NOVEMBER, debit("k0", LITTLE)),
            task("sweep", 0, DECEMBER, Command::Settle),
            task("another's sweep", 1, DECEMBER, Command::Settle),
            task("debit of all", 0, DECEMBER, debit("k1", ALL)),
            task("debit of a late clock", 0, "2026-11-30T23:59:59Z", debit("k2", LITTLE)),
        ],
        is_torn: true,
        sights: vec![
            RACED,
            REPLAYED,
            REFUSED,
            HEALED,
            ("the debit makes the refill", |_, world| {
                let mut entries = world.table.entries(0).map(|(_, entry)| entry);
                entries.next_back().is_some_and(|entry| entry.event.kind() == EntryKind::Debit)
                    && entries.next_back().is_some_and(|entry| entry.event.kind() == EntryKind::Refill)
                    && !any(world, |phase| *phase == Phase::Done(Answer::Unwritten(Unwritten::Unchanged)))
                    && world.clients.iter().all(|client| client.task != 3 || client.phase == Phase::Uncalled)
            }),
            ("the sweep finds it made", |_, world| {
                let is_swept = world.clients.iter().filter(|client| client.task == 3).count();
                is_swept == 1
                    && any(world, |phase| *phase == Phase::Done(Answer::Unwritten(Unwritten::Unchanged)))
            }),
            ("both accounts are swept", |_, world| {
                ACCOUNTS.iter().all(|who| entries_of(world, *who, EntryKind::Refill).next().is_some())
            }),
        ],
        ..Protocol::default()
    };
    let worlds = [protocol.after(&["plan", "another's plan", "November's debit"])];
    protocol.start(&worlds, &["sweep", "another's sweep", "debit of all", "debit of a late clock"]);
    protocol
}
