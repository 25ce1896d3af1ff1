//! Invoices that a person ends, not Stripe's own attempt: paid by hand, in parts, out of band, voided, or written off. Also
//! invoices that no subscription makes.
//!
//! Invariant: an invoice that ends without its default payment cancels that payment.

use super::{
    CartSpec, Receipt, Stripe,
    account::Account,
    event::Event,
    invoices::Draft,
    records::{InvoicePayment, InvoicePaymentStatus, InvoiceStatus, PaymentStatus},
};

impl Stripe {
    /// Pays an invoice by its customer's card, whatever the status of its subscription is: a draft, an open one, or one that
    /// was marked uncollectible. Returns the events of a paid invoice.
    ///
    /// # Panics
    /// When no invoice has that id, or it is paid or void.
    #[must_use]
    pub fn pay_invoice(&self, invoice: &str) -> Receipt {
        self.receipt(|account| {
            let at = account.unsettled(invoice);
            account.collect(at)
        })
    }

    /// An open invoice is paid in several payments of these amounts; it is paid once they reach what is due.
    /// Of each the events of a payment and `invoice_payment.paid`.
    ///
    /// # Panics
    /// As [`Stripe::pay_invoice`].
    #[must_use]
    pub fn pay_in_parts(&self, invoice: &str, amounts: &[i64]) -> Receipt {
        self.receipt(|account| {
            let at = account.unsettled(invoice);
            account.finalize(at);
            for amount in amounts {
                account.pay_part(at, *amount);
            }
            account.of_invoice(at)
        })
    }

    /// An invoice is marked as paid elsewhere: `invoice.paid`, `invoice.payment_succeeded`, without a
    /// payment.
    ///
    /// # Panics
    /// As [`Stripe::pay_invoice`].
    #[must_use]
    pub fn pay_out_of_band(&self, invoice: &str) -> Vec<Event> {
        let act = |account: &mut Account| {
            let at = account.unsettled(invoice);
            account.finalize(at);
            account.cancel_open_payments(at);
            account.invoices[at].out_of_band = true;
            account.note_paid(at);
        };
        self.with_events(act).1
    }

    /// An open invoice is voided: `invoice.voided`. What the customer's balance gave is given back.
    ///
    /// # Panics
    /// As [`Stripe::pay_invoice`].
    #[must_use]
    pub fn void_invoice(&self, invoice: &str) -> Vec<Event> {
        self.with_events(|account| account.void(account.unsettled(invoice))).1
    }

    /// An open invoice is written off: `invoice.marked_uncollectible`.
    ///
    /// # Panics
    /// As [`Stripe::pay_invoice`].
    #[must_use]
    pub fn write_off_invoice(&self, invoice: &str) -> Vec<Event> {
        self.with_events(|account| account.mark_uncollectible(account.unsettled(invoice))).1
    }

    /// An invoice of what a cart holds, without a subscription, which waits to be paid by hand. No event:
    /// `invoice.finalized` isn't modelled.
    ///
    /// # Panics
    /// When the cart names a price that isn't known.
    #[must_use]
    pub fn send_invoice(&self, cart: &CartSpec) -> Receipt {
        self.receipt(|account| {
            let customer = account.buyer(cart).unwrap_or_else(|| account.add_customer());
            let at = account.invoice_cart(cart, customer);
            account.invoices[at].is_sent = true;
            account.invoices[at].auto_advance = false;
            account.finalize(at);
            account.of_invoice(at)
        })
    }
}

impl Account {
    fn unsettled(&self, invoice: &str) -> usize {
        let at = self.invoice_of(invoice).expect("an invoice has that id");
        let status = self.invoices[at].status;
        assert!(!matches!(status, InvoiceStatus::Paid | InvoiceStatus::Void), "it is paid or void");
        at
    }

    /// A draft of what a cart holds, without a subscription.
    pub(super) fn invoice_cart(&mut self, cart: &CartSpec, customer: String) -> usize {
        let now = self.now;
        let discount = self.discount_of(cart);
        let mut lines = Vec::new();
        for (price, quantity) in &cart.items {
            let price = self.price(price);
            let mut line = self.single_line(&price, *quantity, (now, now));
            line.discount = discount.as_ref().map_or(0, |discount| discount.of(line.amount));
            lines.push(line);
        }
        let metadata = cart.invoice_metadata.clone();
        let period = (now, now);
        self.draft(Draft {
            customer,
            subscription: None,
            metadata,
            reason: "manual",
            lines,
            discount,
            period,
        })
    }

    fn pay_part(&mut self, at: usize, amount: i64) {
        let ids = (self.id("ch_3", 23), self.id("txn_3", 23));
        let is_first = self.invoices[at].payments.is_empty();
        let payment = self.new_payment_of(at, amount, ids, PaymentStatus::Succeeded, is_first);
        self.invoices[at].attempts += 1;
        self.note_payment(at, payment);
        self.emit_payment(payment);
        let invoice = &self.invoices[at];
        let is_whole = invoice.paid() >= invoice.due();
        self.emit_link(at);
        if is_whole {
            self.cancel_open_payments(at);
            self.note_paid(at);
        }
    }

    fn cancel_open_payments(&mut self, at: usize) {
        let now = self.now;
        let open = |link: &&mut InvoicePayment| link.status == InvoicePaymentStatus::Open;
        let mut canceled = Vec::new();
        for link in self.invoices[at].payments.iter_mut().filter(open) {
            (link.status, link.canceled_at) = (InvoicePaymentStatus::Canceled, Some(now));
            canceled.push(link.intent.clone());
        }
        for payment in canceled.iter().filter_map(|intent| self.payment_of(intent)).collect::<Vec<_>>() {
            let canceled = &mut self.payments[payment];
            (canceled.status, canceled.canceled_at) = (PaymentStatus::Canceled, Some(now));
            self.emit_payment(payment);
        }
    }

    pub(super) fn void(&mut self, at: usize) {
        self.cancel_open_payments(at);
        let (customer, given) = (self.invoices[at].customer.clone(), self.invoices[at].balance_used());
        self.customer_mut(&customer).balance += given;
        let invoice = &mut self.invoices[at];
        (invoice.status, invoice.voided_at) = (InvoiceStatus::Void, Some(self.now));
        self.emit("invoice.voided", self.invoice_now(at), None);
    }

    pub(super) fn mark_uncollectible(&mut self, at: usize) {
        let invoice = &mut self.invoices[at];
        (invoice.status, invoice.uncollectible_at) = (InvoiceStatus::Uncollectible, Some(self.now));
        self.emit("invoice.marked_uncollectible", self.invoice_now(at), None);
    }
}
