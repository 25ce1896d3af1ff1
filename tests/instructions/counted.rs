//! The calls whose instructions are counted: prices, decisions, and the encoding of items. `tests/instructions/run`
//! runs this, and compares.
//!
//! Arguments are made before the counting begins, and what a call returns is dropped after it has ended.

#![expect(missing_docs, reason = "the harness makes a public module of each function")]

use std::{fmt::Debug, hint::black_box, str::FromStr};

use chrono::{DateTime, Utc};
use gungraun::prelude::*;
use scrip_accounts::{
    Account, AccountId, Debit, DebitId, DebitRecord, Decision, Entry, Refusal, Reversal, ReversalId, Sequence,
};
use scrip_ledger::{
    Error, RequestHash,
    encoding::{self, Item, OperationItem},
};
use scrip_pricing::{CATALOG, Credits, Operation, Price, Unsupported};

const TEXT_TO_IMAGE: &str = r#"{"operation":"text_to_image","width":768,"height":512,"steps":80,"images":2}"#;
const TRAIN_TUNE: &str = r#"{"operation":"train_tune","prompts":8,"if_short":"defer"}"#;
const PLAN: &str = r#"{"id":"sub_1MowQVLkdIwHu7ixeRlqHVzs","plan":"basic","allowance":1000,"paid_through":"2026-12-15T00:00:00Z","backed":1000}"#;
const NOVEMBER: &str = "2026-11-22T10:00:00.250Z";
const DECEMBER: &str = "2026-12-01T00:00:00.250Z";

#[library_benchmark]
#[bench::text_to_image(TEXT_TO_IMAGE)]
#[bench::train_tune(TRAIN_TUNE)]
fn parse(json: &str) -> serde_json::Result<Operation> {
    black_box(serde_json::from_str(black_box(json)))
}

#[library_benchmark]
#[bench::text_to_image(operation(TEXT_TO_IMAGE))]
#[bench::train_tune(operation(TRAIN_TUNE))]
fn quote(operation: &Operation) -> Result<Price, Unsupported> {
    black_box(CATALOG.quote(black_box(operation)))
}

#[library_benchmark]
#[bench::ordinary(account(40), parsed(NOVEMBER), id(), work())]
#[bench::month_turns(account(40), parsed(DECEMBER), id(), work())]
#[bench::refused(account(3), parsed(NOVEMBER), id(), work())]
fn debit(account: &Account, now: DateTime<Utc>, id: &DebitId, debit: &Debit) -> Result<Decision, Refusal> {
    black_box(scrip_accounts::debit::decide(black_box(account), id, debit, now))
}

#[library_benchmark]
#[bench::month_turns(account(40), parsed(DECEMBER))]
#[bench::nothing_due(account(40), parsed(NOVEMBER))]
fn refill(account: &Account, now: DateTime<Utc>) -> Decision {
    black_box(scrip_accounts::refill::decide(black_box(account), now))
}

#[library_benchmark]
#[bench::all_of_a_debit(account(40), reversal_id(), id(), parsed(NOVEMBER))]
fn reversal(
    account: &Account,
    id: &ReversalId,
    of: &DebitId,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let debit = DebitRecord { taken: Credits::new(4, 0, 0), reversed: Credits::ZERO };
    let all = Reversal { credits: None, reason: None };
    black_box(scrip_accounts::reversal::decide(
        black_box(account),
        id,
        of,
        Some(black_box(&debit)),
        &all,
        now,
    ))
}

#[library_benchmark]
#[bench::debit(whose(), entry())]
fn write_entry(of: &AccountId, entry: &Entry) -> Result<Item, Error> {
    black_box(encoding::entry(of, black_box(entry)))
}

#[library_benchmark]
#[bench::debit(encoding::entry(whose(), entry()).unwrap())]
fn read_entry(item: Item) -> Result<Entry, Error> {
    black_box(encoding::read_entry(black_box(item)))
}

#[library_benchmark]
#[bench::debit(whose(), operation_key(), request())]
fn write_operation(
    of: &AccountId,
    key: &scrip_ledger::Operation,
    request: &RequestHash,
) -> Result<Item, Error> {
    let answered_by = (Sequence::new(42), Some(Credits::new(4, 0, 0)));
    black_box(encoding::operation(of, black_box(key), request, answered_by))
}

#[library_benchmark]
#[bench::debit(operation_item())]
fn read_operation(item: Item) -> Result<OperationItem, Error> {
    black_box(encoding::read_operation(black_box(item)))
}

library_benchmark_group!(name = price, benchmarks = [parse, quote]);
library_benchmark_group!(name = decide, benchmarks = [debit, refill, reversal]);
library_benchmark_group!(
    name = item,
    benchmarks = [write_entry, read_entry, write_operation, read_operation]
);
main!(library_benchmark_groups = [price, decide, item]);

/// An account of November 2026 on the basic plan.
fn account(playground: u64) -> &'static Account {
    kept(Account {
        sequence: Sequence::new(41),
        balance: Credits::new(playground, 1, 64),
        period: parsed("2026-11"),
        owed: Credits::ZERO,
        subscriptions: vec![serde_json::from_str(PLAN).unwrap()],
        updated_at: parsed("2026-11-20T00:00:00Z"),
    })
}

fn work() -> &'static Debit {
    kept(Debit { expected_credits: None, operation: operation(TEXT_TO_IMAGE).clone() })
}

fn operation(json: &str) -> &'static Operation {
    kept(serde_json::from_str(json).unwrap())
}

fn whose() -> &'static AccountId {
    kept(AccountId::parse("demo-standard").unwrap())
}

fn id() -> &'static DebitId {
    kept(DebitId::parse("job-1").unwrap())
}

fn reversal_id() -> &'static ReversalId {
    kept(ReversalId::parse("job-1-failed").unwrap())
}

/// The entry of an ordinary debit.
fn entry() -> &'static Entry {
    let decided = scrip_accounts::debit::decide(account(40), id(), work(), parsed(NOVEMBER)).unwrap();
    kept(decided.entries[0].clone())
}

fn operation_key() -> &'static scrip_ledger::Operation {
    kept(scrip_ledger::Operation::Debit(id().clone()))
}

fn request() -> &'static RequestHash {
    kept(RequestHash::of(work()).unwrap())
}

fn operation_item() -> Item {
    let answered_by = (Sequence::new(42), Some(Credits::new(4, 0, 0)));
    encoding::operation(whose(), operation_key(), request(), answered_by).unwrap()
}

fn parsed<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Leaked, so that a call borrows it and its end isn't counted.
fn kept<T>(made: T) -> &'static T {
    Box::leak(Box::new(made))
}
