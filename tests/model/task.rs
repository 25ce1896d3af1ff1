//! A task of a client: a command on an account, decided by the functions of the accounts crate.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, CommandState, Decision, PurchaseId, Record, Records, Refusal, Subject as Named,
    facts::MoneyFacts, money_back, reconcile, refill,
};

use crate::{
    append::{Identity, adding, forgetting, holding_nothing, reopening},
    item::{AccountNumber, Key, Row},
    keyed_command::Keyed,
    look::Look,
    payment::Buys,
    plant::Plant,
    provider::{Provider, RefundAnswer, Topics},
    related::RelatedItems,
    table::Table,
};

/// A client's task.
#[derive(Debug, Clone)]
pub struct Task {
    pub name: &'static str,
    pub account: AccountNumber,
    pub command: Command,
    /// The moment of its request.
    pub now: DateTime<Utc>,
    /// The identity that makes it happen once; none for a command that follows from the state alone.
    pub identity: Option<Identity>,
    /// Whether the program is of the time before claims.
    pub is_old: bool,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// A command with a key.
    Keyed(Arc<dyn Keyed>),
    /// The webhook's application of an event, or the recovery's of no event at all.
    Look(Subject),
    /// The money-back refund: request, ask, confirm.
    Refund(&'static str),
    /// The sweep of the month.
    Turn,
}

/// The object that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A payment, with its refunds and disputes if it is known, or if its charge says that there are some.
    Payment(&'static str),
    /// The subscription with its invoices and their money.
    Subscription,
}

/// The stage of a money-back refund; every other command has only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stage {
    #[default]
    Request,
    /// The provider answered an attempt.
    Answered { attempt: u32, answer: RefundAnswer },
}

/// How a table's item is read: as it was written, or as a plain read sees it.
pub type Reader = fn(&Table, &Key) -> Option<Row>;

impl Task {
    pub fn new(name: &'static str, account: AccountNumber, now: DateTime<Utc>, command: Command) -> Self {
        let identity = command.identity(account);
        Self { name, account, command, now, identity, is_old: false }
    }

