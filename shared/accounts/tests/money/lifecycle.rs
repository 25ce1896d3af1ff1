//! Random lifecycles: the events at Stripe over three months.

use proptest::prelude::*;
use scrip_accounts::OutflowKind::{Dispute, Refund};

use crate::shop::{Invoice, Provider, Step, pack};

/// The moments at which something happens, each with the end of a month and of a year that are paid from then on.
const MOMENTS: [(&str, &str, &str); 12] = [
    ("2026-11-03", "2026-12-03", "2027-11-03"),
    ("2026-11-12", "2026-12-12", "2027-11-12"),
    ("2026-11-21", "2026-12-21", "2027-11-21"),
    ("2026-11-30", "2026-12-30", "2027-11-30"),
    ("2026-12-02", "2027-01-02", "2027-12-02"),
    ("2026-12-04", "2027-01-04", "2027-12-04"),
    ("2026-12-15", "2027-01-15", "2027-12-15"),
    ("2026-12-29", "2027-01-29", "2027-12-29"),
    ("2027-01-02", "2027-02-02", "2028-01-02"),
    ("2027-01-05", "2027-02-05", "2028-01-05"),
    ("2027-01-13", "2027-02-13", "2028-01-13"),
    ("2027-01-25", "2027-02-25", "2028-01-25"),
];
/// When all is over, and looked at for the last time.
pub const END: &str = "2027-01-28";

const PLANS: [&str; 3] = ["basic", "standard", "business"];
const SUBSCRIPTIONS: [&str; 2] = ["sub_1", "sub_2"];
const PACKS: [&str; 2] = ["pi_1", "pi_2"];
const INVOICES: [&str; 12] = [
    "in_01", "in_02", "in_03", "in_04", "in_05", "in_06", "in_07", "in_08", "in_09", "in_10", "in_11",
    "in_12",
];
const FLOWS: [&str; 8] = ["re_1", "dp_1", "re_2", "re_3", "dp_2", "re_4", "dp_3", "re_5"];

/// What may happen at a moment, before it is known whether it can.
#[derive(Debug, Clone)]
pub enum Choice {
    Nothing,
    /// A plan is paid for: a renewal or a change, by what was paid before.
    Pay {
        subscription: usize,
        plan: usize,
        is_yearly: bool,
        is_prorated: bool,
    },
    Pack {
        which: usize,
        quantity: u64,
    },
    /// So many quarters of what is left of a payment go.
    Outflow {
        which: usize,
        quarters: u64,
    },
    Back(usize),
    Over(usize),
    /// An item is changed without an invoice.
    Item(usize, usize),
}

/// Choices, with items that change without an invoice or not.
pub fn choices(with_items: bool) -> impl Strategy<Value = Vec<Choice>> {
    let choice = prop_oneof![
        2 => Just(Choice::Nothing),
        6 => (0..2_usize, 0..3_usize, any::<bool>(), any::<bool>()).prop_map(
            move |(subscription, plan, is_yearly, is_prorated)| Choice::Pay {
                subscription,
                plan,
                is_yearly,
                is_prorated,
            }
        ),
        1 => (0..2_usize, 1..4_u64).prop_map(|(which, quantity)| Choice::Pack { which, quantity }),
        4 => (0..12_usize, 1..=4_u64).prop_map(|(which, quarters)| Choice::Outflow { which, quarters }),
        2 => (0..8_usize).prop_map(Choice::Back),
        1 => (0..2_usize).prop_map(Choice::Over),
        u32::from(with_items) => (0..2_usize, 0..3_usize).prop_map(|(sub, plan)| Choice::Item(sub, plan)),
    ];
    proptest::collection::vec(choice, 1..=MOMENTS.len())
}

/// Something that happened, and when.
#[derive(Debug, Clone)]
pub struct Happening {
    pub step: Step,
    pub at: &'static str,
}

