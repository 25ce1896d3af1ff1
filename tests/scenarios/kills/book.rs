//! The answers that the clients of an account got, and the proof that its ledger agrees.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use scrip_local::statement;
use scrip_pricing::{CATALOG, Grant};
use serde_json::Value;

use super::world::{Command, World};
use crate::api::Reply;

/// An account as its clients know it.
pub struct Book {
    pub account: String,
    answers: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    debits: Vec<CommandAnswer>,
    reversals: Vec<CommandAnswer>,
    refunds: Vec<CommandAnswer>,
    /// The SKU of each purchase.
    paid: BTreeMap<String, &'static str>,
    /// The payments of what was refunded.
    refunded_payments: Vec<String>,
}

/// A command and its first answer.
#[derive(Clone)]
struct CommandAnswer {
    /// The reference of its entry.
    reference: String,
    credits: Value,
    command: Command,
    text: String,
}

impl Book {
    pub fn new(account: String) -> Self {
        Self { account, answers: Mutex::default() }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v1/accounts/{}{rest}", self.account)
    }

    pub fn debited(&self, command: Command, reply: &Reply) {
        let answered = CommandAnswer::of(command, reply, "debit_id", "credits");
        self.answers.lock().unwrap().debits.push(answered);
    }

    pub fn reversed(&self, command: Command, reply: &Reply) {
        let mut answered = CommandAnswer::of(command, reply, "reversal_id", "credits");
        // Owed credits are paid first.
        for kind in statement::KINDS {
            let given =
                reply.json["credits"][kind].as_i64().unwrap() - reply.json["offset"][kind].as_i64().unwrap();
            answered.credits[kind] = given.into();
        }
        self.answers.lock().unwrap().reversals.push(answered);
    }

    pub fn refunded(&self, command: Command, reply: &Reply, payment: &str) {
        let answered = CommandAnswer::of(command, reply, "purchase_id", "credits_revoked");
        let mut answers = self.answers.lock().unwrap();
        answers.refunds.push(answered);
        answers.refunded_payments.push(payment.to_owned());
    }

    pub fn paid(&self, purchase: &str, sku: &'static str) {
        self.answers.lock().unwrap().paid.insert(purchase.to_owned(), sku);
    }

    pub fn refunded_payments(&self) -> Vec<String> {
        self.answers.lock().unwrap().refunded_payments.clone()
    }

    /// The statement adds up, and each command is in it once, with the answer of its client; asked again,
    /// it gets the same answer and changes nothing.
    pub async fn adds_up(&self, world: &World) {
        let entries = self.entries(world).await;
        let balance = world.ask(&Command::get(self.path(""))).await.is(200).json["balance"].clone();
        statement::check(&entries.iter().collect::<Vec<_>>(), &balance).unwrap();
        for entry in &entries {
            let has = |kind: &&str| entry["balance"][*kind].is_u64();
            assert!(statement::KINDS.iter().all(has), "below zero: {entry}");
        }
        let commands = self.holds(&entries, &world.invoices(&self.account));
        world.tally.add_many("entries", entries.len());
        for CommandAnswer { command, text, .. } in commands {
            assert_eq!(world.ask(&command).await.text, text, "{command:?}");
            world.tally.add("replays");
        }
        assert_eq!(self.entries(world).await, entries, "a replay is no entry");
    }

    /// Asserts that the entries agree with the answers, and returns every command that was carried out.
    fn holds(&self, entries: &[Value], invoices: &[String]) -> Vec<CommandAnswer> {
        let answers = self.answers.lock().unwrap();
        let account = &self.account;
        let made = |kind: &str, sign: i64| made(entries, kind, sign);
        assert_eq!(made("debit", -1), expected(&answers.debits), "{account}");
        assert_eq!(made("reversal", 1), expected(&answers.reversals), "{account}");
        // A refund that finds nothing to take back makes no entry, unless it ends a plan.
        let refunds = made("refund", -1);
        let refunded: BTreeSet<&str> = refunds.iter().map(|(purchase, _)| purchase.as_str()).collect();
        assert_eq!(refunded.len(), refunds.len(), "{account} is refunded twice: {refunds:?}");
        let is_felt = |(_, credits): &(String, [i64; 3])| *credits != [0; 3];
        let felt = |made: Vec<_>| made.into_iter().filter(is_felt).collect::<Vec<_>>();
        assert_eq!(felt(refunds.clone()), felt(expected(&answers.refunds)), "{account}");
        // A payment that grants nothing by itself is an entry too: a renewal, or a plan bought twice in a month.
        let mut payments = [made("purchase", 1), made("subscription", 1)].concat();
        payments.retain(|(reference, _)| !reference.starts_with("sub_"));
        payments.sort();
        let granted: Vec<&String> = payments.iter().map(|(reference, _)| reference).collect();
        let paid: BTreeSet<&String> = answers.paid.keys().chain(invoices).collect();
        assert_eq!(granted, paid.into_iter().collect::<Vec<_>>(), "{account}");
        for (reference, granted) in &payments {
            let offer = answers.paid.get(reference).and_then(|sku| CATALOG.offer(sku));
            if let Some(Grant::Pack(credits)) = offer.map(|offer| offer.grant) {
                let given = [credits.playground(), credits.tune(), credits.tune_image()];
                assert_eq!(
                    *granted,
                    given.map(|count| i64::try_from(count).unwrap()),
                    "{account} {reference}"
                );
            }
        }
        let refills = made("refill", 1);
        let months: BTreeSet<&str> = refills.iter().map(|(month, _)| month.as_str()).collect();
        assert_eq!(months.len(), refills.len(), "{account} is refilled twice in a month: {refills:?}");
        [&answers.debits[..], &answers.reversals, &answers.refunds].concat()
    }

    /// The whole ledger, oldest first.
    async fn entries(&self, world: &World) -> Vec<Value> {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.ask(&Command::get(self.path(&format!("/entries?limit=100{cursor}")))).await;
            entries.extend(page.is(200).json["entries"].as_array().unwrap().iter().cloned());
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        entries.reverse();
        entries
    }
}

impl CommandAnswer {
    fn of(command: Command, reply: &Reply, reference: &str, credits: &str) -> Self {
        let reference = reply.json[reference].as_str().unwrap().to_owned();
        Self { reference, credits: reply.json[credits].clone(), command, text: reply.text.clone() }
    }
}

/// The reference and the credits of each entry of a kind.
fn made(entries: &[Value], kind: &str, sign: i64) -> Vec<(String, [i64; 3])> {
    let of_kind = entries.iter().filter(|entry| entry["kind"] == kind);
    let read = |entry: &Value| {
        (entry["reference"].as_str().unwrap().to_owned(), counts(&entry["credits"]).map(|count| sign * count))
    };
    sorted(of_kind.map(read))
}

fn expected(commands: &[CommandAnswer]) -> Vec<(String, [i64; 3])> {
    sorted(commands.iter().map(|answered| (answered.reference.clone(), counts(&answered.credits))))
}

fn sorted(made: impl Iterator<Item = (String, [i64; 3])>) -> Vec<(String, [i64; 3])> {
    let mut made: Vec<_> = made.collect();
    made.sort();
    made
}

fn counts(credits: &Value) -> [i64; 3] {
    statement::KINDS.map(|kind| credits[kind].as_i64().unwrap())
}
