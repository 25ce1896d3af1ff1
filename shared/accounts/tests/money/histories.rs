//! Drawn lifecycles: looks on the way, each at what was true then, end as one look at the end, and no credit comes from
//! nowhere.

use accounts::{
    Account,
    OutflowKind::{Dispute, Refund},
};
use pricing::Credits;
use proptest::prelude::*;

use crate::shop::{Invoice, Provider, Shop, Step, pack, time};

const END: &str = "2026-12-28";
const PLANS: [&str; 3] = ["basic", "standard", "business"];
const SUBS: [&str; 2] = ["sub_1", "sub_2"];
const INVOICES: [[&str; 4]; 2] = [["in_1", "in_2", "in_3", "in_4"], ["in_5", "in_6", "in_7", "in_8"]];
const FLOWS: [&str; 6] = ["re_1", "re_2", "dp_1", "re_3", "dp_2", "re_4"];
const DAYS: [&str; 8] = [
    "2026-11-03",
    "2026-11-09",
    "2026-11-15",
    "2026-11-21",
    "2026-12-03",
    "2026-12-08",
    "2026-12-14",
    "2026-12-20",
];
const ENDS: [&str; 8] = [
    "2026-12-03",
    "2026-12-03",
    "2026-12-03",
    "2026-12-03",
    "2027-01-03",
    "2027-01-03",
    "2027-01-03",
    "2027-01-03",
];

/// A choice, before it is known whether it can be made then.
#[derive(Debug, Clone)]
enum Choice {
    Pay(usize, usize),
    Pack(u64),
    Gone(usize, u64),
    Back(usize),
    Over(usize),
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let choice = prop_oneof![
        4 => (0..2_usize, 0..3_usize).prop_map(|(sub, plan)| Choice::Pay(sub, plan)),
        1 => (1..4_u64).prop_map(Choice::Pack),
        3 => (0..9_usize, 1..4_u64).prop_map(|(at, quarters)| Choice::Gone(at, quarters)),
        2 => (0..6_usize).prop_map(Choice::Back),
        1 => (0..2_usize).prop_map(Choice::Over),
    ];
    proptest::collection::vec(choice, 1..=8)
}

/// What really happens, and when: a choice that makes no sense then is left out.
fn steps(choices: &[Choice]) -> Vec<(Step, &'static str)> {
    drawn(choices).into_iter().map(|(step, at)| (step, DAYS[at])).collect()
}

