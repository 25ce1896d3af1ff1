//! Conservation of credits: the balance plus held credits is always the credits that the records back, minus the
//! spending. This is true for late and stale looks, and for money-back refunds that are requested, confirmed or declined
//! on the way. And the state at a given time is the same whether the due entries were written before or not.

use chrono::TimeDelta;
use proptest::prelude::*;
use scrip_accounts::{
    Account, Command, CommandState, Decision, Hold, HoldId, HoldOutcome, OpenHold, Period, Posting, Purchase,
    PurchaseId, RefundId, Settlement, SettlementOutcome, SettlementRequest, money_back, refill,
};
use scrip_pricing::Credits;

use crate::{
    histories::CASES,
    lifecycle::{END, after, choices, lifecycle},
    shop::{Provider, Shop, time},
};

/// An action of the test, in addition to the events at Stripe.
#[derive(Debug, Clone)]
enum Act {
    /// Looks at one subject, as it was some happenings ago.
    Look {
        subject: usize,
        age: usize,
    },
    Spend {
        thirds: u64,
    },
    Request {
        purchase: usize,
    },
    Confirm {
        purchase: usize,
        age: usize,
    },
    Refuse {
        purchase: usize,
    },
    /// Holds the credits of so many images, or of a prompt of a Tune.
    Hold {
        images: u64,
        minutes: i64,
    },
    /// Captures an image of an open hold, or all of it, or releases it.
    Settle {
        hold: usize,
        request: &'static str,
    },
    Turn,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..4_usize, 0..3_usize).prop_map(|(subject, age)| Act::Look { subject, age }),
        2 => (1..=3_u64).prop_map(|thirds| Act::Spend { thirds }),
        2 => (0..8_usize).prop_map(|purchase| Act::Request { purchase }),
        2 => (0..8_usize, 0..2_usize).prop_map(|(purchase, age)| Act::Confirm { purchase, age }),
        1 => (0..8_usize).prop_map(|purchase| Act::Refuse { purchase }),
        3 => (0..4_u64, 1..1_441_i64).prop_map(|(images, minutes)| Act::Hold { images, minutes }),
        2 => (0..8_usize, prop::sample::select(vec!["", "{}", r#"{"images":1}"#]))
            .prop_map(|(hold, request)| Act::Settle { hold, request }),
        1 => Just(Act::Turn),
    ];
    proptest::collection::vec(act, 0..30)
}

struct World {
    shop: Shop,
    spent: Credits,
    /// Playground credits that were held when the month began: they come on top of it.
    carried: u64,
    holds: Vec<HoldOutcome>,
}

impl World {
    fn purchase(&self, number: usize) -> Option<(PurchaseId, Purchase)> {
        let count = self.shop.purchases.len();
        let found = self.shop.purchases.iter().nth(number % count.max(1));
        found.map(|(id, purchase)| (id.clone(), purchase.clone()))
    }

    fn take(&mut self, act: &Act, providers: &[Provider], now: &str) {
        let before = self.shop.account.clone();
        let aged = |age: &usize| &providers[providers.len() - 1 - age.min(&(providers.len() - 1))];
        match act {
            Act::Look { subject, age } => {
                let provider = aged(age);
                let subjects = provider.subjects();
                if let Some(subject) = subjects.get(subject % subjects.len().max(1)) {
                    self.shop.look_at(provider, subject, now).unwrap();
                }
            }
            Act::Spend { thirds } => {
                let now = self.shop.account.as_of(time(now));
                if now.period == self.shop.account.period {
                    let part = |credits: u64| credits * thirds / 3;
                    let balance = self.shop.account.balance;
                    let spent = Credits::new(
                        part(balance.playground()),
                        part(balance.tune()),
                        part(balance.tune_image()),
                    );
                    self.shop.spend(spent);
                    self.spent = self.spent.checked_add(spent).unwrap();
                }
            }
            Act::Request { purchase } => self.ask(*purchase, |account, records, id, _| {
                money_back::request(account, records, id, None, time(now)).ok()
            }),
            Act::Confirm { purchase, age } => {
                let provider = aged(age);
                self.ask(*purchase, |account, records, id, purchase| {
                    let subjects =
                        provider.subjects().into_iter().flat_map(|subject| provider.facts(subject).money);
                    let money = subjects.into_iter().find(|money| money.purchase_id == *id)?;
                    let ours: Vec<_> = money
                        .outflows
                        .iter()
                        .filter_map(|flow| RefundId::parse(flow.id.as_str()).ok())
                        .collect();
                    let attempt = purchase.refunds_failed;
                    money_back::confirmed(account, records, &money, attempt, &ours, time(now)).ok()
                });
            }
            Act::Refuse { purchase } => self.ask(*purchase, |account, records, id, purchase| {
                money_back::refused(account, records, id, purchase.refunds_failed, time(now)).ok()
            }),
            Act::Hold { images, minutes } => {
                self.shop.append(refill::decide(&self.shop.account, time(now)));
                self.note_turn(&before);
                return self.hold(*images, *minutes, now);
            }
            Act::Settle { hold, request } => {
                self.shop.append(refill::decide(&self.shop.account, time(now)));
                self.note_turn(&before);
                return self.settle(*hold, request, now);
            }
            Act::Turn => {
                let first = Period::of(time(now)).start();
                self.shop.append(refill::decide(&self.shop.account, first));
            }
        }
        self.note_turn(&before);
        self.carried -= std::mem::take(&mut self.shop.ended_by_late_refill);
    }

    /// Counts from nothing if a month began: of what was held, only that stays which was still held then.
    fn note_turn(&mut self, before: &Account) {
        let month = self.shop.account.period;
        if month > before.period {
            let outlasts = |hold: &&OpenHold| hold.expires_at >= month.start();
            self.carried = before.holds.iter().filter(outlasts).map(|hold| hold.credits.playground()).sum();
            self.spent = self.spent.with_playground(0);
        }
    }

    fn hold(&mut self, images: u64, minutes: i64, now: &str) {
        let work = match images {
            0 => r#""operation":"tune_images","prompts":1"#.to_owned(),
            images => format!(r#""operation":"upscale","factor":4,"images":{images}"#),
        };
        let body = format!(r#"{{{work},"expires_in":{}}}"#, minutes * 60);
        let id = HoldId::parse(format!("h-{}", self.holds.len())).unwrap();
        let hold = Hold { id, request: serde_json::from_str(&body).unwrap() };
        let decided = hold.decide(&CommandState::of_account(&self.shop.account, time(now)));
        if let Ok(Posting { due, entry, .. }) = decided {
            self.holds.push((&entry).try_into().unwrap());
            assert!(due.is_empty() || self.shop.account.period < entry.account.period);
            let before = self.shop.account.clone();
            self.shop
                .append(Decision { entries: due.into_iter().chain([entry]).collect(), records: Vec::new() });
            // Where nothing was due, the month turns with the hold's own entry.
            self.note_turn(&before);
        }
    }

    fn settle(&mut self, number: usize, request: &str, now: &str) {
        let Some(hold) = self.holds.get(number % self.holds.len().max(1)) else { return };
        let request = match request {
            "" => SettlementRequest::Release(serde_json::from_str("{}").unwrap()),
            body => SettlementRequest::Capture(serde_json::from_str(body).unwrap()),
        };
        let settlement = Settlement { hold_id: HoldId::parse("h").unwrap(), request };
        let state =
            CommandState { hold: Some(hold), ..CommandState::of_account(&self.shop.account, time(now)) };
        if let Ok(Posting { due, entry, .. }) = settlement.decide(&state) {
            let outcome = SettlementOutcome::try_from(&entry).unwrap();
            assert_eq!(outcome.captured.checked_add(outcome.returned), Some(hold.credits));
            assert!(due.is_empty());
            let before = self.shop.account.clone();
            self.shop.append(Decision { entries: vec![entry], records: Vec::new() });
            self.note_turn(&before);
            self.spent = self.spent.checked_add(outcome.captured).unwrap();
        }
    }

    fn ask(
        &mut self,
        number: usize,
        decide: impl FnOnce(
            &Account,
            &scrip_accounts::Records,
            &PurchaseId,
            &Purchase,
        ) -> Option<scrip_accounts::Decision>,
    ) {
        let Some((id, purchase)) = self.purchase(number) else { return };
        let records = self.shop.records(purchase.subscription_id.as_ref(), [id.clone()].iter());
        if let Some(decision) = decide(&self.shop.account, &records, &id, &purchase) {
            self.shop.append(decision);
        }
    }

    /// What the records stand for, by sums of their own: packs less the part of the money that is gone, rounded down.
    fn stands_for(&self) -> Credits {
        let mut sum = Credits::ZERO;
        for purchase in self.shop.purchases.values() {
            let held: u64 = purchase.outflows.iter().map(|flow| flow.amount).sum();
            let gone = if purchase.is_refund_pending() { purchase.amount } else { held.min(purchase.amount) };
            let packs = purchase.lines.iter().map(|line| line.credits.with_playground(0));
            let packs = packs.fold(Credits::ZERO, |sum, credits| sum.checked_add(credits).unwrap());
            let left =
                |credits: u64| credits - (credits * gone).checked_div(purchase.amount).unwrap_or_default();
            sum = sum.checked_add(Credits::new(0, left(packs.tune()), left(packs.tune_image()))).unwrap();
        }
        sum.with_playground(self.shop.account.granted() + self.carried)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn a_balance_follows_from_the_records_and_the_spending(choices in choices(true), acts in acts()) {
        let happenings = lifecycle(&choices);
        let mut world = World {
            shop: Shop::new("2026-10-01"),
            spent: Credits::ZERO,
            carried: 0,
            holds: Vec::new(),
        };
        let mut acts = acts.iter();
        let mut providers = vec![Provider::default()];
        for count in 1..=happenings.len() {
            providers.push(after(&happenings, count));
            let now = if count == happenings.len() { END } else { happenings[count - 1].at };
            let turn = if count == happenings.len() { acts.len() } else { 3 };
            for act in acts.by_ref().take(turn) {
                world.take(act, &providers, now);
                let account = &world.shop.account;
                let had = account.balance.checked_add(account.held()).unwrap();
                let had = had.checked_add(world.spent).unwrap();
                let stands_for = world.stands_for().checked_add(account.owed).unwrap();
                prop_assert_eq!(had, stands_for, "{:#?} {:?} {:?}", happenings, act, account);
                for (first, second) in [(1, 20), (15, 30), (60, 24 * 60), (24 * 60, 40 * 24 * 60)] {
                    let at = |minutes| account.updated_at + TimeDelta::minutes(minutes);
                    let seen = |account: Account| (account.balance, account.owed, account.holds, account.period);
                    let on_the_way = seen(account.as_of(at(first)).as_of(at(second)));
                    prop_assert_eq!(on_the_way, seen(account.as_of(at(second))), "{:?} {:?}", act, account);
                }
            }
        }
    }
}
