//! Money that goes back: refunds that are asked for, refused, made and fail, disputes that are opened and won.

use scrip_accounts::{EntryKind, MoneyBackStatus, Purchase};

use crate::{
    commands::{
        LATER, LITTLE, NOVEMBER, ONE, TWO, before, debit, invoice, look, look_at_subscription, packs, paid,
        provider, reversal, task,
    },
    coverage::{OUTDATED, RACED, REFUSED, any},
    item::{Key, Row},
    phase::{Answer, Phase},
    properties::entries_of,
    protocol::Protocol,
    provider::Change,
    task::{Command, purchase_id},
    world::World,
};

/// A pack whose money goes back and forth.
pub fn clawbacks() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("look", 0, LATER, look("pi_1")),
            task("refund", 0, LATER, Command::Refund("pi_1")),
            task("debit", 0, LATER, debit("k1", ONE)),
        ],
        refusals_max: 1,
        coverage: vec![
            RACED,
            REFUSED,
            OUTDATED,
            ("a refund that crashed is known to have been made before it is asked for again", |_, world| {
                world.crashed.is_some()
                    && any(world, |phase| matches!(phase, Phase::Uncalled))
                    && money_back(world)
                        .is_some_and(|(status, ids)| status == MoneyBackStatus::Refunded && ids == 1)
            }),
            ("a refund is refused, and another is made", |_, world| {
                world.provider.refused() > 0 && money_back(world).is_some() && pack(world).money_back() > 0
            }),
            ("a refund fails, and another is made", |_, world| {
                pack(world).refunds.iter().any(|refund| refund.attempt.is_some() && refund.has_failed)
                    && pack(world).money_back() > 0
            }),
            ("a dispute is won", |_, world| entries_of(world, 0, EntryKind::DisputeWon).next().is_some()),
            ("a part of the money goes", |_, world| {
                purchase(world).is_some_and(|purchase| purchase.revoked.tune_image() == 2)
            }),
            ("what was spent can't be revoked", |_, world| {
                purchase(world).is_some_and(|purchase| !purchase.spent.is_zero())
            }),
            ("a look only changes the record", |_, world| {
                any(world, |phase| *phase == Phase::Done(Answer::Recorded))
            }),
        ],
        ..Protocol::default()
    };
    let bought = protocol.after(&paid(provider(&[packs("pi_1", Some(0), 1)]), &["pi_1"]), &["look"]);
    let part = before(bought.clone(), &[Change::RefundPart("pi_1"), Change::PartFails("pi_1")]);
    let dispute = before(bought.clone(), &[Change::Dispute("pi_1"), Change::Win("pi_1")]);
    let both = before(bought.clone(), &[Change::RefundPart("pi_1"), Change::Dispute("pi_1")]);
    let failure = before(bought, &[Change::MoneyBackFails("pi_1")]);
    protocol.start(&[part, dispute], &["look", "refund", "debit"]);
    protocol.start(&[both], &["look", "debit"]);
    protocol.start(&[failure], &["look", "refund", "debit"]);
    protocol
}

/// Credits that were spent before their money went: what comes back of the debit pays what is owed.
pub fn owed() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("look", 0, LATER, look("pi_1")),
            task("refund", 0, LATER, Command::Refund("pi_1")),
            task("debit", 0, LATER, debit("k1", TWO)),
            task("reversal", 0, LATER, reversal("r1", "k1")),
            task("reversal by another key", 0, LATER, reversal("r2", "k1")),
        ],
        coverage: vec![
            RACED,
            REFUSED,
            ("a reversal pays what is owed", |_, world| {
                entries_of(world, 0, EntryKind::Reversal).any(|entry| entry.change.given().is_zero())
            }),
            ("money returns of which the credits are owed", |_, world| {
                entries_of(world, 0, EntryKind::DisputeWon)
                    .any(|entry| entry.change.given().tune_image() < 16)
            }),
        ],
        ..Protocol::default()
    };
    let bought = protocol.after(&paid(provider(&[packs("pi_1", Some(0), 2)]), &["pi_1"]), &["look", "debit"]);
    let part = before(bought.clone(), &[Change::RefundPart("pi_1")]);
    let dispute = before(bought, &[Change::Dispute("pi_1"), Change::Win("pi_1")]);
    protocol.start(&[part], &["refund", "reversal"]);
    protocol.start(&[dispute], &["look", "reversal", "reversal by another key"]);
    protocol
}

/// Two looks while a dispute is opened and won.
pub fn overtaking() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![task("look", 0, LATER, look("pi_1")), task("debit", 0, LATER, debit("k1", ONE))],
        ..Protocol::default()
    };
    let bought = protocol.after(&paid(provider(&[packs("pi_1", Some(0), 1)]), &["pi_1"]), &["look"]);
    protocol.start(&[before(bought, &[Change::Dispute("pi_1"), Change::Win("pi_1")])], &["look", "debit"]);
    protocol
}

fn money_back(world: &World) -> Option<(MoneyBackStatus, usize)> {
    let refund = purchase(world)?.money_back.as_ref()?;
    Some((refund.status, refund.refund_ids.len()))
}

fn pack(world: &World) -> &crate::payment::Payment {
    world.provider.payment("pi_1")
}

fn purchase(world: &World) -> Option<&Purchase> {
    world.table.written(&Key::Purchase(0, purchase_id("pi_1"))).and_then(Row::purchase)
}

/// A plan whose money goes back while it is renewed.
pub fn plans_money() -> Protocol {
    const OCTOBER: &str = "2026-10-25T00:00:00Z";
    let mut protocol = Protocol {
        tasks: vec![
            task("look in October", 0, OCTOBER, look_at_subscription()),
            task("sweep", 0, "2026-11-01T00:00:01Z", Command::Turn),
            task("look", 0, LATER, look_at_subscription()),
            task("look at the payment", 0, LATER, look("in_1")),
            task("refund", 0, LATER, Command::Refund("in_1")),
            task("debit", 0, LATER, debit("k1", LITTLE)),
        ],
        ends_at: LATER,
        coverage: vec![
            RACED,
            OUTDATED,
            ("the plan is over", |_, world| world.provider.ended_at.is_some() && world.is_settled()),
            ("a renewal keeps the plan", |_, world| {
                world.provider.ended_at.is_none()
                    && world.is_settled()
                    && any(world, |phase| *phase == Phase::Done(Answer::Refunded))
            }),
        ],
        ..Protocol::default()
    };
    let shop = provider(&[
        invoice("in_1", OCTOBER, "2026-11-25T00:00:00Z"),
        invoice("in_2", NOVEMBER, "2026-12-25T00:00:00Z"),
    ]);
    let bought = protocol.after(&paid(shop, &["in_1"]), &["look in October", "sweep"]);
    let renewal = before(bought.clone(), &[Change::Pay("in_2"), Change::Dispute("in_1")]);
    let dispute = before(bought, &[Change::Dispute("in_1")]);
    protocol.start(&[renewal], &["look", "refund", "debit"]);
    protocol.start(&[dispute], &["look at the payment", "refund", "debit"]);
    protocol
}