/// What really happens: a choice that makes no sense at its moment is left out.
pub fn lifecycle(choices: &[Choice]) -> Vec<Happening> {
    let mut drawing = Drawing::default();
    for (moment, choice) in choices.iter().enumerate() {
        drawing.take(moment, choice);
    }
    drawing.happenings
}

/// The provider after so many happenings.
pub fn after(happenings: &[Happening], count: usize) -> Provider {
    Provider::after(&happenings[..count].iter().map(|happening| happening.step.clone()).collect::<Vec<_>>())
}

#[derive(Default)]
struct Drawing {
    happenings: Vec<Happening>,
    /// What each subscription was paid for last: allowance and end.
    paid: [Option<(u64, &'static str)>; 2],
    over: [bool; 2],
    /// What was bought: purchase, amount.
    bought: Vec<(&'static str, u64)>,
    /// What of it is gone: purchase, refund or dispute, amount.
    gone: Vec<(&'static str, &'static str, u64)>,
    invoices: usize,
    flows: usize,
}

impl Drawing {
    fn happen(&mut self, step: Step, at: &'static str) {
        self.happenings.push(Happening { step, at });
    }

    fn take(&mut self, moment: usize, choice: &Choice) {
        let (at, month_end, year_end) = MOMENTS[moment];
        match *choice {
            Choice::Pay { subscription, plan, is_yearly, is_prorated } if !self.over[subscription] => {
                let end = if is_yearly { year_end } else { month_end };
                let id = INVOICES[self.invoices];
                let mut invoice = Invoice::new(id, PLANS[plan], at, end).of(SUBSCRIPTIONS[subscription]);
                if let Some((allowance, until)) = self.paid[subscription].filter(|(_, until)| *until > at)
                    && is_prorated
                {
                    // A change keeps the period, or begins a year. A lesser plan costs nothing.
                    let amount = if invoice.plan.allowance > allowance || is_yearly { 1000 } else { 0 };
                    invoice =
                        Invoice { until: if is_yearly { year_end } else { until }, ..invoice }.change(amount);
                }
                self.invoices += 1;
                self.paid[subscription] = Some((invoice.plan.allowance, invoice.until));
                self.bought.extend((invoice.amount > 0).then_some((id, invoice.amount)));
                self.happen(Step::Invoice(invoice), at);
            }
            Choice::Pack { which, quantity } if !self.bought.iter().any(|(id, _)| *id == PACKS[which]) => {
                let amount = 999 * quantity;
                self.bought.push((PACKS[which], amount));
                self.happen(Step::Pack(PACKS[which], at, vec![pack("avatar_pack", quantity)], amount), at);
            }
            Choice::Outflow { which, quarters } if !self.bought.is_empty() && self.flows < FLOWS.len() => {
                let (purchase, amount) = self.bought[which % self.bought.len()];
                let gone: u64 =
                    self.gone.iter().filter(|(of, ..)| *of == purchase).map(|(.., sum)| sum).sum();
                let sum = (amount - gone) * quarters / 4;
                if sum > 0 {
                    let flow = FLOWS[self.flows];
                    self.flows += 1;
                    self.gone.push((purchase, flow, sum));
                    let kind = if flow.starts_with("dp_") { Dispute } else { Refund };
                    self.happen(Step::Outflow(purchase, flow, kind, sum, at), at);
                }
            }
            Choice::Back(which) if !self.gone.is_empty() => {
                let (purchase, flow, _) = self.gone.remove(which % self.gone.len());
                self.happen(Step::Back(purchase, flow), at);
            }
            Choice::Over(subscription) if self.paid[subscription].is_some() && !self.over[subscription] => {
                self.over[subscription] = true;
                self.happen(Step::Ended(SUBSCRIPTIONS[subscription], at), at);
            }
            Choice::Item(subscription, plan)
                if self.paid[subscription].is_some() && !self.over[subscription] =>
            {
                self.happen(Step::Item(SUBSCRIPTIONS[subscription], PLANS[plan]), at);
            }
            _ => {}
        }
    }
}