    /// The items that a command with a key reads beside the account.
    pub fn subject(&self) -> Named<'_> {
        if let Command::Keyed(command) = &self.command { command.subject() } else { Named::Account }
    }

    /// Why a command with a key is refused if another request was carried out with its key.
    pub fn lost_to(&self, entry: &Row) -> Option<Refusal> {
        let Command::Keyed(command) = &self.command else { return None };
        command.lost_to(entry.entry()?)
    }

    /// The real decision.
    pub fn decide(
        &self,
        (stage, look): (Stage, &Look),
        (account, related): (&Account, &RelatedItems),
        plant: Option<Plant>,
    ) -> Result<Decision, Refusal> {
        let records = || related.records.as_ref().ok_or(Refusal::PaymentTaken);
        let now = self.now;
        let decided = match (&self.command, stage) {
            (Command::Keyed(command), _) => {
                let subject = command.subject();
                let (debit, hold) = (related.debit(subject, plant), related.hold(subject));
                command.decide(&CommandState { account, debit: debit.as_ref(), hold: hold.as_ref(), now })
            }
            (Command::Look(_), _) if plant == Some(Plant::UncheckedRevision) => {
                reconcile::decide(account, records()?, &look.facts, now)
            }
            (Command::Look(_), _) => {
                let mut decided = reconcile::look(account, records()?, &look.before, &look.facts, now);
                if let (Some(Plant::IdleLook), Ok(decision)) = (plant, &mut decided) {
                    decision.records.retain(Record::is_news);
                }
                decided
            }
            (Command::Refund(id), Stage::Request) => {
                money_back::request(account, records()?, &purchase_id(id), None, now)
            }
            (Command::Refund(id), Stage::Answered { attempt, answer: RefundAnswer::Refused }) => {
                money_back::refused(account, records()?, &purchase_id(id), attempt, now)
            }
            (Command::Refund(_), Stage::Answered { attempt, .. }) => {
                let money = look.facts.money.first().expect("the money was read");
                money_back::confirmed(account, records()?, money, attempt, &look.refund_ids, now)
            }
            (Command::Turn, _) => Ok(refill::decide(account, now)),
        };
        match plant {
            Some(Plant::AddingRefill) => decided.map(adding),
            Some(Plant::ForgottenOwed) => decided.map(forgetting),
            Some(Plant::UnclosedHold) => decided.map(|decision| reopening(decision, &account.holds)),
            Some(Plant::SpendableHold) => decided.map(holding_nothing),
            _ => decided,
        }
    }

    /// Whether the facts that it is decided from were read before the records were written last.
    pub fn is_outdated(&self, (stage, look): (Stage, &Look), related: &RelatedItems) -> bool {
        let Some(records) = &related.records else { return false };
        let revision = |records: &Records| records.purchases.first().map(|purchase| purchase.revision);
        match (&self.command, stage) {
            (Command::Look(_), _)
            | (_, Stage::Request | Stage::Answered { answer: RefundAnswer::Refused, .. }) => false,
            (_, Stage::Answered { .. }) => revision(records) != revision(&look.before),
        }
    }

    /// The items beside the account from which it would be decided, read as they were written.
    pub fn truly_related(&self, table: &Table, look: &Look) -> RelatedItems {
        match &self.command {
            Command::Keyed(command) => RelatedItems::written(command.subject(), table, self.account),
            _ => self.related(table, look, |table, key| table.written(key).cloned()),
        }
    }

    /// Reads the records that a command without a key is decided from beside the account.
    pub fn related(&self, table: &Table, look: &Look, read: Reader) -> RelatedItems {
        let account_number = look.account_number.unwrap_or(self.account);
        let mut ids = Vec::new();
        let has_subscription = match &self.command {
            Command::Keyed(_) | Command::Turn => return RelatedItems::default(),
            Command::Look(subject) => {
                let money = look.facts.money.iter().map(|money: &MoneyFacts| &money.purchase_id);
                ids.extend(look.facts.paid.iter().map(|paid| &paid.purchase_id).chain(money).cloned());
                ids.extend(look.before.purchases.iter().map(|known| known.id.clone()));
                *subject == Subject::Subscription || look.before.subscription.is_some()
            }
            Command::Refund(id) => {
                ids.push(purchase_id(id));
                true
            }
        };
        ids.sort();
        ids.dedup();
        let row = if has_subscription { read(table, &Key::Subscription) } else { None };
        let subscription = match row.as_ref().and_then(|row| row.subscription()) {
            Some((owner, _)) if owner != account_number => return RelatedItems::default(),
            known => known.map(|(_, record)| record.clone()),
        };
        let rows = ids.into_iter().filter_map(|id| read(table, &Key::Purchase(account_number, id)));
        let purchases = rows.filter_map(|row| row.purchase().cloned()).collect();
        RelatedItems { records: Some(Records { subscription, purchases }), ..RelatedItems::default() }
    }

    /// The objects of the provider that it has seen once it is done.
    pub fn covers(&self, provider: &Provider) -> Topics {
        match self.command {
            Command::Look(Subject::Payment(id)) => provider.topic(id),
            Command::Look(Subject::Subscription) => {
                let of_plans =
                    provider.payments.iter().filter(|payment| matches!(payment.buys, Buys::Plan { .. }));
                of_plans.fold(Topics::SUBSCRIPTION, |topics, payment| topics.with(provider.topic(payment.id)))
            }
            Command::Keyed(_) | Command::Refund(_) | Command::Turn => Topics::default(),
        }
    }
}

impl Command {
    fn identity(&self, account_number: AccountNumber) -> Option<Identity> {
        let Self::Keyed(command) = self else { return None };
        Some(Identity::new(account_number, command.key(), command.request()))
    }
}

pub fn purchase_id(id: &str) -> PurchaseId {
    PurchaseId::parse(id).expect("an id")
}
