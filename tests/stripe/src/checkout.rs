//! Buying a cart: what begins with a checkout session, or with a payment intent or subscription of one's own.
//!
//! Invariant: metadata goes where the checkout puts it and nowhere else: the session's stays on the
//! session, the payment's goes on to the payment intent and charge, or to the subscription.

use super::{
    CartSpec, Mode, Receipt, Stripe, Tender,
    account::Account,
    generation::Generation,
    plan::Metadata,
    records::{Discount, Item, Line, Payment, PaymentStatus, SessionLine, Subscription, SubscriptionStatus},
};
use chrono::TimeDelta;

impl Stripe {
    /// Buys a cart. In mode payment: `charge.succeeded`, `payment_intent.succeeded`,
    /// `checkout.session.completed`, and the events of a paid invoice if one is made; with nothing to pay the
    /// session's only, and by a method that takes days `payment_intent.processing` and an unpaid session. In
    /// mode subscription: `customer.subscription.created`, the events of its first invoice, and of the
    /// session.
    ///
    /// # Panics
    /// When it names a price that isn't known, or a subscription has no recurring price.
    #[must_use]
    pub fn checkout(&self, cart: &CartSpec) -> Receipt {
        self.receipt(|account| account.check_out(cart))
    }
}

impl Account {
    pub(super) fn check_out(&mut self, cart: &CartSpec) -> Receipt {
        assert!(cart.tender != Tender::Declined || cart.without_session, "a page takes another card");
        match cart.mode {
            Mode::Payment => self.buy(cart),
            Mode::Subscription => self.subscribe(cart),
        }
    }

    /// Who buys; none is a guest.
    pub(super) fn buyer(&mut self, cart: &CartSpec) -> Option<String> {
        let of_account = cart.account.as_deref().map(|account| self.customer(account));
        cart.customer.clone().or(of_account)
    }

    pub(super) fn discount_of(&mut self, cart: &CartSpec) -> Option<Discount> {
        let coupon = cart.coupon?;
        let (id, code) = (self.id("di_1", 23), self.id("promo_1", 23));
        Some(Discount {
            id,
            coupon: format!("{}_OFF", coupon.percent_off),
            percent_off: coupon.percent_off,
            once: coupon.once,
            promotion_code: coupon.by_code.then_some(code),
            start: self.now,
        })
    }

    fn buy(&mut self, cart: &CartSpec) -> Receipt {
        let mut customer = self.buyer(cart);
        if cart.invoice_creation && customer.is_none() {
            customer = Some(self.add_customer());
        }
        let discount = self.discount_of(cart);
        let lines = self.session_lines(cart, discount.as_ref());
        let total: i64 = lines.iter().map(|line| line.subtotal - line.discount).sum();
        let status = match cart.tender {
            Tender::Card => PaymentStatus::Succeeded,
            Tender::Delayed => PaymentStatus::Processing,
            Tender::Declined => PaymentStatus::Declined,
        };
        let paid = (total > 0).then(|| self.pay(cart, customer.clone(), total, status));
        let mut receipt = paid.map(|at| self.of_payment(at)).unwrap_or_default();
        if cart.without_session {
            return receipt;
        }
        let invoice = (cart.invoice_creation && status == PaymentStatus::Succeeded).then(|| {
            let at = self.invoice_cart(cart, customer.clone().unwrap_or_default());
            receipt.invoice = Some(self.invoices[at].id.clone());
            at
        });
        let payment_status = match (paid, status) {
            (None, _) => "no_payment_required",
            (Some(_), PaymentStatus::Succeeded) => "paid",
            (Some(_), _) => "unpaid",
        };
        let session = self.complete_session(cart, (customer, discount), lines, payment_status, &receipt);
        if let Some(invoice) = invoice {
            self.pay_by(invoice, paid);
        }
        Receipt { session: Some(session), ..receipt }
    }

    /// A payment intent of a cart.
    fn pay(
        &mut self,
        cart: &CartSpec,
        customer: Option<String>,
        amount: i64,
        status: PaymentStatus,
    ) -> usize {
        let payment = Payment {
            intent: self.id("pi_3", 23),
            charge: self.id("ch_3", 23),
            transaction: self.id("txn_3", 23),
            customer,
            amount,
            metadata: cart.payment_metadata.clone(),
            description: None,
            invoice: None,
            status,
            refunded: 0,
            disputed: false,
            dispute: None,
            declined: Vec::new(),
            created: self.now,
            charged_at: self.now,
            canceled_at: None,
        };
        self.payments.push(payment);
        let at = self.payments.len() - 1;
        self.emit_payment(at);
        at
    }

