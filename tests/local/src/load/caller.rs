//! A caller: one visit after the other, each request when the one before is answered.
//!
//! Invariant: each answer is compared with what it must be. A command whose answer is wrong isn't booked, so that the
//! account's ledger differs too if it was carried out.

use fastrand::Rng;
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};

use super::{
    accounts::LoadAccount,
    client::{Answer, Client, Request},
    mix::{Debit, Hold, Read, Settlement, Visit},
    operation::Operation,
    tally::{Tally, WrongAnswer},
};
use crate::{invocations, statement::KINDS};

/// A caller of the load.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) client: Client,
    pub(super) accounts: Arc<[LoadAccount]>,
    /// The product's backend, which captures, releases and reverses.
    pub(super) backend_token: Arc<str>,
    pub(super) tally: Arc<Tally>,
    pub(super) random: Rng,
    pub(super) key_source: SystemRandom,
}

/// What an answer may be.
struct Expected {
    operation: Operation,
    /// The status of success.
    status: u16,
    /// Whether 402 is right too.
    may_be_refused: bool,
}

impl Expected {
    fn only(operation: Operation, status: u16) -> Self {
        Self { operation, status, may_be_refused: false }
    }

    fn or_refusal(operation: Operation) -> Self {
        Self { operation, status: 201, may_be_refused: true }
    }
}

impl Caller {
    /// Visits accounts until the time is over, or too much is wrong.
    pub(super) async fn visit_until(mut self, end: Instant) {
        while Instant::now() < end && !self.tally.has_failed() {
            let visit = Visit::draw(&mut self.random);
            let account = &self.accounts[self.random.usize(0..self.accounts.len())];
            let visited = match &visit {
                Visit::Read(read) => self.read(account, *read).await,
                Visit::Debit(debit) => self.debit(account, debit).await,
                Visit::Hold(hold) => self.hold(account, hold).await,
            };
            if let Err(wrong) = visited {
                self.tally.wrong(wrong);
            }
        }
    }

    async fn read(&self, account: &LoadAccount, read: Read) -> Result<(), WrongAnswer> {
        let get = |below| Request { path: account.path(below), token: &account.token, key: None, body: None };
        self.ask(&get(""), Expected::only(Operation::Balance, 200)).await?;
        if read.has_statement {
            self.ask(&get("/entries?limit=20"), Expected::only(Operation::Statement, 200)).await?;
        }
        Ok(())
    }

    async fn debit(&self, account: &LoadAccount, debit: &Debit) -> Result<(), WrongAnswer> {
        let token = &account.token;
        let mut price = Value::Null;
        if debit.has_quote {
            let body = Some(debit.operation.clone());
            let quote = Request { path: account.path("/quotes"), token, key: None, body };
            price = self.ask(&quote, Expected::only(Operation::Quote, 200)).await?.json["credits"].take();
        }
        let key = self.new_key();
        let body = Some(debit.operation.clone());
        let request = Request { path: account.path("/debits"), token, key: Some(&key), body };
        let made = self.ask(&request, Expected::or_refusal(Operation::Debit)).await?;
        if made.status == 402 {
            return check_refusal(&made);
        }
        let credits = &made.json["credits"];
        account.book(|bookings| bookings.take(credits));
        must(price.is_null() || price == *credits, "a debit takes what was quoted", &made)?;
        must(!made.is_replayed(), "a new key is not replayed", &made)?;
        if debit.has_replay {
            let again = self.ask(&request, Expected::only(Operation::Replay, 201)).await?;
            let is_same = again.is_replayed() && again.text == made.text;
            must(is_same, "the same key has the same answer", &again)?;
        }
        if debit.has_reversal {
            self.reverse(account, &key, credits).await?;
        }
        Ok(())
    }

    async fn reverse(
        &self,
        account: &LoadAccount,
        debit_id: &str,
        credits: &Value,
    ) -> Result<(), WrongAnswer> {
        let path = account.path(&format!("/debits/{debit_id}/reversals"));
        let (key, body) = (self.new_key(), Some(json!({"reason": "the work failed"})));
        let request = Request { path, token: &self.backend_token, key: Some(&key), body };
        let reversed = self.ask(&request, Expected::only(Operation::Reversal, 201)).await?;
        account.book(|bookings| bookings.give(&reversed.json["credits"]));
        must(reversed.json["credits"] == *credits, "a reversal gives back what the debit took", &reversed)
    }

    async fn hold(&self, account: &LoadAccount, hold: &Hold) -> Result<(), WrongAnswer> {
        let (key, body) = (self.new_key(), Some(hold.operation.clone()));
        let request = Request { path: account.path("/holds"), token: &account.token, key: Some(&key), body };
        let made = self.ask(&request, Expected::or_refusal(Operation::Hold)).await?;
        if made.status == 402 {
            return check_refusal(&made);
        }
        let credits = &made.json["credits"];
        account.book(|bookings| bookings.take(credits));
        let (operation, what, body) = match hold.settlement {
            Settlement::Capture(images) => (Operation::Capture, "capture", json!({"images": images})),
            Settlement::Release => (Operation::Release, "release", json!({})),
        };
        let path = account.path(&format!("/holds/{key}/{what}"));
        let request = Request { path, token: &self.backend_token, key: None, body: Some(body) };
        let settled = self.ask(&request, Expected::only(operation, 200)).await?;
        let (captured, returned) = (&settled.json["captured"], &settled.json["returned"]);
        account.book(|bookings| bookings.give(returned));
        let amount = |credits: &Value, kind: &str| credits[kind].as_i64().unwrap_or_default();
        let adds_up = |kind: &&str| amount(captured, kind) + amount(returned, kind) == amount(credits, kind);
        must(KINDS.iter().all(adds_up), "what is captured and returned is what was held", &settled)
    }

    /// Sends a request and counts its answer.
    async fn ask(&self, request: &Request<'_>, expected: Expected) -> Result<Answer, WrongAnswer> {
        let answer = self.client.send(request).await?;
        let is_refused = expected.may_be_refused && answer.status == 402;
        let operation = if is_refused { Operation::Refusal } else { expected.operation };
        self.tally.answer(operation, answer.request_id(), answer.elapsed);
        if is_refused || answer.status == expected.status {
            return Ok(answer);
        }
        Err(WrongAnswer(format!("{}: {} {}", request.path, answer.status, answer.text)))
    }

    fn new_key(&self) -> String {
        invocations::uuid(&self.key_source)
    }
}

/// A refusal names a kind of which more is needed than there is.
fn check_refusal(answer: &Answer) -> Result<(), WrongAnswer> {
    let problem = &answer.json;
    let is_short =
        KINDS.iter().any(|kind| problem["required"][*kind].as_i64() > problem["balance"][*kind].as_i64());
    must(problem["code"] == "insufficient_credits" && is_short, "only what is short is refused", answer)
}

fn must(holds: bool, rule: &str, answer: &Answer) -> Result<(), WrongAnswer> {
    if holds { Ok(()) } else { Err(WrongAnswer(format!("{rule}, but: {}", answer.text))) }
}
