//! Invoices: drafted, finalized, then collected.
//!
//! Invariant: an invoice is paid once, and one with nothing due is paid without a payment. What the
//! customer's balance gives or takes is settled when the invoice is finalized.

use super::{
    Receipt,
    account::Account,
    plan::Metadata,
    records::{
        Discount, Invoice, InvoicePayment, InvoicePaymentStatus, InvoiceStatus, Item, Line, Payment,
        PaymentStatus, SubscriptionStatus, Time,
    },
    snapshot::Snapshot,
};

/// An invoice to be.
pub struct Draft {
    pub customer: String,
    /// Where its subscription is.
    pub subscription: Option<usize>,
    pub metadata: Metadata,
    pub reason: &'static str,
    pub lines: Vec<Line>,
    pub discount: Option<Discount>,
    pub period: (Time, Time),
}

impl Account {
    pub(super) fn draft(&mut self, draft: Draft) -> usize {
        let id = self.id("in_1", 23);
        let subscription = draft.subscription.map(|at| {
            let subscription = &mut self.subscriptions[at];
            subscription.latest_invoice.clone_from(&id);
            note_invoiced(&mut subscription.items, &draft.lines, &id);
            if subscription.discount.as_ref().is_some_and(|discount| discount.once) {
                subscription.discount = None;
            }
            &self.subscriptions[at]
        });
        self.invoices.push(Invoice {
            id,
            number: self.invoices.len() + 1,
            customer: draft.customer,
            subscription: subscription.map(|known| known.id.clone()),
            metadata: draft.metadata,
            subscription_metadata: subscription.map(|known| known.metadata.clone()).unwrap_or_default(),
            reason: draft.reason,
            discount: draft.discount.filter(|_| draft.lines.iter().any(|line| line.discount != 0)),
            lines: draft.lines,
            period: draft.period,
            status: InvoiceStatus::Draft,
            payments: Vec::new(),
            intent: None,
            out_of_band: false,
            starting_balance: 0,
            ending_balance: None,
            attempts: 0,
            auto_advance: true,
            is_sent: false,
            created: self.now,
            finalized_at: None,
            paid_at: None,
            voided_at: None,
            uncollectible_at: None,
        });
        self.invoices.len() - 1
    }

    /// A draft of a subscription, with the lines of changes that wait for it, newest first.
    pub(super) fn draft_of(
        &mut self,
        at: usize,
        reason: &'static str,
        lines: Vec<Line>,
        period: (Time, Time),
    ) -> usize {
        let subscription = &mut self.subscriptions[at];
        let mut all: Vec<_> = std::mem::take(&mut subscription.pending).into_iter().rev().collect();
        all.extend(lines);
        let (customer, discount) = (subscription.customer.clone(), subscription.discount.clone());
        let metadata = Metadata::new();
        self.draft(Draft { customer, subscription: Some(at), metadata, reason, lines: all, discount, period })
    }

    /// Makes a draft final: from now on it is to be paid, and the customer's balance has done its part.
    pub(super) fn finalize(&mut self, at: usize) {
        let invoice = &self.invoices[at];
        if invoice.status != InvoiceStatus::Draft {
            return;
        }
        let (total, customer, now) = (invoice.total(), invoice.customer.clone(), self.now);
        let customer = self.customer_mut(&customer);
        let starting = customer.balance;
        customer.balance = (starting + total).min(0);
        let ending = customer.balance;
        let invoice = &mut self.invoices[at];
        (invoice.starting_balance, invoice.ending_balance) = (starting, Some(ending));
        (invoice.status, invoice.finalized_at) = (InvoiceStatus::Open, Some(now));
    }

    /// Finalizes an invoice and collects what is due, or fails to; an open one is tried again.
    pub(super) fn collect(&mut self, at: usize) -> Receipt {
        self.finalize(at);
        let left = self.invoices[at].due() - self.invoices[at].paid();
        let mut declined = false;
        if left > 0 {
            declined = self.declines(at);
            let status = if declined { PaymentStatus::Declined } else { PaymentStatus::Succeeded };
            let payment = self.attempt(at, left, status);
            self.emit_payment(payment);
        }
        if declined {
            self.emit("invoice.payment_failed", self.invoice_now(at), None);
            self.note_failure(at);
        } else {
            if left > 0 {
                self.emit_link(at);
            }
            self.note_paid(at);
        }
        self.of_invoice(at)
    }

    /// The event of the invoice's latest payment.
    pub(super) fn emit_link(&mut self, at: usize) {
        if let Some(link) = self.invoices[at].payments.last().cloned() {
            self.emit("invoice_payment.paid", Snapshot::InvoicePayment(link), None);
        }
    }

    /// Whether the subscription's next payment is to be declined, which this uses up.
    fn declines(&mut self, at: usize) -> bool {
        let subscription = self.invoices[at].subscription.as_deref();
        let subscription = subscription.and_then(|id| self.subscription_of(id));
        subscription.is_some_and(|at| std::mem::take(&mut self.subscriptions[at].declines_next))
    }

    pub(super) fn of_invoice(&self, at: usize) -> Receipt {
        let invoice = &self.invoices[at];
        let payment = invoice.intent.as_deref().and_then(|intent| self.payment_of(intent));
        Receipt {
            subscription: invoice.subscription.clone(),
            invoice: Some(invoice.id.clone()),
            payment_intent: payment.map(|at| self.payments[at].intent.clone()),
            charge: payment.map(|at| self.payments[at].charge.clone()),
            ..Receipt::default()
        }
    }

