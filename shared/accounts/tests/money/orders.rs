//! An account ends the same in whatever order and however often its subjects are reconciled, and if some looks are
//! missing.

use scrip_accounts::{
    Account,
    OutflowKind::{Dispute, Refund},
};

use crate::shop::{Invoice, Provider, Shop, Step, pack};

const END: &str = "2026-12-20";

/// Lifecycles as they happen, oldest first.
fn lifecycles() -> Vec<Vec<Step>> {
    let invoice = |id, plan, at, until| Step::Invoice(Invoice::new(id, plan, at, until));
    let change =
        |id, plan, at, until, amount| Step::Invoice(Invoice::new(id, plan, at, until).change(amount));
    vec![
        vec![
            invoice("in_1", "basic", "2026-11-03", "2026-12-03"),
            change("in_2", "business", "2026-11-10", "2026-12-03", 2000),
            Step::Outflow("in_1", "re_1", Refund, 950, "2026-11-12"),
            invoice("in_3", "business", "2026-12-03", "2027-01-03"),
        ],
        vec![
            invoice("in_1", "standard", "2026-11-03", "2026-12-03"),
            Step::Outflow("in_1", "dp_1", Dispute, 2900, "2026-11-12"),
            Step::Back("in_1", "dp_1"),
            invoice("in_2", "standard", "2026-12-03", "2027-01-03"),
            Step::Outflow("in_2", "re_2", Refund, 1450, "2026-12-05"),
        ],
        vec![
            Step::Pack("pi_1", "2026-11-03", vec![pack("tune_pack", 3), pack("avatar_pack", 1)], 4200),
            Step::Outflow("pi_1", "re_1", Refund, 1000, "2026-11-05"),
            Step::Outflow("pi_1", "dp_1", Dispute, 3200, "2026-11-06"),
            Step::Back("pi_1", "re_1"),
            Step::Back("pi_1", "dp_1"),
        ],
        vec![
            invoice("in_1", "business", "2026-12-03", "2027-01-03"),
            Step::Item("sub", "basic"),
            Step::Invoice(Invoice::new("in_9", "standard", "2026-12-04", "2027-12-04").of("sub_9")),
            Step::Ended("sub", "2026-12-10"),
            Step::Outflow("in_1", "re_1", Refund, 3900, "2026-12-10"),
        ],
        vec![
            invoice("in_1", "basic", "2026-10-20", "2026-11-20"),
            Step::PastDue("sub", true),
            Step::Invoice(Invoice::new("in_2", "basic", "2026-11-20", "2026-12-20").paid("2026-12-06")),
            Step::PastDue("sub", false),
            Step::Ended("sub", "2026-12-15"),
        ],
    ]
}

/// The account after looks at these moments of a lifecycle, each a number of steps that had happened, all made at
/// the end, subject by subject.
fn end(steps: &[Step], looks: &[usize]) -> Account {
    let mut shop = Shop::new("2026-10-01");
    for count in looks {
        shop.look(&Provider::after(&steps[..*count]), END);
    }
    shop.end()
}

#[test]
fn looks_made_late_end_as_one_look_at_the_end() {
    for steps in lifecycles() {
        let all = steps.len();
        let expected = end(&steps, &[all]);
        for copies in 2..=3 {
            assert_eq!(end(&steps, &vec![all; copies]), expected, "{copies} times: {steps:?}");
        }
        // Any of the earlier looks may be missing.
        for mask in 0..1_usize << (all - 1) {
            let earlier = (1..all).filter(|count| mask >> (count - 1) & 1 == 1);
            let looks: Vec<_> = earlier.chain([all]).collect();
            assert_eq!(end(&steps, &looks), expected, "looks {looks:?} of {steps:?}");
        }
    }
}

/// Subjects may be looked at in any order: an account with two subscriptions and a pack.
#[test]
fn the_order_of_subjects_does_not_matter() {
    let steps = [
        Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", "2027-11-03").of("sub_1")),
        Step::Invoice(Invoice::new("in_2", "business", "2026-11-05", "2026-12-05").of("sub_2")),
        Step::Pack("pi_1", "2026-11-06", vec![pack("avatar_pack", 2)], 3000),
        Step::Outflow("in_2", "re_1", Refund, 1300, "2026-11-07"),
        Step::Outflow("in_1", "dp_1", Dispute, 1900, "2026-11-08"),
        Step::Outflow("pi_1", "re_2", Refund, 1500, "2026-11-09"),
    ];
    let provider = Provider::after(&steps);
    let orders = [
        ["sub_1", "sub_2", "pi_1"],
        ["sub_2", "pi_1", "sub_1"],
        ["pi_1", "sub_1", "sub_2"],
        ["sub_2", "sub_1", "pi_1"],
    ];
    let ends = orders.map(|order| {
        let mut shop = Shop::new("2026-11-01");
        for subject in order {
            shop.look_at(&provider, subject, "2026-11-20").unwrap();
        }
        shop.end()
    });
    for (end, order) in ends.iter().zip(orders) {
        assert_eq!(*end, ends[0], "{order:?}");
    }
    assert_eq!(ends[0].balance.playground(), 4000);
}
