//! The payment provider: a small state machine of its own. What is paid, refunded, disputed or ended changes at any
//! moment; a refund that is asked for by a key is answered the same whenever that key comes again.

use scrip_accounts::facts::SubscriptionFacts;

use crate::{
    commands::{subscription, time},
    item::AccountNumber,
    payment::{AMOUNT, Buys, PART, Payment, Refund, terms},
};

/// The provider's answer to a refund request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundAnswer {
    /// That refund of the payment was made.
    Sent(usize),
    /// There is no money left to refund.
    AlreadyRefunded,
    Refused,
}

/// One key by which a refund was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RefundRequest {
    payment: &'static str,
    key: u32,
    attempt: u32,
    answer: RefundAnswer,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Provider {
    pub payments: Vec<Payment>,
    pub past_due: bool,
    pub ended_at: Option<&'static str>,
    /// How often the subscription itself changed.
    pub changes: usize,
    asked: Vec<RefundRequest>,
}

/// Something that happens at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    Pay(&'static str),
    /// The metadata of a payment names another account.
    Rename(&'static str, AccountNumber),
    /// The merchant refunds a part.
    RefundPart(&'static str),
    PartFails(&'static str),
    MoneyBackFails(&'static str),
    Dispute(&'static str),
    Win(&'static str),
    PastDue,
    End(&'static str),
}

/// The set of objects that may have changed: a bit for each payment, and one for the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Topics(pub u8);

impl Topics {
    pub const SUBSCRIPTION: Self = Self(1 << 7);

    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Provider {
    pub fn payment(&self, id: &str) -> &Payment {
        self.payments.iter().find(|payment| payment.id == id).expect("a payment")
    }

    fn payment_mut(&mut self, id: &str) -> &mut Payment {
        self.payments.iter_mut().find(|payment| payment.id == id).expect("a payment")
    }

    pub fn topic(&self, id: &str) -> Topics {
        let place = self.payments.iter().position(|payment| payment.id == id).expect("a payment");
        Topics(1 << place)
    }

    /// The subscription's invoices that are paid, oldest first.
    pub fn invoices(&self) -> impl Iterator<Item = &Payment> {
        self.payments.iter().filter(|payment| payment.is_paid && matches!(payment.buys, Buys::Plan { .. }))
    }

    /// The subscription itself.
    pub fn subscription(&self) -> SubscriptionFacts {
        SubscriptionFacts {
            id: subscription(),
            past_due: self.past_due,
            ended_at: self.ended_at.map(|at| time(at).into()),
            item: Some(terms()),
            settled: Vec::new(),
        }
    }

    /// Whether something can happen now.
    pub fn can(&self, change: Change) -> bool {
        let fails = |id, is: fn(&Refund) -> bool| self.payment(id).effective_refunds().any(is);
        match change {
            Change::Pay(id) => !self.payment(id).is_paid,
            Change::Rename(..) | Change::PastDue | Change::End(_) => self.ended_at.is_none(),
            Change::RefundPart(id) => {
                let payment = self.payment(id);
                payment.is_paid && payment.gone() + PART <= AMOUNT
            }
            Change::PartFails(id) => fails(id, |refund| refund.attempt.is_none()),
            Change::MoneyBackFails(id) => fails(id, |refund| refund.attempt.is_some()),
            Change::Dispute(id) => {
                self.payment(id).is_paid
                    && self.payment(id).dispute.is_none()
                    && self.payment(id).gone() < AMOUNT
            }
            Change::Win(id) => self.payment(id).dispute == Some(true),
        }
    }

    /// It happens; what it is about.
    pub fn change(&mut self, change: Change) -> Topics {
        let fail = |payment: &mut Payment, is: fn(&Refund) -> bool| {
            let refund = payment.refunds.iter_mut().find(|refund| is(refund) && !refund.has_failed);
            refund.expect("a refund that can fail").has_failed = true;
        };
        let id = match change {
            Change::PastDue | Change::End(_) => {
                match change {
                    Change::End(at) => self.ended_at = Some(at),
                    _ => self.past_due = true,
                }
                self.changes += 1;
                return Topics::SUBSCRIPTION;
            }
            Change::Pay(id)
            | Change::Rename(id, _)
            | Change::RefundPart(id)
            | Change::PartFails(id)
            | Change::MoneyBackFails(id)
            | Change::Dispute(id)
            | Change::Win(id) => id,
        };
        let payment = self.payment_mut(id);
        match change {
            Change::Pay(_) => payment.is_paid = true,
            Change::Rename(_, account_number) => payment.named = Some(account_number),
            Change::RefundPart(_) => {
                payment.refunds.push(Refund { attempt: None, amount: PART, has_failed: false });
            }
            Change::PartFails(_) => fail(payment, |refund| refund.attempt.is_none()),
            Change::MoneyBackFails(_) => fail(payment, |refund| refund.attempt.is_some()),
            Change::Dispute(_) => payment.dispute = Some(true),
            Change::Win(_) => payment.dispute = Some(false),
            Change::PastDue | Change::End(_) => unreachable!("it is about the subscription"),
        }
        payment.changes += usize::from(!matches!(change, Change::Rename(..)));
        self.topic(id)
    }

    /// The answer to a key that was used before.
    pub fn remembers(&self, id: &str, key: u32) -> Option<RefundAnswer> {
        self.asked.iter().find(|asked| asked.payment == id && asked.key == key).map(|asked| asked.answer)
    }

    /// All the rest of a payment is asked for by a new key.
    pub fn ask(&mut self, id: &'static str, key: u32, attempt: u32, refuses: bool) -> RefundAnswer {
        let payment = self.payment_mut(id);
        let rest = AMOUNT - payment.refunded();
        let answer = if refuses || payment.dispute == Some(true) {
            RefundAnswer::Refused
        } else if rest == 0 {
            RefundAnswer::AlreadyRefunded
        } else {
            payment.refunds.push(Refund { attempt: Some(attempt), amount: rest, has_failed: false });
            RefundAnswer::Sent(payment.refunds.len() - 1)
        };
        self.asked.push(RefundRequest { payment: id, key, attempt, answer });
        answer
    }

    /// A key that no refund was asked for by.
    pub fn new_key(&self) -> u32 {
        u32::try_from(self.asked.len()).expect("a few")
    }

    pub fn refused(&self) -> usize {
        self.asked.iter().filter(|asked| asked.answer == RefundAnswer::Refused).count()
    }

    /// Whether the money of some payment was asked for with success.
    pub fn was_refunded(&self) -> bool {
        self.asked.iter().any(|asked| asked.answer != RefundAnswer::Refused)
    }

    /// Whether no attempt was asked for by two keys.
    pub fn is_asked_once(&self) -> bool {
        let is_same = |one: &RefundRequest, other: &RefundRequest| {
            one.payment == other.payment && one.attempt == other.attempt
        };
        self.asked
            .iter()
            .enumerate()
            .all(|(place, one)| !self.asked[..place].iter().any(|other| is_same(one, other)))
    }
}
