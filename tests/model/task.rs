//! What a client is there for: a command on an account, decided by the functions of the accounts crate.

use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, Debit, DebitId, DebitRecord, Decision, PurchaseId, Record, Records, Refusal, Reversal,
    ReversalId, debit, facts::MoneyFacts, money_back, reconcile, refill, reversal,
};

use crate::{
    append::{Identity, adding, forgetting, operation},
    look::Look,
    plant::Plant,
    provider::{Buys, Provider, RefundAnswer, Topics},
    table::{Key, Table, Who, digest},
};

/// A client's task.
#[derive(Debug, Clone)]
pub struct Task {
    pub name: &'static str,
    pub account: Who,
    pub command: Command,
    /// The moment of its request.
    pub now: DateTime<Utc>,
    /// What makes it happen once; none for what follows from the state alone.
    pub identity: Option<Identity>,
}

#[derive(Debug, Clone)]
pub enum Command {
    Debit(DebitId, Debit),
    Reverse(ReversalId, DebitId),
    /// The webhook's application of an event, or the recovery's of no event at all.
    Look(Subject),
    /// The money-back refund: request, ask, confirm.
    Refund(&'static str),
    /// The sweep of the month.
    Turn,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A payment, with its refunds and disputes where it is known, or where its charge says that there are some.
    Payment(&'static str),
    /// The subscription with its invoices and their money.
    Subscription,
}

/// Where a money-back refund is; every other command has only the first stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stage {
    #[default]
    Request,
    /// The provider answered an attempt.
    Answered { attempt: u32, answer: RefundAnswer },
}

/// What a command is decided from beside the account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Related {
    pub debit: Option<DebitRecord>,
    /// None where the subscription belongs to another account.
    pub records: Option<Records>,
}

/// How a table's item is read: as it was written, or as a plain read sees it.
pub type Reader = fn(&Table, &Key) -> Option<crate::table::Row>;

impl Task {
    pub fn new(name: &'static str, account: Who, now: DateTime<Utc>, command: Command) -> Self {
        let identity = command.identity(account);
        Self { name, account, command, now, identity }
    }

    /// The real decision.
    pub fn decide(
        &self,
        (stage, look): (Stage, &Look),
        (account, related): (&Account, &Related),
        plant: Option<Plant>,
    ) -> Result<Decision, Refusal> {
        let records = || related.records.as_ref().ok_or(Refusal::PaymentTaken);
        let now = self.now;
        let decided = match (&self.command, stage) {
            (Command::Debit(id, debit), _) => debit::decide(account, id, debit, now),
            (Command::Reverse(id, debit_id), _) => {
                let all = Reversal { credits: None, reason: None };
                reversal::decide(account, id, debit_id, related.debit.as_ref(), &all, now)
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
            _ => decided,
        }
    }

    /// Whether the facts that it is decided from were read before the records were written last.
    pub fn is_outdated(&self, (stage, look): (Stage, &Look), related: &Related) -> bool {
        let Some(records) = &related.records else { return false };
        let revision = |records: &Records| records.purchases.first().map(|purchase| purchase.revision);
        match (&self.command, stage) {
            (Command::Look(_), _)
            | (_, Stage::Request | Stage::Answered { answer: RefundAnswer::Refused, .. }) => false,
            (_, Stage::Answered { .. }) => revision(records) != revision(&look.before),
        }
    }

    /// Reads what it is decided from beside the account.
    pub fn related(&self, table: &Table, look: &Look, read: Reader) -> Related {
        let who = look.who.unwrap_or(self.account);
        let mut ids = Vec::new();
        let has_subscription = match &self.command {
            Command::Reverse(_, id) => {
                let row = read(table, &operation(who, "debit", id.as_str()));
                return Related { debit: row.and_then(|row| row.debit()), records: None };
            }
            Command::Debit(..) | Command::Turn => return Related::default(),
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
            Some((owner, _)) if owner != who => return Related::default(),
            known => known.map(|(_, record)| record.clone()),
        };
        let rows = ids.into_iter().filter_map(|id| read(table, &Key::Purchase(who, id)));
        let purchases = rows.filter_map(|row| row.purchase().cloned()).collect();
        Related { debit: None, records: Some(Records { subscription, purchases }) }
    }

    /// What of the provider is seen, once it is done.
    pub fn covers(&self, provider: &Provider) -> Topics {
        match self.command {
            Command::Look(Subject::Payment(id)) => provider.topic(id),
            Command::Look(Subject::Subscription) => {
                let of_plans =
                    provider.payments.iter().filter(|payment| matches!(payment.buys, Buys::Plan { .. }));
                of_plans.fold(Topics::SUBSCRIPTION, |topics, payment| topics.with(provider.topic(payment.id)))
            }
            Command::Debit(..) | Command::Reverse(..) | Command::Refund(_) | Command::Turn => {
                Topics::default()
            }
        }
    }
}

impl Command {
    fn identity(&self, who: Who) -> Option<Identity> {
        let (kind, key, request) = match self {
            Self::Debit(id, debit) => ("debit", id.as_str(), digest(debit)),
            Self::Reverse(id, debit_id) => ("reversal", id.as_str(), digest(debit_id)),
            Self::Look(_) | Self::Refund(_) | Self::Turn => return None,
        };
        Some(Identity { operation: operation(who, kind, key), request })
    }
}

pub fn purchase_id(id: &str) -> PurchaseId {
    PurchaseId::parse(id).expect("an id")
}
