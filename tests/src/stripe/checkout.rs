//! Buying: what begins with a checkout session, or with a payment intent of one's own.
//!
//! Invariant: metadata goes where the checkout puts it and nowhere else: the session's stays on the
//! session, the payment's goes on to the payment intent and charge, or to the subscription.

use super::{
    Receipt, Stripe,
    account::Account,
    event::Event,
    generation::Generation,
    plan::{Interval, Metadata, Plan},
    records::{Payment, PaymentStatus, Session, Subscription, SubscriptionStatus},
    shapes,
};

/// What a buyer redeems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coupon {
    /// Nothing: the full price is paid.
    None,
    /// 100 % off, for good: nothing is ever paid, and there is no payment intent.
    Free,
}

/// A purchase as the product sets it up.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Whose customer buys. Stripe isn't told of the account by this, only by what follows.
    pub account: String,
    /// What is bought.
    pub sku: String,
    /// What it costs.
    pub price_cents: i64,
    /// What is redeemed.
    pub coupon: Coupon,
    /// Whether there is no customer: Stripe's default for one-off payments.
    pub guest: bool,
    /// The session's `client_reference_id`.
    pub client_reference_id: Option<String>,
    /// The session's metadata.
    pub metadata: Metadata,
    /// `payment_intent_data.metadata` or `subscription_data.metadata`.
    pub payment_metadata: Metadata,
}

impl Checkout {
    /// A checkout that names account and SKU everywhere.
    #[must_use]
    pub fn new(account: &str, sku: &str, price_cents: i64) -> Self {
        let named = [("account_id", account), ("sku", sku)];
        let metadata: Metadata =
            named.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self {
            account: account.to_owned(),
            sku: sku.to_owned(),
            price_cents,
            coupon: Coupon::None,
            guest: false,
            client_reference_id: Some(account.to_owned()),
            payment_metadata: metadata.clone(),
            metadata,
        }
    }

    /// A checkout of a custom plan.
    #[must_use]
    pub fn custom(account: &str, price_cents: i64, playground_credits: &str) -> Self {
        let mut checkout = Self::new(account, "custom", price_cents);
        for metadata in [&mut checkout.metadata, &mut checkout.payment_metadata] {
            metadata.insert("playground_credits".to_owned(), playground_credits.to_owned());
        }
        checkout
    }

    /// The same with a coupon.
    #[must_use]
    pub fn coupon(self, coupon: Coupon) -> Self {
        Self { coupon, ..self }
    }

    /// The same without metadata on the payment or subscription.
    #[must_use]
    pub fn silent_payment(self) -> Self {
        Self { payment_metadata: Metadata::new(), ..self }
    }

    /// The same with a session that says nothing: no metadata, no `client_reference_id`.
    #[must_use]
    pub fn silent_session(self) -> Self {
        Self { metadata: Metadata::new(), client_reference_id: None, ..self }
    }

    fn total(&self) -> i64 {
        if self.coupon == Coupon::Free { 0 } else { self.price_cents }
    }
}

impl Stripe {
    /// A one-off purchase: `charge.succeeded`, `payment_intent.succeeded`, `checkout.session.completed`;
    /// of a free one the last only.
    #[must_use]
    pub fn buy_pack(&self, checkout: &Checkout) -> Receipt {
        self.receipt(|account| account.buy(checkout, PaymentStatus::Succeeded))
    }

    /// A one-off purchase by a method that takes days: `payment_intent.processing` and an unpaid
    /// `checkout.session.completed`. [`Stripe::payment_arrives`] or [`Stripe::payment_fails`] ends it.
    #[must_use]
    pub fn buy_pack_async(&self, checkout: &Checkout) -> Receipt {
        self.receipt(|account| account.buy(checkout, PaymentStatus::Processing))
    }

    /// The money of an unpaid session arrives: `charge.succeeded`, `payment_intent.succeeded`,
    /// `checkout.session.async_payment_succeeded`.
    ///
    /// # Panics
    /// When no unpaid session has that id.
    #[must_use]
    pub fn payment_arrives(&self, session: &str) -> Vec<Event> {
        self.telling(|account| account.settle(session, PaymentStatus::Succeeded)).1
    }

    /// The money of an unpaid session doesn't arrive: `payment_intent.payment_failed`,
    /// `checkout.session.async_payment_failed`.
    ///
    /// # Panics
    /// When no unpaid session has that id.
    #[must_use]
    pub fn payment_fails(&self, session: &str) -> Vec<Event> {
        self.telling(|account| account.settle(session, PaymentStatus::Declined)).1
    }

    /// A one-off payment without a checkout session: `charge.succeeded`, `payment_intent.succeeded`.
    #[must_use]
    pub fn pay_intent(&self, checkout: &Checkout) -> Receipt {
        self.receipt(|account| {
            let at = account.pay(checkout, PaymentStatus::Succeeded);
            account.of_payment(at)
        })
    }

    /// A new subscription: `customer.subscription.created` (in the older generation incomplete at first,
    /// then updated), the events of its first invoice, `checkout.session.completed`.
    #[must_use]
    pub fn subscribe(&self, checkout: &Checkout, interval: Interval) -> Receipt {
        self.receipt(|account| account.subscribe(checkout, interval))
    }
}

