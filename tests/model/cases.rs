//! The concerns of the protocol, one model each: what may happen, and what is then seen.

use chrono::{DateTime, Utc};
use credits::{
    Buys, Debit, DebitId, Dispute, EntryKind, Payment, PurchaseId, Refund, Status, StatusChange,
    SubscriptionId, Word,
};
use pricing::Credits;

use crate::{
    client::{Answer, Phase, Unwritten},
    properties::{ACCOUNTS, entries_of},
    protocol::{Protocol, Sight, World},
    provider::refund_id,
    table::{Key, Who},
    task::{Command, Task},
};

const NOVEMBER: &str = "2026-11-20T00:00:00Z";
const DECEMBER: &str = "2026-12-01T00:00:01Z";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn task(name: &'static str, account: Who, now: &str, command: Command) -> Task {
    Task { name, account, command, now: time(now) }
}

fn debit(key: &str, operation: &str) -> Command {
    let id = DebitId::parse(key).expect("an id");
    let body: Debit = serde_json::from_str(operation).expect("a debit");
    Command::Debit(id, body)
}

/// Takes 8 images of a Tune.
const ONE: &str = r#"{"operation":"tune_images","prompts":1}"#;
/// Takes 16.
const TWO: &str = r#"{"operation":"tune_images","prompts":2}"#;
/// Takes 1000 playground credits: the whole allowance of the basic plan.
const ALL: &str =
    r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":100}"#;
/// Takes 1.
const LITTLE: &str = r#"{"operation":"face_enhance"}"#;

fn payment(id: &str, paid_at: &str, buys: Buys) -> Command {
    Command::Paid(Payment {
        id: PurchaseId::parse(id).expect("an id"),
        sku: "sku".to_owned(),
        amount: 1000,
        currency: "usd".to_owned(),
        paid_at: time(paid_at),
        invoiced_at: None,
        payment_id: None,
        customer_id: None,
        buys,
    })
}

fn pack(id: &str, tune_images: u64) -> Command {
    payment(id, NOVEMBER, Buys::Pack(Credits::new(0, 0, tune_images)))
}

fn subscription() -> SubscriptionId {
    SubscriptionId::parse("sub").expect("an id")
}

fn plan(id: &str, paid_at: &str, paid_until: &str) -> Command {
    let plan = Buys::Plan {
        subscription_id: subscription(),
        plan: "basic".to_owned(),
        allowance: 1000,
        paid_until: time(paid_until),
    };
    payment(id, paid_at, plan)
}

fn status(status: Status, at: &str) -> Command {
    Command::Status(StatusChange { subscription_id: subscription(), at: time(at), status, terms: None })
}

fn money(word: Word, at: &str) -> Command {
    Command::Money(PurchaseId::parse("pi_1").expect("an id"), word, time(at))
}

fn any(world: &World, is: impl Fn(&Phase) -> bool) -> bool {
    world.clients.iter().any(|client| is(&client.phase))
}

const RACED: Sight = ("a race is lost and decided again", |_, world| {
    any(world, |phase| matches!(phase, Phase::Append(read, _) if read.is_carried))
});
const REPLAYED: Sight = ("a retry is answered by replay", |_, world| {
    any(world, |phase| matches!(phase, Phase::Done(Answer::Replayed(_))))
});
const REFUSED: Sight = ("a refusal is confirmed", |protocol, world| {
    world.clients.iter().any(|client| {
        let is_refused = matches!(client.phase, Phase::Done(Answer::Unwritten(Unwritten::Refused(_))));
        is_refused && protocol.tasks[client.task].identity().is_some()
    })
});
const HEALED: Sight = ("a crash between write and answer is healed by the retry", |_, world| {
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
        sights: vec![RACED, REPLAYED, REFUSED, HEALED, ("a payment is another's", |_, world| {
            let taken = Phase::Done(Answer::Unwritten(Unwritten::PaymentTaken));
            any(world, |phase| *phase == taken)
        })],
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
            task("renewal", 0, "2026-12-20T00:00:00Z", plan("in_2", "2026-12-20T00:00:00Z", "2027-01-20T00:00:00Z")),
            task("past due", 0, "2026-12-20T00:00:00Z", status(Status::PastDue, "2026-12-19T00:00:00Z")),
            task("ended", 0, "2026-12-25T00:00:00Z", status(Status::Ended(time("2026-12-24T00:00:00Z")), "2026-12-24T00:00:00Z")),
            task("debit", 0, "2026-12-20T00:00:00Z", debit("k1", LITTLE)),
        ],
        sights: vec![RACED, REPLAYED, REFUSED, HEALED, ("a word only changes the record", |_, world| {
            any(world, |phase| *phase == Phase::Done(Answer::Recorded))
        })],
        ..Protocol::default()
    };
    let worlds = [World::default(), protocol.after(&["plan"])];
    protocol.start(&worlds, &["plan", "renewal", "past due", "ended", "debit"]);
    protocol
}

/// A pack whose money goes back and forth.
pub fn withdrawals() -> Protocol {
    let refund = Command::Refund(PurchaseId::parse("pi_1").expect("an id"));
    let failed = Word::RefundFailed { id: refund_id(0), amount: 1000, attempt: Some(0) };
    let mut protocol = Protocol {
        tasks: vec![
            task("pack", 0, NOVEMBER, pack("pi_1", 8)),
            task("refund", 0, NOVEMBER, refund),
            task("charge.refunded", 0, NOVEMBER, money(Word::Refunded { amount: 1000 }, "2026-11-20T00:00:01Z")),
            task("refund.failed", 0, NOVEMBER, money(failed, "2026-11-20T00:00:02Z")),
            task("dispute", 0, NOVEMBER, money(Word::Disputed(Dispute::Withdrawn), "2026-11-20T00:00:03Z")),
            task("dispute won", 0, NOVEMBER, money(Word::Disputed(Dispute::Won), "2026-11-20T00:00:04Z")),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
        ],
        refusals_max: 1,
        sights: vec![
            RACED,
            REFUSED,
            ("the event heals a refund", |_, world| {
                world.crashed.is_some()
                    && any(world, |phase| matches!(phase, Phase::Uncalled))
                    && refund_of(world) == Some(&Refund::Refunded { refund_id: None })
            }),
            ("a refund is refused, and another is made", |_, world| {
                world.provider.refused() > 0 && refund_of(world).is_some() && world.provider.standing() > 0
            }),
            ("a refund fails, and another is made", |_, world| {
                world.provider.failed.is_some() && world.provider.standing() > 0
            }),
            ("a dispute is won", |_, world| entries_of(world, 0, EntryKind::DisputeWon).next().is_some()),
            ("what was spent can't be revoked", |_, world| {
                let row = world.table.written(&Key::Purchase(0, "pi_1".to_owned()));
                row.and_then(|row| row.purchase()).is_some_and(|purchase| !purchase.spent.is_zero())
            }),
            ("a word only changes the record", |_, world| {
                any(world, |phase| *phase == Phase::Done(Answer::Recorded))
            }),
        ],
        ..Protocol::default()
    };
    let worlds = [protocol.after(&["pack"])];
    let tasks =
        ["refund", "charge.refunded", "refund.failed", "dispute", "dispute won", "debit"];
    protocol.start(&worlds, &tasks);
    protocol
}

fn refund_of(world: &World) -> Option<&Refund> {
    let row = world.table.written(&Key::Purchase(0, "pi_1".to_owned()));
    row.and_then(|row| row.purchase()).and_then(|purchase| purchase.refund.as_ref())
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
