//! Whatever is asked of an account in whatever order, its history stays a ledger.

use chrono::{DateTime, Duration, Utc};
use credits::{
    Account, Buys, Debit, DebitId, DebitRecord, Entry, EntryKind, Event, Payment, Period, PurchaseId, Record,
    Refusal, Reversal, ReversalId, SubscriptionId, debit, purchase, reversal,
};
use pricing::{Count, Credits, Operation};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Command {
    Debit(Operation),
    Reverse { debit: usize, credits: Option<u64> },
    Plan { allowance: u64, days: i64 },
    Pack,
}

fn commands() -> impl Strategy<Value = Vec<(i64, Command)>> {
    let images = (1..=100_i64).prop_map(|images| {
        Command::Debit(Operation::Upscale { factor: Count::new(4), images: Count::new(images) })
    });
    let command = prop_oneof![
        6 => images,
        2 => Just(Command::Debit(serde_json::from_str(r#"{"operation":"train_tune"}"#).unwrap())),
        3 => (0..20_usize, proptest::option::of(1..300_u64))
            .prop_map(|(debit, credits)| Command::Reverse { debit, credits }),
        2 => (prop_oneof![Just(1000_u64), Just(2500), Just(6000)], 1..70_i64)
            .prop_map(|(allowance, days)| Command::Plan { allowance, days }),
        1 => Just(Command::Pack),
    ];
    // Steps of up to twelve days, now and then a clock that is behind.
    proptest::collection::vec((-600..1_000_000_i64, command), 1..60)
}

/// What the ledger would keep of an account.
struct Kept {
    account: Account,
    entries: Vec<Entry>,
    debits: Vec<(DebitId, DebitRecord)>,
}

fn run(kept: &mut Kept, number: usize, command: &Command, now: DateTime<Utc>) -> Result<(), Refusal> {
    let account = &kept.account;
    let decision = match command {
        Command::Debit(operation) => {
            let id = DebitId::parse(format!("d{number}")).unwrap();
            let body = Debit { expected_credits: None, operation: operation.clone() };
            let decision = debit::decide(account, &id, &body, now)?;
            let taken = decision.entries.last().unwrap().change.taken();
            kept.debits.push((id, DebitRecord { taken, reversed: Credits::ZERO }));
            decision
        }
        Command::Reverse { debit, credits } => {
            let id = ReversalId::parse(format!("r{number}")).unwrap();
            let known = kept.debits.get(*debit).cloned();
            let unknown = DebitId::parse("unknown").unwrap();
            let (debit_id, record) = known.map_or((unknown, None), |(id, record)| (id, Some(record)));
            let body = Reversal { credits: credits.map(|n| Credits::new(n, 0, 0)), reason: None };
            reversal::decide(account, &id, &debit_id, record.as_ref(), &body, now)?
        }
        Command::Plan { allowance, days } => {
            let plan = Buys::Plan {
                subscription_id: SubscriptionId::parse("sub").unwrap(),
                plan: "basic".into(),
                allowance: *allowance,
                paid_until: now + Duration::days(*days),
            };
            purchase::decide(account, None, &payment(number, plan, now), now)?
        }
        Command::Pack => {
            purchase::decide(account, None, &payment(number, Buys::Pack(Credits::new(0, 1, 64)), now), now)?
        }
    };
    if let [Record::Reversed { debit_id, before, after }] = decision.records.as_slice() {
        let (_, record) = kept.debits.iter_mut().find(|(id, _)| id == debit_id).unwrap();
        assert_eq!(record.reversed, *before);
        record.reversed = *after;
    }
    kept.account = decision.entries.last().unwrap().account.clone();
    kept.entries.extend(decision.entries);
    Ok(())
}

fn payment(number: usize, buys: Buys, now: DateTime<Utc>) -> Payment {
    Payment {
        id: PurchaseId::parse(format!("p{number}")).unwrap(),
        sku: "sku".into(),
        amount: 1900,
        currency: "usd".into(),
        paid_at: now,
        invoiced_at: None,
        payment_id: None,
        customer_id: None,
        buys,
    }
}

proptest! {
    #[test]
    fn a_history_is_one_line_that_adds_up(commands in commands()) {
        let mut now: DateTime<Utc> = "2026-11-03T09:00:00Z".parse().unwrap();
        let mut kept = Kept { account: Account::unseen(now), entries: Vec::new(), debits: Vec::new() };
        for (number, (seconds, command)) in commands.iter().enumerate() {
            now += Duration::seconds(*seconds);
            // A refusal leaves nothing behind, which the checks below would see.
            let _refused = run(&mut kept, number, command, now);
        }

        let mut balance = Credits::ZERO;
        let mut refills = std::collections::HashSet::new();
        let mut granted = std::collections::HashMap::<Period, u64>::new();
        let mut highest_allowance = 0;
        let mut at = DateTime::<Utc>::MIN_UTC;
        for (index, entry) in kept.entries.iter().enumerate() {
            // Sequences without gaps; each balance is the one below plus the change, never below zero.
            prop_assert_eq!(entry.account.sequence.get(), index as u64 + 1);
            balance = entry.change.apply(balance).unwrap();
            prop_assert_eq!(entry.account.balance, balance);
            // Time doesn't run backwards.
            prop_assert!(entry.at >= at);
            at = entry.at;
            prop_assert_eq!(entry.account.period, Period::of(at));
            match &entry.event {
                // Each month is refilled at most once.
                Event::Refill => {
                    prop_assert!(refills.insert(entry.reference.clone()), "{} twice", entry.reference);
                    prop_assert_eq!(balance.playground(), entry.account.granted);
                }
                Event::Expiry => prop_assert_eq!(balance.playground(), 0),
                _ => {}
            }
            // Rule 5: no month grants more than the highest allowance paid for so far.
            if matches!(entry.event.kind(), EntryKind::Refill | EntryKind::Purchase) {
                let allowance = entry.account.subscription.as_ref().map_or(0, |plan| plan.allowance);
                highest_allowance = highest_allowance.max(allowance);
                let sum = granted.entry(entry.account.period).or_default();
                *sum += entry.change.given().playground();
                prop_assert!(*sum <= highest_allowance, "{sum} in {}", entry.account.period);
            }
        }
        for (id, record) in &kept.debits {
            prop_assert!(record.taken.covers(record.reversed), "{id}");
        }
        // As of now counts in what is due, and then nothing is due any more.
        let settled = kept.account.as_of(now);
        prop_assert_eq!(settled.as_of(now), settled);
    }
}
