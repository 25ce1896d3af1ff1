//! What a client is there for: a command on an account, decided by the functions of the `credits` crate.

use chrono::{DateTime, Utc};
use credits::{
    Account, Debit, DebitId, Decision, Payment, Purchase, PurchaseId, Refusal, Standing, StatusChange, Word,
    debit, purchase, refill, status, withdrawal,
};

use crate::{
    append::{Identity, adding},
    plant::Plant,
    provider::{Provider, refund_id},
    table::{Item, Key, Row, Who, digest},
};

/// A client's task.
#[derive(Debug, Clone)]
pub struct Task {
    pub name: &'static str,
    pub account: Who,
    pub command: Command,
    /// The moment of its request.
    pub now: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub enum Command {
    Debit(DebitId, Debit),
    /// An event of the provider: something was paid.
    Paid(Payment),
    /// An event: a word on a subscription.
    Status(StatusChange),
    /// An event: a word on a purchase's money, and when it was said.
    Money(PurchaseId, Word, DateTime<Utc>),
    /// The money-back refund: revoke, ask, confirm.
    Refund(PurchaseId),
    /// The sweep of the month.
    Settle,
}

/// Where a money-back refund is; every other command has only the first stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stage {
    #[default]
    Request,
    /// The provider answered an attempt: it sent the money, or refused.
    Answered { attempt: u32, sent: bool },
}

impl Task {
    /// What makes it happen once; none for what follows from the state alone.
    pub fn identity(&self) -> Option<Identity> {
        let (key, request) = match &self.command {
            Command::Debit(id, debit) => (format!("debit#{id}"), digest(debit)),
            Command::Paid(payment) => (format!("purchase#{}", payment.id), digest(&payment.id)),
            Command::Status(_) | Command::Money(..) | Command::Refund(_) | Command::Settle => return None,
        };
        Some(Identity { operation: Key::Operation(self.account, key), request })
    }

    /// What it is decided from beside the account.
    pub fn related(&self) -> Option<Key> {
        let standing = |id: &credits::SubscriptionId| Key::Standing(self.account, id.to_string());
        match &self.command {
            Command::Paid(Payment { buys: credits::Buys::Plan { subscription_id, .. }, .. }) => {
                Some(standing(subscription_id))
            }
            Command::Status(change) => Some(standing(&change.subscription_id)),
            Command::Money(id, ..) | Command::Refund(id) => {
                Some(Key::Purchase(self.account, id.to_string()))
            }
            Command::Debit(..) | Command::Paid(_) | Command::Settle => None,
        }
    }

    /// The real decision.
    pub fn decide(
        &self,
        stage: Stage,
        (account, related): (&Account, Option<&Row>),
        plant: Option<Plant>,
    ) -> Result<Decision, Refusal> {
        let purchase: Option<&Purchase> = related.and_then(Row::purchase);
        let standing: Option<&Standing> = related.and_then(|row| match row.item() {
            Item::Standing(standing) => Some(standing),
            _ => None,
        });
        let decided = match (&self.command, stage) {
            (Command::Debit(id, debit), _) => debit::decide(account, id, debit, self.now),
            (Command::Paid(payment), _) => purchase::decide(account, standing, payment, self.now),
            (Command::Status(change), _) => status::decide(account, standing, change, self.now),
            (Command::Money(_, word, at), _) => withdrawal::hear(account, purchase, word, *at, self.now),
            (Command::Refund(_), Stage::Request) => withdrawal::request(account, purchase, None, self.now),
            (Command::Refund(_), Stage::Answered { attempt, sent: true }) => {
                withdrawal::confirmed(purchase, attempt, Some(&refund_id(attempt)))
            }
            (Command::Refund(_), Stage::Answered { attempt, sent: false }) => {
                withdrawal::refused(account, purchase, attempt, self.now)
            }
            (Command::Settle, _) => Ok(refill::decide(account, self.now)),
        };
        if plant == Some(Plant::AddingRefill) { decided.map(adding) } else { decided }
    }

    /// Whether there is something to do yet: events of a refund come after it.
    pub fn has_come(&self, provider: &Provider) -> bool {
        match &self.command {
            Command::Money(_, Word::Refunded { .. }, _) => provider.sent() > 0,
            Command::Money(_, Word::RefundFailed { attempt, .. }, _) => {
                attempt.is_some() && provider.failed == *attempt
            }
            _ => true,
        }
    }
}