    /// The events of a payment that just got its status.
    pub(super) fn emit_payment(&mut self, at: usize) {
        match self.payments[at].status {
            PaymentStatus::Processing => self.emit("payment_intent.processing", self.intent_now(at), None),
            PaymentStatus::Declined => {
                self.emit("charge.failed", self.charge_now(at), None);
                self.emit("payment_intent.payment_failed", self.intent_now(at), None);
            }
            PaymentStatus::Succeeded => {
                self.emit("charge.succeeded", self.charge_now(at), None);
                self.emit("payment_intent.succeeded", self.intent_now(at), None);
            }
            PaymentStatus::Canceled => self.emit("payment_intent.canceled", self.intent_now(at), None),
        }
    }

    fn of_payment(&self, at: usize) -> Receipt {
        let payment = &self.payments[at];
        Receipt {
            payment_intent: Some(payment.intent.clone()),
            charge: Some(payment.charge.clone()),
            ..Receipt::default()
        }
    }

    fn subscribe(&mut self, cart: &CartSpec) -> Receipt {
        let customer = self.buyer(cart).unwrap_or_else(|| self.add_customer());
        let discount = self.discount_of(cart);
        let lines = self.session_lines(cart, discount.as_ref());
        let at = self.add_subscription(cart, customer.clone(), discount.clone());
        let drawn = self.first_lines(at, &lines);
        let invoice = self.draft_of(at, "subscription_create", drawn, (self.now, self.now));
        // From basil on, Stripe's page makes the subscription only once it is paid.
        let after_payment = self.generation >= Generation::Basil && !cart.without_session;
        let trials = self.subscriptions[at].status == SubscriptionStatus::Trialing;
        if !after_payment && !trials {
            self.subscriptions[at].status = SubscriptionStatus::Incomplete;
        }
        self.subscriptions[at].declines_next = cart.tender == Tender::Declined;
        self.emit("customer.subscription.created", self.subscription_now(at), None);
        let receipt = self.collect(invoice);
        if cart.without_session {
            return receipt;
        }
        let total: i64 = lines.iter().map(|line| line.subtotal - line.discount).sum();
        let payment_status = if total > 0 { "paid" } else { "no_payment_required" };
        let session =
            self.complete_session(cart, (Some(customer), discount), lines, payment_status, &receipt);
        Receipt { session: Some(session), ..receipt }
    }

    fn add_subscription(&mut self, cart: &CartSpec, customer: String, discount: Option<Discount>) -> usize {
        let now = self.now;
        let trial = cart.trial_days.map(|days| (now, now + TimeDelta::days(i64::from(days))));
        let subscription = Subscription {
            id: self.id("sub_1", 23),
            items: Vec::new(),
            customer,
            metadata: cart.payment_metadata.clone(),
            status: if trial.is_some() { SubscriptionStatus::Trialing } else { SubscriptionStatus::Active },
            anchor: trial.map_or(now, |trial| trial.1),
            flexible: self.generation >= Generation::Clover,
            trial,
            cancel_at_period_end: false,
            canceled_at: None,
            ended_at: None,
            end_reason: None,
            latest_invoice: String::new(),
            pending: Vec::new(),
            pending_update: None,
            discount,
            pause: None,
            declines_next: false,
            created: now,
        };
        self.subscriptions.push(subscription);
        let at = self.subscriptions.len() - 1;
        for (price, quantity) in &cart.items {
            let price = self.price(price);
            if price.recurring.is_some() {
                let item: Item = self.new_item(at, price, *quantity);
                self.subscriptions[at].items.push(item);
            }
        }
        assert!(!self.subscriptions[at].items.is_empty(), "a subscription has a recurring price");
        at
    }

    /// The lines of a subscription's first invoice, in the order of the cart.
    fn first_lines(&mut self, at: usize, cart: &[SessionLine]) -> Vec<Line> {
        let (mut lines, mut item) = (Vec::new(), 0);
        for bought in cart {
            if bought.price.recurring.is_some() {
                lines.push(self.period_line(at, item));
                item += 1;
                continue;
            }
            // What is bought beside a plan is invoiced for the plan's period.
            let period = self.subscriptions[at].period();
            let mut line = self.single_line(&bought.price, bought.quantity, period);
            line.subscription = Some(self.subscriptions[at].id.clone());
            line.discount = bought.discount;
            line.metadata = Metadata::new();
            lines.push(line);
        }
        lines
    }
}
