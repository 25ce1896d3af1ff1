//! The concerns of the protocol, one model each: what may happen, and what is then seen. Money that goes back has
//! a file of its own.

use scrip_accounts::{EntryKind, SubscriptionStatus};

use crate::{
    client::{Answer, Phase, Unwritten},
    commands::{
        ALL, DECEMBER, LITTLE, NOVEMBER, ONE, TWO, before, debit, invoice, look, look_at_subscription, packs,
        paid, provider, task,
    },
    properties::{ACCOUNTS, entries_of},
    protocol::{Protocol, Sight, World},
    provider::Change,
    table::{Key, Row},
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
/// A look that had read the provider reads the records again, because they were written since.
pub const OUTDATED: Sight = ("facts are outdated, and the provider is read again", |_, world| {
    world.clients.iter().any(|client| client.phase == Phase::Before && !client.look.facts.money.is_empty())
});

/// Debits of two accounts, some by the same key, with credits for one or for two of them.
pub fn debits() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("a pack", 0, NOVEMBER, look("pi_1")),
            task("two packs", 0, NOVEMBER, look("pi_2")),
            task("another's pack", 1, NOVEMBER, look("pi_3")),
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
    let shop = provider(&[packs("pi_1", Some(0), 1), packs("pi_2", Some(0), 2), packs("pi_3", Some(1), 1)]);
    let worlds = [
        protocol.after(&paid(shop.clone(), &["pi_1", "pi_3"]), &["a pack", "another's pack"]),
        protocol.after(&paid(shop, &["pi_2", "pi_3"]), &["two packs", "another's pack"]),
    ];
    protocol.start(&worlds, &["debit", "debit by another key", "debit by a used key", "another's debit"]);
    protocol
}

/// One customer's payments for packs: for two accounts, for one that only the customer tells, and for one that is named
/// otherwise meanwhile; each looked at twice, and debits that wait for them.
pub fn purchases() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("look", 0, NOVEMBER, look("pi_1")),
            task("look at another's payment", 1, NOVEMBER, look("pi_2")),
            task("look at a payment without a name", 0, NOVEMBER, look("pi_3")),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
        ],
        is_torn: true,
        sights: vec![
            RACED,
            REPLAYED,
            REFUSED,
            HEALED,
            ("a payment is another's", |_, world| {
                any(world, |phase| *phase == Phase::Done(Answer::Unwritten(Unwritten::PaymentTaken)))
            }),
            ("the customer's first account gets what names none", |_, world| {
                world.table.written(&Key::Payment("pi_3".to_owned())).and_then(Row::owner) == Some(1)
            }),
        ],
        ..Protocol::default()
    };
    let shop = provider(&[packs("pi_1", Some(0), 3), packs("pi_2", Some(1), 1), packs("pi_3", None, 1)]);
    let worlds = [
        before(shop.clone(), &[Change::Pay("pi_1"), Change::Rename("pi_1", 1)]),
        before(paid(shop.clone(), &["pi_2", "pi_3"]), &[Change::Pay("pi_1")]),
        paid(shop, &["pi_1", "pi_2", "pi_3"]),
    ];
    let tasks = ["look", "look at another's payment", "look at a payment without a name", "debit"];
    protocol.start(&worlds, &tasks);
    protocol
}

/// A plan, its renewal, a payment that fails and its end, at any moment.
pub fn subscriptions() -> Protocol {
    const RENEWED: &str = "2026-12-20T00:00:00Z";
    const ENDED: &str = "2026-12-20T00:00:05Z";
    const NOW: &str = "2026-12-20T00:01:00Z";
    let mut protocol = Protocol {
        tasks: vec![
            task("look in November", 0, NOVEMBER, look_at_subscription()),
            task("look", 0, NOW, look_at_subscription()),
            task("debit", 0, NOW, debit("k1", LITTLE)),
        ],
        sights: vec![
            RACED,
            REPLAYED,
            REFUSED,
            HEALED,
            ("a renewal is recorded", |_, world| {
                world
                    .table
                    .written(&Key::Subscription)
                    .and_then(|row| row.subscription())
                    .is_some_and(|(_, record)| record.payments.len() == 2)
            }),
            ("a subscription is over", |_, world| {
                world.table.account(0).is_some_and(|account| {
                    account.subscriptions.iter().any(|known| known.status == SubscriptionStatus::Canceled)
                })
            }),
        ],
        ..Protocol::default()
    };
    let shop =
        provider(&[invoice("in_1", NOVEMBER, RENEWED), invoice("in_2", RENEWED, "2027-01-20T00:00:00Z")]);
    let paid_late = paid(shop, &["in_1"]);
    let bought = protocol.after(&paid_late, &["look in November"]);
    let worlds = [
        before(paid_late, &[Change::Pay("in_2")]),
        before(bought.clone(), &[Change::Pay("in_2"), Change::PastDue]),
        before(bought, &[Change::Pay("in_2"), Change::End(ENDED)]),
    ];
    protocol.start(&worlds, &["look", "debit"]);
    protocol
}

/// The first of the month: sweeps, and debits that need its allowance.
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
                    && world.clients.iter().all(|client| client.task != 2 || client.phase == Phase::Uncalled)
            }),
            ("the sweep finds it made", |_, world| {
                let is_swept = world.clients.iter().filter(|client| client.task == 2).count();
                is_swept == 1
                    && any(world, |phase| *phase == Phase::Done(Answer::Unwritten(Unwritten::Unchanged)))
            }),
            ("both accounts are swept", |_, world| {
                ACCOUNTS.iter().all(|who| entries_of(world, *who, EntryKind::Refill).next().is_some())
            }),
        ],
        ..Protocol::default()
    };
    let shop = provider(&[invoice("in_1", NOVEMBER, "2027-11-20T00:00:00Z")]);
    let mut bought = protocol.after(&paid(shop, &["in_1"]), &["plan", "November's debit"]);
    bought.table_mut().copy(0, 1);
    protocol.start(&[bought], &["sweep", "another's sweep", "debit of all", "debit of a late clock"]);
    protocol
}
