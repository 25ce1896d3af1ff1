//! Money that goes back: refunds that are asked for, refused, made and fail, disputes that are lost and won.

use credits::{Dispute, EntryKind, Purchase, Refund, Word};

use crate::{
    cases::{RACED, REFUSED, any},
    client::{Answer, Phase},
    commands::{LITTLE, NOVEMBER, ONE, RENEWED, debit, money, pack, plan, refund, task},
    properties::entries_of,
    protocol::{Protocol, World},
    provider::refund_id,
    table::{Key, Row},
};

/// A pack whose money goes back and forth.
pub fn withdrawals() -> Protocol {
    let failed = Word::RefundFailed { id: refund_id(0), amount: 1000, attempt: Some(0) };
    let mut protocol = Protocol {
        tasks: vec![
            task("pack", 0, NOVEMBER, pack("pi_1", 8)),
            task("refund", 0, NOVEMBER, refund("pi_1")),
            task(
                "charge.refunded",
                0,
                NOVEMBER,
                money("pi_1", Word::Refunded { amount: 1000 }, "2026-11-20T00:00:01Z"),
            ),
            task("refund.failed", 0, NOVEMBER, money("pi_1", failed, "2026-11-20T00:00:02Z")),
            task(
                "dispute",
                0,
                NOVEMBER,
                money("pi_1", Word::Disputed(Dispute::Withdrawn), "2026-11-20T00:00:03Z"),
            ),
            task(
                "dispute won",
                0,
                NOVEMBER,
                money("pi_1", Word::Disputed(Dispute::Won), "2026-11-20T00:00:04Z"),
            ),
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
                purchase(world).is_some_and(|purchase| !purchase.spent.is_zero())
            }),
            ("a word only changes the record", |_, world| {
                any(world, |phase| *phase == Phase::Done(Answer::Recorded))
            }),
        ],
        ..Protocol::default()
    };
    let worlds = [protocol.after(&["pack"])];
    let tasks = ["refund", "charge.refunded", "refund.failed", "dispute", "dispute won", "debit"];
    protocol.start(&worlds, &tasks);
    protocol
}

fn refund_of(world: &World) -> Option<&Refund> {
    purchase(world).and_then(|purchase| purchase.refund.as_ref())
}

fn purchase(world: &World) -> Option<&Purchase> {
    world.table.written(&Key::Purchase(0, "pi_1".to_owned())).and_then(Row::purchase)
}

/// A plan whose money goes back while it is renewed.
pub fn plans_money() -> Protocol {
    let whole = Word::Refunded { amount: 1000 };
    let mut protocol = Protocol {
        tasks: vec![
            task("plan", 0, NOVEMBER, plan("in_1", NOVEMBER, "2026-12-18T00:00:00Z")),
            task("refund", 0, RENEWED, refund("in_1")),
            task("renewal", 0, RENEWED, plan("in_2", RENEWED, "2027-01-18T00:00:00Z")),
            task("charge.refunded", 0, RENEWED, money("in_1", whole, "2026-12-18T00:00:01Z")),
            task(
                "dispute",
                0,
                RENEWED,
                money("in_1", Word::Disputed(Dispute::Withdrawn), "2026-12-18T00:00:02Z"),
            ),
            task(
                "dispute won",
                0,
                RENEWED,
                money("in_1", Word::Disputed(Dispute::Won), "2026-12-18T00:00:03Z"),
            ),
            task("debit", 0, RENEWED, debit("k1", LITTLE)),
        ],
        sights: vec![
            RACED,
            ("the plan is over", |_, world| world.provider.has_ended && world.is_settled()),
            ("a renewal keeps the plan", |_, world| {
                !world.provider.has_ended
                    && world.is_settled()
                    && any(world, |phase| *phase == Phase::Done(Answer::Refunded))
            }),
        ],
        ..Protocol::default()
    };
    let worlds = [protocol.after(&["plan"])];
    let tasks = ["refund", "renewal", "charge.refunded", "dispute", "dispute won", "debit"];
    protocol.start(&worlds, &tasks);
    protocol
}
