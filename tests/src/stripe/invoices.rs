//! Invoices of subscriptions: drafted, then collected.
//!
//! Invariant: an invoice is paid once, and one with nothing due is paid without a payment.

use super::{
    Receipt,
    account::Account,
    generation::Generation,
    plan::{Metadata, Plan},
    records::{Invoice, InvoiceStatus, Line, Payment, PaymentStatus, Proration, SubscriptionStatus, Time},
    shapes,
};

impl Account {
    /// The line that pays for the current period in full.
    pub(super) fn period_line(&mut self, at: usize) -> Line {
        let id = self.id("il_1", 23);
        let subscription = &self.subscriptions[at];
        let plan = subscription.plan.clone();
        Line {
            id,
            amount: plan.price_cents,
            discount: if subscription.free { plan.price_cents } else { 0 },
            description: format!(
                "1 × {} (at {} / {})",
                plan.sku,
                dollars(plan.price_cents),
                plan.interval.name()
            ),
            period: subscription.period(),
            plan,
            proration: None,
        }
    }

    /// A line that corrects the period from now on: below zero for what is given back.
    pub(super) fn proration_line(
        &mut self,
        (amount, description): (i64, String),
        plan: Plan,
        until: Time,
        credited: Option<(String, String)>,
    ) -> Line {
        let invoice_item = self.id("ii_1", 23);
        Line {
            id: self.id("il_1", 23),
            amount,
            discount: 0,
            description,
            plan,
            period: (self.now, until),
            proration: Some(Proration { invoice_item, credited }),
        }
    }

    pub(super) fn draft(
        &mut self,
        at: usize,
        reason: &'static str,
        lines: Vec<Line>,
        period: (Time, Time),
    ) -> usize {
        let (id, payment_record) = (self.id("in_1", 23), self.id("inpay_1", 23));
        let subscription = &mut self.subscriptions[at];
        subscription.latest_invoice.clone_from(&id);
        if let Some(charging) = lines.iter().rfind(|line| line.amount > 0) {
            subscription.charged_by = (id.clone(), charging.id.clone());
        }
        self.invoices.push(Invoice {
            id,
            payment_record,
            number: self.invoices.len() + 1,
            customer: subscription.customer.clone(),
            subscription: subscription.id.clone(),
            item: subscription.item.clone(),
            metadata: subscription.metadata.clone(),
            reason,
            lines,
            period,
            status: InvoiceStatus::Draft,
            intent: None,
            created: self.now,
            finalized_at: None,
            paid_at: None,
        });
        self.invoices.len() - 1
    }

    /// Finalizes an invoice and collects what is due, or fails to; an open one is tried again.
    pub(super) fn collect(&mut self, at: usize) -> Receipt {
        let invoice = &self.invoices[at];
        let id = invoice.subscription.clone();
        let subscription = self.subscription_of(&id).expect("an invoice has its subscription");
        self.invoices[at].finalized_at.get_or_insert(self.now);
        let due = self.invoices[at].due() > 0;
        let declined = due && std::mem::take(&mut self.subscriptions[subscription].declines_next);
        if due {
            let status = if declined { PaymentStatus::Declined } else { PaymentStatus::Succeeded };
            let payment = self.attempt(at, status);
            self.tell_payment(payment);
        }
        if declined {
            self.invoices[at].status = InvoiceStatus::Open;
            self.emit("invoice.payment_failed", self.invoice(at), None);
            self.update_status(subscription, SubscriptionStatus::PastDue);
        } else {
            self.invoices[at].status = InvoiceStatus::Paid;
            self.invoices[at].paid_at = Some(self.now);
            if self.generation == Generation::Basil && self.invoices[at].intent.is_some() {
                let paid = shapes::invoice::invoice_payment(&self.invoices[at]);
                self.emit("invoice_payment.paid", paid, None);
            }
            self.emit("invoice.paid", self.invoice(at), None);
            self.emit("invoice.payment_succeeded", self.invoice(at), None);
            self.update_status(subscription, SubscriptionStatus::Active);
        }
        let payment = self.invoices[at].intent.as_deref().and_then(|intent| self.payment_of(intent));
        Receipt {
            subscription: Some(id),
            invoice: Some(self.invoices[at].id.clone()),
            payment_intent: payment.map(|at| self.payments[at].intent.clone()),
            charge: payment.map(|at| self.payments[at].charge.clone()),
            ..Receipt::default()
        }
    }

    fn update_status(&mut self, at: usize, status: SubscriptionStatus) {
        let subscription = &self.subscriptions[at];
        if subscription.is_live() && subscription.status != status {
            self.change(at, "customer.subscription.updated", |subscription| subscription.status = status);
        }
    }

    /// Tries to take what is due: a new payment intent, or a new charge of the one that failed.
    fn attempt(&mut self, at: usize, status: PaymentStatus) -> usize {
        let (charge, transaction) = (self.id("ch_3", 23), self.id("txn_3", 23));
        if let Some(payment) = self.invoices[at].intent.as_deref().and_then(|id| self.payment_of(id)) {
            let tried = &mut self.payments[payment];
            (tried.charge, tried.transaction, tried.status) = (charge, transaction, status);
            return payment;
        }
        let intent = self.id("pi_3", 23);
        let invoice = &mut self.invoices[at];
        invoice.intent = Some(intent.clone());
        self.payments.push(Payment {
            intent,
            charge,
            transaction,
            customer: Some(invoice.customer.clone()),
            amount: invoice.due(),
            // A subscription's metadata doesn't reach its payments.
            metadata: Metadata::new(),
            description: Some(match invoice.reason {
                "subscription_create" => "Subscription creation",
                _ => "Subscription update",
            }),
            invoice: Some(invoice.id.clone()),
            status,
            refunded: 0,
            disputed: false,
            created: self.now,
        });
        self.payments.len() - 1
    }
}

/// An amount as Stripe writes it for people.
pub(super) fn dollars(cents: i64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
