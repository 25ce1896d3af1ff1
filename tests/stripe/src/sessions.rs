//! Checkout sessions: opened, completed, expired, and paid later.
//!
//! Invariant: a session's line items never change; an invoice of it has the same lines and discounts.

use super::{
    CartSpec, Mode, Receipt, Stripe,
    account::Account,
    event::Event,
    records::{Discount, InvoicePayment, InvoicePaymentStatus, PaymentStatus, Session, SessionLine},
};

impl Stripe {
    /// A customer comes to a checkout page and doesn't buy. No event. Returns the session's id.
    ///
    /// # Panics
    /// When the cart names a price that isn't known.
    #[must_use]
    pub fn open_checkout(&self, cart: &CartSpec) -> String {
        self.with(|account| account.open_session(cart))
    }

    /// An open session expires: `checkout.session.expired`.
    ///
    /// # Panics
    /// When no open session has that id.
    #[must_use]
    pub fn expire_checkout(&self, session: &str) -> Vec<Event> {
        self.with_events(|account| account.expire_session(session)).1
    }

    /// The money of an unpaid session arrives: `charge.succeeded`, `payment_intent.succeeded`,
    /// `checkout.session.async_payment_succeeded`.
    ///
    /// # Panics
    /// When no unpaid session has that id.
    #[must_use]
    pub fn payment_arrives(&self, session: &str) -> Vec<Event> {
        self.with_events(|account| account.settle(session, PaymentStatus::Succeeded)).1
    }

    /// The money of an unpaid session doesn't arrive: `payment_intent.payment_failed`,
    /// `checkout.session.async_payment_failed`.
    ///
    /// # Panics
    /// When no unpaid session has that id.
    #[must_use]
    pub fn payment_fails(&self, session: &str) -> Vec<Event> {
        self.with_events(|account| account.settle(session, PaymentStatus::Declined)).1
    }
}

impl Account {
    /// The session's line items; what a trial begins with costs nothing yet.
    pub(super) fn session_lines(&mut self, cart: &CartSpec, discount: Option<&Discount>) -> Vec<SessionLine> {
        let mut lines = Vec::new();
        for (price, quantity) in &cart.items {
            let (id, price) = (self.id("li_1", 23), self.price(price));
            let is_free = cart.trial_days.is_some() && price.recurring.is_some();
            let subtotal = if is_free { 0 } else { price.unit_amount * quantity };
            let discount = discount.map_or(0, |discount| discount.of(subtotal));
            lines.push(SessionLine { id, price, quantity: *quantity, subtotal, discount });
        }
        lines
    }

    /// An invoice that was made for a payment which was made already.
    pub(super) fn pay_by(&mut self, invoice: usize, payment: Option<usize>) {
        // The money came at the checkout, so the customer's balance has no part in it.
        let (customer, now) = (self.invoices[invoice].customer.clone(), self.now);
        let balance = self.customer_mut(&customer).balance;
        let paid = &mut self.invoices[invoice];
        (paid.starting_balance, paid.ending_balance) = (balance, Some(balance));
        paid.finalized_at = Some(now);
        if let Some(payment) = payment {
            let (link, now) = (self.id("inpay_1", 23), self.now);
            let paying = &mut self.payments[payment];
            let paid = &mut self.invoices[invoice];
            paying.invoice = Some(paid.id.clone());
            paid.intent = Some(paying.intent.clone());
            paid.attempts = 1;
            paid.payments.push(InvoicePayment {
                id: link,
                invoice: paid.id.clone(),
                intent: paying.intent.clone(),
                amount_requested: paying.amount,
                amount_paid: Some(paying.amount),
                status: InvoicePaymentStatus::Paid,
                is_default: true,
                created: now,
                paid_at: Some(now),
                canceled_at: None,
            });
        }
        if payment.is_some() {
            self.emit_link(invoice);
        }
        self.note_paid(invoice);
    }