    /// The invoice is paid: the events of it, and what follows for the subscription.
    pub(super) fn note_paid(&mut self, at: usize) {
        let now = self.now;
        let invoice = &mut self.invoices[at];
        (invoice.status, invoice.paid_at) = (InvoiceStatus::Paid, Some(now));
        self.emit("invoice.paid", self.invoice_now(at), None);
        self.emit("invoice.payment_succeeded", self.invoice_now(at), None);
        let id = self.invoices[at].subscription.clone();
        let Some(subscription) = id.and_then(|id| self.subscription_of(&id)) else { return };
        self.apply_pending_update(subscription, at);
        let latest = self.subscriptions[subscription].latest_invoice.clone();
        let latest = self.invoice_of(&latest).map(|at| self.invoices[at].status);
        if latest != Some(InvoiceStatus::Open)
            && self.subscriptions[subscription].status != SubscriptionStatus::Trialing
        {
            self.set_status(subscription, SubscriptionStatus::Active);
        }
    }

    /// The payment of the invoice failed: what follows for the subscription.
    fn note_failure(&mut self, at: usize) {
        let invoice = self.invoices[at].id.clone();
        let id = self.invoices[at].subscription.clone();
        let Some(at) = id.and_then(|id| self.subscription_of(&id)) else { return };
        let subscription = &self.subscriptions[at];
        // A change that waits for its payment leaves the subscription in order.
        let waits = subscription.pending_update.as_ref().is_some_and(|update| update.invoice == invoice);
        let keeps =
            matches!(subscription.status, SubscriptionStatus::Incomplete | SubscriptionStatus::Unpaid);
        if !waits && !keeps {
            self.set_status(at, SubscriptionStatus::PastDue);
        }
    }

    pub(super) fn set_status(&mut self, at: usize, status: SubscriptionStatus) {
        let subscription = &self.subscriptions[at];
        if subscription.is_live() && subscription.status != status {
            self.change(at, "customer.subscription.updated", |subscription| subscription.status = status);
        }
    }

    /// Tries to take an amount: by a new payment intent, or a new charge of the one that failed.
    fn attempt(&mut self, at: usize, amount: i64, status: PaymentStatus) -> usize {
        let (charge, transaction, now) = (self.id("ch_3", 23), self.id("txn_3", 23), self.now);
        self.invoices[at].attempts += 1;
        let open = |payment: &Payment| payment.status == PaymentStatus::Declined;
        let known = self.invoices[at].intent.as_deref().and_then(|id| self.payment_of(id));
        let payment = match known.filter(|known| open(&self.payments[*known])) {
            Some(payment) => {
                let tried = &mut self.payments[payment];
                let earlier = std::mem::replace(&mut tried.charge, charge);
                tried.declined.push((earlier, tried.charged_at));
                (tried.transaction, tried.status, tried.charged_at) = (transaction, status, now);
                payment
            }
            None => self.new_payment_of(at, amount, (charge, transaction), status, true),
        };
        self.note_payment(at, payment);
        payment
    }

    /// Adds a payment intent to an invoice.
    pub(super) fn new_payment_of(
        &mut self,
        at: usize,
        amount: i64,
        (charge, transaction): (String, String),
        status: PaymentStatus,
        is_default: bool,
    ) -> usize {
        let (intent, link, now) = (self.id("pi_3", 23), self.id("inpay_1", 23), self.now);
        let invoice = &mut self.invoices[at];
        invoice.intent.get_or_insert_with(|| intent.clone());
        invoice.payments.push(InvoicePayment {
            id: link,
            invoice: invoice.id.clone(),
            intent: intent.clone(),
            amount_requested: amount,
            amount_paid: None,
            status: InvoicePaymentStatus::Open,
            is_default,
            created: now,
            paid_at: None,
            canceled_at: None,
        });
        let description = match (invoice.reason, &invoice.subscription) {
            (_, None) => "Payment for Invoice",
            ("subscription_create", _) => "Subscription creation",
            _ => "Subscription update",
        };
        self.payments.push(Payment {
            intent,
            charge,
            transaction,
            customer: Some(invoice.customer.clone()),
            amount,
            // A subscription's metadata doesn't reach its payments.
            metadata: Metadata::new(),
            description: Some(description),
            invoice: Some(invoice.id.clone()),
            status,
            refunded: 0,
            disputed: false,
            dispute: None,
            declined: Vec::new(),
            created: now,
            charged_at: now,
            canceled_at: None,
        });
        self.payments.len() - 1
    }

    /// Brings the link between invoice and payment in line with the payment.
    pub(super) fn note_payment(&mut self, at: usize, payment: usize) {
        let (payment, now) = (&self.payments[payment], self.now);
        let links = &mut self.invoices[at].payments;
        if let Some(link) = links.iter_mut().find(|link| link.intent == payment.intent)
            && payment.status == PaymentStatus::Succeeded
        {
            link.status = InvoicePaymentStatus::Paid;
            (link.amount_paid, link.paid_at) = (Some(payment.amount), Some(now));
        }
    }
}

/// Notes on the items which invoice their lines are on.
fn note_invoiced(items: &mut [Item], lines: &[Line], invoice: &str) {
    for charge in items.iter_mut().filter_map(|item| item.charged.as_mut()) {
        if lines.iter().any(|line| line.id == charge.line) {
            charge.invoice = Some(invoice.to_owned());
        }
    }
}

/// An amount as Stripe writes it for people.
pub(super) fn dollars(cents: i64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
