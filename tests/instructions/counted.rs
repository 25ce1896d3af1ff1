//! The calls whose instructions are counted: prices, decisions, and the encoding of items. `tests/instructions/run`
//! runs this, and compares.
//!
//! Arguments are made before the counting begins, and what a call returns is dropped after it has ended.

#![expect(missing_docs, reason = "the harness makes a public module of each function")]

use std::{fmt::Debug, hint::black_box, str::FromStr};

use chrono::{DateTime, Utc};
use gungraun::prelude::*;
use scrip_accounts::{
    Account, AccountId, Command, CommandKey, CommandState, Debit, DebitId, DebitRecord, DebitRequest,
    Decision, Entry, Posting, Refusal, Reversal, ReversalId, ReversalRequest, Sequence,
};
use scrip_ledger::{
    Error,
    encoding::{self, Claim, Item, RequestHash, StoredEntry},
};
use scrip_pricing::{CATALOG, Credits, Operation, Price, UnsupportedOperation};

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
fn quote(operation: &Operation) -> Result<Price, UnsupportedOperation> {
    black_box(CATALOG.quote(black_box(operation)))
}

#[library_benchmark]
#[bench::ordinary(account(40), parsed(NOVEMBER), work())]
#[bench::month_turns(account(40), parsed(DECEMBER), work())]
#[bench::refused(account(3), parsed(NOVEMBER), work())]
fn debit(account: &Account, now: DateTime<Utc>, debit: &Debit) -> Result<Posting, Refusal> {
    black_box(debit.decide(&CommandState::of_account(black_box(account), now)))
}

#[library_benchmark]
#[bench::month_turns(account(40), parsed(DECEMBER))]
#[bench::nothing_due(account(40), parsed(NOVEMBER))]
fn refill(account: &Account, now: DateTime<Utc>) -> Decision {
    black_box(scrip_accounts::refill::decide(black_box(account), now))
}

#[library_benchmark]
#[bench::all_of_a_debit(account(40), all_of_a_debit(), parsed(NOVEMBER))]
fn reversal(account: &Account, reversal: &Reversal, now: DateTime<Utc>) -> Result<Posting, Refusal> {
    let (sequence, taken, reversed) = (Sequence::new(42), Credits::new(4, 0, 0), Credits::ZERO);
    let debit = DebitRecord { sequence, taken, reversed };
    black_box(reversal.decide(&CommandState {
        account: black_box(account),
        debit: Some(black_box(&debit)),
        hold: None,
        now,
    }))
}

#[library_benchmark]
#[bench::debit(whose(), entry(), request())]
fn write_entry(of: &AccountId, entry: &Entry, request: &RequestHash) -> Result<Item, Error> {
    black_box(encoding::write_entry(of, black_box(entry), Some(request)))
}

#[library_benchmark]
#[bench::debit(encoding::write_entry(whose(), entry(), Some(request())).unwrap())]
fn read_entry(item: Item) -> Result<StoredEntry, Error> {
    black_box(encoding::read_entry(black_box(item)))
}

#[library_benchmark]
#[bench::debit(whose(), key())]
fn write_claim(of: &AccountId, key: &CommandKey) -> Result<Item, Error> {
    black_box(encoding::write_claim(of, black_box(key), Sequence::new(41)))
}

#[library_benchmark]
#[bench::debit(encoding::write_claim(whose(), key(), Sequence::new(41)).unwrap())]
fn read_claim(item: Item) -> Result<Claim, Error> {
    black_box(encoding::read_claim(black_box(item)))
}

library_benchmark_group!(name = price, benchmarks = [parse, quote]);
library_benchmark_group!(name = decide, benchmarks = [debit, refill, reversal]);
library_benchmark_group!(name = item, benchmarks = [write_entry, read_entry, write_claim, read_claim]);
main!(library_benchmark_groups = [price, decide, item]);

/// An account of November 2026 on the basic plan.
fn account(playground: u64) -> &'static Account {
    kept(Account {
        sequence: Sequence::new(41),
        balance: Credits::new(playground, 1, 64),
        period: parsed("2026-11"),
        owed: Credits::ZERO,
        holds: Vec::new(),
        subscriptions: vec![serde_json::from_str(PLAN).unwrap()],
        updated_at: parsed("2026-11-20T00:00:00Z"),
    })
}

fn work() -> &'static Debit {
    let request = DebitRequest { expected_credits: None, operation: operation(TEXT_TO_IMAGE).clone() };
    kept(Debit { id: id(), request })
}

fn operation(json: &str) -> &'static Operation {
    kept(serde_json::from_str(json).unwrap())
}

fn whose() -> &'static AccountId {
    kept(AccountId::parse("demo-standard").unwrap())
}

fn id() -> DebitId {
    DebitId::parse("job-1").unwrap()
}

fn all_of_a_debit() -> &'static Reversal {
    let (id, request) =
        (ReversalId::parse("job-1-failed").unwrap(), ReversalRequest { credits: None, reason: None });
    kept(Reversal { id, debit_id: self::id(), request })
}

/// The entry of an ordinary debit.
fn entry() -> &'static Entry {
    kept(debit_of(account(40), parsed(NOVEMBER)).entry)
}

fn debit_of(account: &Account, now: DateTime<Utc>) -> Posting {
    work().decide(&CommandState::of_account(account, now)).unwrap()
}

fn key() -> &'static CommandKey {
    kept(work().key())
}

fn request() -> &'static RequestHash {
    kept(RequestHash::of(work()).unwrap())
}

fn parsed<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Leaked, so that a call borrows it and its end isn't counted.
fn kept<T>(made: T) -> &'static T {
    Box::leak(Box::new(made))
}
