//! The first of the month: sweeps, and commands with a key that make the month's turn as well or need its allowance.

use scrip_accounts::EntryKind;

use crate::{
    commands::{
        ALL, DECEMBER, LITTLE, NOVEMBER, debit, invoice, look_at_subscription, paid, provider, reversal, task,
    },
    coverage::{
        GAP, HEALED, LANDED, OVERTAKEN, RACED, REFUSED, REFUSED_CLAIMED, REPLAYED_BY_SCAN, TORN_WRITE, any,
    },
    phase::{Answer, NoWrite, Phase},
    properties::{ACCOUNTS, entries_of},
    protocol::{Faults, Protocol},
    task::Command,
};

/// A month's allowance: sweeps of two accounts, and debits at both sides of the month's turn.
pub fn refills() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("plan", 0, NOVEMBER, look_at_subscription()),
            task("November's debit", 0, NOVEMBER, debit("k0", LITTLE)),
            task("sweep", 0, DECEMBER, Command::Turn),
            task("another's sweep", 1, DECEMBER, Command::Turn),
            task("debit of all", 0, DECEMBER, debit("k1", ALL)),
            task("debit of a late clock", 0, "2026-11-30T23:59:59Z", debit("k2", LITTLE)),
        ],
        is_torn: true,
        faults: Faults::One,
        coverage: vec![
            RACED,
            REPLAYED_BY_SCAN,
            REFUSED,
            REFUSED_CLAIMED,
            HEALED,
            LANDED,
            OVERTAKEN,
            TORN_WRITE,
            GAP,
            ("the debit makes the refill", |_, world| {
                let mut entries = world.table.entries(0).map(|(_, entry)| entry);
                entries.next_back().is_some_and(|entry| entry.event.kind() == EntryKind::Debit)
                    && entries.next_back().is_some_and(|entry| entry.event.kind() == EntryKind::Refill)
                    && !any(world, |phase| *phase == Phase::Done(Answer::Unwritten(NoWrite::Unchanged)))
                    && world.clients.iter().all(|client| client.task != 2 || client.phase == Phase::Uncalled)
            }),
            ("the sweep finds it made", |_, world| {
                let is_swept = world.clients.iter().filter(|client| client.task == 2).count();
                is_swept == 1
                    && any(world, |phase| *phase == Phase::Done(Answer::Unwritten(NoWrite::Unchanged)))
            }),
            ("both accounts are refilled", |_, world| {
                ACCOUNTS.iter().all(|account_number| {
                    entries_of(world, *account_number, EntryKind::Refill).next().is_some()
                })
            }),
        ],
        ..Protocol::default()
    };
    let shop = provider(&[invoice("in_1", NOVEMBER, "2027-11-20T00:00:00Z")]);
    let mut bought = protocol.after(&paid(shop, &["in_1"]), &["plan", "November's debit"]);
    let one = bought.clone();
    bought.table_mut().copy(0, 1);
    protocol.start_with(&bought, ["sweep", "another's sweep", "debit of all"]);
    protocol.start_with(&bought, ["sweep", "another's sweep", "another's sweep"]);
    protocol.start(&[one], &["sweep", "debit of all", "debit of a late clock"]);
    protocol
}

/// A reversal of last month's debit, which makes the month's turn as well.
pub fn reversal_of_last_month() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("plan", 0, NOVEMBER, look_at_subscription()),
            task("November's debit", 0, NOVEMBER, debit("k0", LITTLE)),
            task("sweep", 0, DECEMBER, Command::Turn),
            task("debit of a late clock", 0, "2026-11-30T23:59:59Z", debit("k2", LITTLE)),
            task("reversal", 0, DECEMBER, reversal("r0", "k0")),
        ],
        is_torn: true,
        faults: Faults::One,
        coverage: vec![REPLAYED_BY_SCAN, HEALED, LANDED, TORN_WRITE, GAP],
        ..Protocol::default()
    };
    let shop = provider(&[invoice("in_1", NOVEMBER, "2027-11-20T00:00:00Z")]);
    let bought = protocol.after(&paid(shop, &["in_1"]), &["plan", "November's debit"]);
    for trio in [["reversal", "reversal", "sweep"], ["reversal", "sweep", "debit of a late clock"]] {
        protocol.start_with(&bought, trio);
    }
    protocol
}