fn drawn(choices: &[Choice]) -> Vec<(Step, usize)> {
    let mut steps = Vec::new();
    let (mut paid, mut over) = ([0_usize; 2], [false; 2]);
    let mut bought: Vec<(&'static str, u64)> = Vec::new();
    let mut gone: Vec<(&'static str, &'static str, u64)> = Vec::new();
    let mut flows = FLOWS.into_iter();
    for (at, choice) in choices.iter().enumerate() {
        match *choice {
            Choice::Pay(sub, plan) if !over[sub] && paid[sub] < 4 => {
                let id = INVOICES[sub][paid[sub]];
                let mut invoice = Invoice::new(id, PLANS[plan], DAYS[at], ENDS[at]).of(SUBS[sub]);
                // Within a period it is changed: a lesser plan costs nothing then.
                let before = steps.iter().rev().find_map(|(step, _)| match step {
                    Step::Invoice(known) if known.subscription == SUBS[sub] && known.until == ENDS[at] => {
                        Some(known.plan.allowance)
                    }
                    _ => None,
                });
                if let Some(before) = before {
                    let is_more = invoice.plan.allowance > before;
                    invoice = invoice.change(if is_more { 1000 } else { 0 });
                }
                if invoice.amount > 0 {
                    bought.push((id, invoice.amount));
                }
                paid[sub] += 1;
                steps.push((Step::Invoice(invoice), at));
            }
            Choice::Pack(quantity) if !bought.iter().any(|(id, _)| *id == "pi_1") => {
                bought.push(("pi_1", 1000 * quantity));
                let packs = vec![pack("avatar_pack", quantity)];
                steps.push((Step::Pack("pi_1", DAYS[at], packs, 1000 * quantity), at));
            }
            Choice::Gone(which, quarters) if !bought.is_empty() => {
                let (purchase, amount) = bought[which % bought.len()];
                let left =
                    amount - gone.iter().filter(|(of, ..)| *of == purchase).map(|(.., sum)| sum).sum::<u64>();
                let Some(flow) = flows.next().filter(|_| left > 0) else { continue };
                // Four quarters, or what is left, is all of it.
                let sum = if quarters == 3 { left } else { left.min(amount * quarters / 4) };
                let kind = if flow.starts_with("dp_") { Dispute } else { Refund };
                gone.push((purchase, flow, sum));
                steps.push((Step::Gone(purchase, flow, kind, sum, DAYS[at]), at));
            }
            Choice::Back(which) if !gone.is_empty() => {
                let (purchase, flow, _) = gone.remove(which % gone.len());
                steps.push((Step::Back(purchase, flow), at));
            }
            Choice::Over(sub) if paid[sub] > 0 && !over[sub] => {
                over[sub] = true;
                steps.push((Step::Ended(SUBS[sub], DAYS[at]), at));
            }
            _ => {}
        }
    }
    steps
}

/// How many of the pack's images kept money bought.
fn images_kept(provider: &Provider) -> u64 {
    let facts = provider.facts("pi_1");
    let Some(paid) = facts.paid.iter().find(|paid| paid.purchase_id.as_str() == "pi_1") else { return 0 };
    let gone: u64 = facts.money[0].outflows.iter().map(|outflow| outflow.amount).sum();
    let bought = paid.packs[0].credits.tune_image();
    bought - bought * gone.min(paid.amount) / paid.amount
}

/// The provider after so many steps.
fn after(steps: &[(Step, &'static str)], count: usize) -> Provider {
    Provider::after(&steps[..count].iter().map(|(step, _)| step.clone()).collect::<Vec<_>>())
}

/// What can be seen of an account at the end.
fn at_the_end(shop: &Shop) -> Account {
    // The month's turn may be still to be written.
    let mut shop = Shop { account: shop.account.as_of(time(END)), ..shop.clone() };
    // What a refill gave for a subscription only matters for what backs credits now.
    shop.account.subscriptions.iter_mut().for_each(|subscription| subscription.refilled = 0);
    // One that is over is listed for as long as it was when a month turned.
    shop.account.subscriptions.retain(|subscription| !subscription.is_over() || subscription.backed > 0);
    shop.end()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn looks_on_the_way_end_as_one_look_at_the_end(choices in choices(), mask in any::<u16>()) {
        let steps = steps(&choices);
        let whole = after(&steps, steps.len());
        let mut once = Shop::new("2026-10-01");
        once.look(&whole, END);
        let mut often = Shop::new("2026-10-01");
        // A refill is not taken back if it turns out later that a subscription had ended, or was moved to a lesser plan,
        // in the month before: so what November saw last is looked at before December begins.
        let of_november = steps.iter().filter(|(_, day)| day.starts_with("2026-11")).count();
        for count in (1..=steps.len()).filter(|count| *count == of_november || mask >> count & 1 == 1) {
            often.look(&after(&steps, count), steps[count - 1].1);
        }
        often.look(&whole, END);
        prop_assert_eq!(at_the_end(&often), at_the_end(&once), "{:?}", steps);
        // Looking once more changes nothing.
        let before = often.end();
        often.look(&whole, END);
        prop_assert_eq!(often.end(), before);
    }

    #[test]
    fn what_is_spent_is_owed_or_was_paid_for(choices in choices(), spent in proptest::collection::vec(0..120_u64, 8)) {
        let steps = steps(&choices);
        let mut shop = Shop::new("2026-10-01");
        let mut total = 0;
        for (count, most) in (1..=steps.len()).zip(spent) {
            shop.look(&after(&steps, count), steps[count - 1].1);
            let now = most.min(shop.account.balance.tune_image());
            shop.spend(Credits::new(0, 0, now));
            total += now;
        }
        let whole = after(&steps, steps.len());
        shop.look(&whole, END);
        let (balance, owed) = (shop.account.balance.tune_image(), shop.account.owed.tune_image());
        prop_assert_eq!(balance + total, images_kept(&whole) + owed, "{:?}", steps);
        prop_assert!(shop.account.granted() <= 6000);
        prop_assert_eq!(shop.account.as_of(time("2027-06-01")).balance.playground(), 0);
    }
}