impl Account {
    fn pay(&mut self, checkout: &Checkout, status: PaymentStatus) -> usize {
        let customer = (!checkout.guest).then(|| self.customer(&checkout.account));
        let payment = Payment {
            intent: self.id("pi_3", 23),
            charge: self.id("ch_3", 23),
            transaction: self.id("txn_3", 23),
            customer,
            amount: checkout.total(),
            metadata: checkout.payment_metadata.clone(),
            description: None,
            invoice: None,
            status,
            refunded: 0,
            disputed: false,
            created: self.now,
        };
        self.payments.push(payment);
        let at = self.payments.len() - 1;
        self.tell_payment(at);
        at
    }

    /// The events of a payment that just got its status.
    pub(super) fn tell_payment(&mut self, at: usize) {
        match self.payments[at].status {
            PaymentStatus::Processing => self.emit("payment_intent.processing", self.intent(at), None),
            PaymentStatus::Declined => {
                self.emit("charge.failed", self.charge(at), None);
                self.emit("payment_intent.payment_failed", self.intent(at), None);
            }
            PaymentStatus::Succeeded => {
                self.emit("charge.succeeded", self.charge(at), None);
                self.emit("payment_intent.succeeded", self.intent(at), None);
            }
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

    fn buy(&mut self, checkout: &Checkout, status: PaymentStatus) -> Receipt {
        let paid = (checkout.total() > 0).then(|| self.pay(checkout, status));
        let receipt = paid.map(|at| self.of_payment(at)).unwrap_or_default();
        let payment_status = match (paid, status) {
            (None, _) => "no_payment_required",
            (Some(_), PaymentStatus::Succeeded) => "paid",
            (Some(_), _) => "unpaid",
        };
        let session = self.complete_session(checkout, "payment", payment_status, &receipt);
        Receipt { session: Some(session), ..receipt }
    }

    fn complete_session(
        &mut self,
        checkout: &Checkout,
        mode: &'static str,
        payment_status: &'static str,
        paid: &Receipt,
    ) -> String {
        let session = Session {
            id: self.id("cs_test_a1", 56),
            mode,
            payment_status,
            customer: (!checkout.guest).then(|| self.customer(&checkout.account)),
            client_reference_id: checkout.client_reference_id.clone(),
            metadata: checkout.metadata.clone(),
            subtotal: checkout.price_cents,
            total: checkout.total(),
            intent: paid.payment_intent.clone().filter(|_| mode == "payment"),
            invoice: paid.invoice.clone(),
            subscription: paid.subscription.clone(),
            created: self.now,
        };
        self.emit("checkout.session.completed", shapes::session::session(&session), None);
        let id = session.id.clone();
        self.sessions.push(session);
        id
    }

    fn settle(&mut self, session: &str, status: PaymentStatus) {
        let unpaid = |known: &Session| known.id == session && known.payment_status == "unpaid";
        let at = self.sessions.iter().position(unpaid).expect("an unpaid session has that id");
        let intent = self.sessions[at].intent.clone().unwrap_or_default();
        let payment = self.payment_of(&intent).expect("an unpaid session has a payment");
        self.payments[payment].status = status;
        self.tell_payment(payment);
        let succeeded = status == PaymentStatus::Succeeded;
        if succeeded {
            self.sessions[at].payment_status = "paid";
        }
        let outcome = if succeeded { "succeeded" } else { "failed" };
        let session = shapes::session::session(&self.sessions[at]);
        self.emit(&format!("checkout.session.async_payment_{outcome}"), session, None);
    }

    fn subscribe(&mut self, checkout: &Checkout, interval: Interval) -> Receipt {
        let plan = Plan { sku: checkout.sku.clone(), price_cents: checkout.price_cents, interval };
        let subscription = Subscription {
            id: self.id("sub_1", 23),
            item: self.id("si_", 14),
            customer: self.customer(&checkout.account),
            plan: plan.clone(),
            metadata: checkout.payment_metadata.clone(),
            status: SubscriptionStatus::Active,
            anchor: self.now,
            turns: 0,
            cancel_at_period_end: false,
            canceled_at: None,
            ended_at: None,
            end_reason: None,
            latest_invoice: String::new(),
            charged_by: (String::new(), String::new()),
            declines_next: false,
            free: checkout.coupon == Coupon::Free,
            created: self.now,
        };
        self.subscriptions.push(subscription);
        let at = self.subscriptions.len() - 1;
        let lines = vec![self.period_line(at)];
        let invoice = self.draft(at, "subscription_create", lines, (self.now, self.now));
        // The newer generation makes the subscription only once it is paid.
        if self.generation == Generation::Acacia {
            self.subscriptions[at].status = SubscriptionStatus::Incomplete;
        }
        self.emit("customer.subscription.created", self.subscription(at), None);
        let receipt = self.collect(invoice);
        let session = self.complete_session(
            checkout,
            "subscription",
            if checkout.total() > 0 { "paid" } else { "no_payment_required" },
            &receipt,
        );
        Receipt { session: Some(session), ..receipt }
    }
}
