//! What a client is there for: a command on an account, decided by the functions of the `credits` crate.

use chrono::{DateTime, Utc};
use credits::{
    Account, Buys, Debit, DebitId, Decision, Payment, Purchase, PurchaseId, Refusal, Standing, StatusChange,
    SubscriptionId, Word, debit, purchase, refill, status, withdrawal,
};

use crate::{
    append::{Identity, adding},
    plant::Plant,
    protocol::World,
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
    /// What makes it happen once; none for what follows from the state alone.
    pub identity: Option<Identity>,
    /// What it is decided from beside the account.
    pub related: Option<Key>,
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
    pub fn new(name: &'static str, account: Who, now: DateTime<Utc>, command: Command) -> Self {
        let (identity, related) = (command.identity(account), command.related(account));
        Self { name, account, command, now, identity, related }
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

    /// The subscription and the payment that a refund is of, where that is a plan's.
    pub fn plan(&self, world: &World) -> Option<(SubscriptionId, PurchaseId)> {
        let row = self.related.as_ref().and_then(|key| world.table.written(key))?;
        let Payment { id, buys: Buys::Plan { subscription_id, .. }, .. } = &row.purchase()?.payment else {
            return None;
        };
        Some((subscription_id.clone(), id.clone()))
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

impl Command {
    fn identity(&self, who: Who) -> Option<Identity> {
        let (key, request) = match self {
            Self::Debit(id, debit) => (format!("debit#{id}"), digest(debit)),
            Self::Paid(payment) => (format!("purchase#{}", payment.id), digest(&payment.id)),
            Self::Status(_) | Self::Money(..) | Self::Refund(_) | Self::Settle => return None,
        };
        Some(Identity { operation: Key::Operation(who, key), request })
    }

    fn related(&self, who: Who) -> Option<Key> {
        let standing = |id: &SubscriptionId| Key::Standing(who, id.to_string());
        match self {
            Self::Paid(Payment { buys: Buys::Plan { subscription_id, .. }, .. }) => {
                Some(standing(subscription_id))
            }
            Self::Status(change) => Some(standing(&change.subscription_id)),
            Self::Money(id, ..) | Self::Refund(id) => Some(Key::Purchase(who, id.to_string())),
            Self::Debit(..) | Self::Paid(_) | Self::Settle => None,
        }
    }
}