    fn add_session(
        &mut self,
        cart: &CartSpec,
        (customer, discount): (Option<String>, Option<Discount>),
        lines: Vec<SessionLine>,
        payment_status: &'static str,
        paid: &Receipt,
    ) -> String {
        let one_off = cart.mode == Mode::Payment;
        let discounted: i64 = lines.iter().map(|line| line.discount).sum();
        let subtotal = lines.iter().map(|line| line.subtotal).sum();
        let session = Session {
            id: self.id("cs_test_a1", 56),
            status: "complete",
            mode: if one_off { "payment" } else { "subscription" },
            payment_status,
            customer,
            client_reference_id: cart.client_reference_id.clone(),
            metadata: cart.metadata.clone(),
            lines,
            subtotal,
            total: subtotal - discounted,
            intent: paid.payment_intent.clone().filter(|_| one_off),
            invoice: paid.invoice.clone(),
            invoice_creation: one_off && cart.invoice_creation,
            invoice_metadata: cart.invoice_metadata.clone(),
            subscription: paid.subscription.clone(),
            payment_link: cart.payment_link.clone(),
            coupon: discount.map(|discount| (discount.coupon, discount.promotion_code)),
            created: self.now,
        };
        let id = session.id.clone();
        self.sessions.push(session);
        id
    }

    pub(super) fn complete_session(
        &mut self,
        cart: &CartSpec,
        whose: (Option<String>, Option<Discount>),
        lines: Vec<SessionLine>,
        payment_status: &'static str,
        paid: &Receipt,
    ) -> String {
        let id = self.add_session(cart, whose, lines, payment_status, paid);
        self.emit("checkout.session.completed", self.session_now(self.sessions.len() - 1), None);
        id
    }

    fn open_session(&mut self, cart: &CartSpec) -> String {
        let (customer, discount) = (cart.customer.clone(), self.discount_of(cart));
        let lines = self.session_lines(cart, discount.as_ref());
        let id = self.add_session(cart, (customer, discount), lines, "unpaid", &Receipt::default());
        let at = self.sessions.len() - 1;
        self.sessions[at].status = "open";
        id
    }

    fn expire_session(&mut self, id: &str) {
        let is_it = |session: &Session| session.id == id && session.status == "open";
        let at = self.sessions.iter().position(is_it).expect("an open session has that id");
        self.sessions[at].status = "expired";
        self.emit("checkout.session.expired", self.session_now(at), None);
    }

    fn settle(&mut self, session: &str, status: PaymentStatus) {
        let unpaid = |known: &Session| {
            known.id == session && known.payment_status == "unpaid" && known.intent.is_some()
        };
        let at = self.sessions.iter().position(unpaid).expect("an unpaid session has that id");
        let intent = self.sessions[at].intent.clone().unwrap_or_default();
        let payment = self.payment_of(&intent).expect("an unpaid session has a payment");
        (self.payments[payment].status, self.payments[payment].charged_at) = (status, self.now);
        self.emit_payment(payment);
        let succeeded = status == PaymentStatus::Succeeded;
        let mut invoice = None;
        if succeeded {
            self.sessions[at].payment_status = "paid";
            invoice = self.invoice_session(at);
        }
        let outcome = if succeeded { "succeeded" } else { "failed" };
        self.emit(&format!("checkout.session.async_payment_{outcome}"), self.session_now(at), None);
        if let Some(invoice) = invoice {
            self.pay_by(invoice, Some(payment));
        }
    }

    /// The invoice of a session whose payment came late, if it makes one.
    fn invoice_session(&mut self, at: usize) -> Option<usize> {
        let session = self.sessions[at].clone();
        let customer = session.customer.filter(|_| session.invoice_creation)?;
        let items = session.lines.iter().map(|line| (line.price.id.clone(), line.quantity)).collect();
        let cart = CartSpec { items, invoice_metadata: session.invoice_metadata, ..CartSpec::default() };
        let invoice = self.invoice_cart(&cart, customer);
        for (line, bought) in self.invoices[invoice].lines.iter_mut().zip(&session.lines) {
            line.discount = bought.discount;
        }
        self.sessions[at].invoice = Some(self.invoices[invoice].id.clone());
        Some(invoice)
    }
}
