//! Money that comes in: payments for packs and for a plan. Each case says what may happen, and what is then seen.

use scrip_accounts::SubscriptionStatus;

use crate::{
    commands::{
        LITTLE, NOVEMBER, ONE, before, debit, invoice, look, look_at_subscription, packs, paid, provider,
        task,
    },
    coverage::{RACED, REFUSED, REPLAYED, any},
    item::{Key, Row},
    phase::{Answer, NoWrite, Phase},
    protocol::Protocol,
    provider::Change,
};

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
        coverage: vec![
            RACED,
            REPLAYED,
            REFUSED,
            ("a payment is another's", |_, world| {
                any(world, |phase| *phase == Phase::Done(Answer::Unwritten(NoWrite::PaymentTaken)))
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
        coverage: vec![
            RACED,
            REPLAYED,
            REFUSED,
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
