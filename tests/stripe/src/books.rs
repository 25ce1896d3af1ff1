//! What really happened to the money, apart from the shapes in which Stripe shows it.
//!
//! Invariant: the books are made of the records alone, in plain structs without an option to read them
//! wrongly: a second reading of the account holds its result against them.

use super::{
    Stripe,
    account::Account,
    plan::Metadata,
    records::{Dispute, Invoice, InvoiceStatus, Item, Line, Payment, PaymentStatus, Price, Session, Time},
};

/// Everything that was bought, and what is subscribed to.
#[derive(Debug, Clone, PartialEq)]
pub struct Books {
    /// The time on Stripe's clock.
    pub now: Time,
    /// What was bought and is paid for, also with nothing, in the order in which it was paid.
    pub purchases: Vec<BookedPurchase>,
    /// The subscriptions, also those that ended, oldest first.
    pub subscriptions: Vec<BookedSubscription>,
}

/// A paid invoice, or what was paid without one.
#[derive(Debug, Clone, PartialEq)]
pub struct BookedPurchase {
    /// `in_…`
    pub invoice: Option<String>,
    /// `cs_…`: the session it began with.
    pub session: Option<String>,
    /// `sub_…`, of a subscription's invoice.
    pub subscription: Option<String>,
    /// `cus_…`; a guest has none.
    pub customer: Option<String>,
    /// When it was paid.
    pub paid_at: Time,
    /// What it costs, less discounts; below zero if a change gave more than it took.
    pub total: i64,
    /// What was paid in money that went through Stripe.
    pub amount: i64,
    /// What the customer's balance paid; below zero for what went to it.
    pub from_balance: i64,
    /// Whether it was paid elsewhere.
    pub out_of_band: bool,
    /// How much of the amount went back or is about to: refunds that didn't fail.
    pub refunded: i64,
    /// How much of the amount banks took back: disputes that are open or lost, without inquiries.
    pub disputed: i64,
    /// The payments, oldest first.
    pub payments: Vec<BookedPayment>,
    /// What it pays for.
    pub lines: Vec<BookedLine>,
    /// The session's `client_reference_id`.
    pub client_reference_id: Option<String>,
    /// The session's metadata.
    pub session_metadata: Metadata,
    /// The payment intent's metadata, of what was paid without a subscription.
    pub payment_metadata: Metadata,
    /// The invoice's own metadata.
    pub invoice_metadata: Metadata,
    /// The subscription's metadata when the invoice was made.
    pub subscription_metadata: Metadata,
}

/// A payment of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedPayment {
    /// `pi_…`
    pub payment_intent: String,
    /// What was paid.
    pub amount: i64,
    /// How much of it went back or is about to.
    pub refunded: i64,
    /// How much of it banks took back.
    pub disputed: i64,
}

/// A line of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedLine {
    /// The price's id.
    pub price: String,
    /// The price's `lookup_key`.
    pub lookup_key: Option<String>,
    /// The price's metadata.
    pub price_metadata: Metadata,
    /// The product's metadata.
    pub product_metadata: Metadata,
    /// How many.
    pub quantity: i64,
    /// What it costs, less discounts; below zero for what is given back.
    pub amount: i64,
    /// What it pays for: from when to when.
    pub period: (Time, Time),
    /// `si_…`, of a subscription's line; what is paid once has none.
    pub item: Option<String>,
    /// Whether it corrects a period in the middle.
    pub proration: bool,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct BookedSubscription {
    /// `sub_…`
    pub id: String,
    /// `cus_…`
    pub customer: String,
    /// Its metadata.
    pub metadata: Metadata,
    /// `active`, say.
    pub status: &'static str,
    /// Whether it ends with its period.
    pub ends_with_period: bool,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// What is subscribed to now.
    pub items: Vec<BookedItem>,
}

/// An item of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedItem {
    /// `si_…`
    pub id: String,
    /// The price's id.
    pub price: String,
    /// The price's `lookup_key`.
    pub lookup_key: Option<String>,
    /// How many.
    pub quantity: i64,
    /// The current period.
    pub period: (Time, Time),
}

impl Stripe {
    /// What really happened to the money so far.
    #[must_use]
    pub fn books(&self) -> Books {
        self.with(|account| account.books())
    }
}

impl Account {
    fn books(&self) -> Books {
        let paid = self.invoices.iter().filter(|invoice| invoice.status == InvoiceStatus::Paid);
        let mut purchases: Vec<_> = paid.map(|invoice| self.booked_invoice(invoice)).collect();
        purchases.extend(self.sessions.iter().filter_map(|session| self.booked_session(session)));
        purchases.extend(self.payments.iter().filter_map(|payment| self.booked_payment_alone(payment)));
        purchases.sort_by_key(|purchase| purchase.paid_at);
        let subscriptions = self.subscriptions.iter().map(|subscription| BookedSubscription {
            id: subscription.id.clone(),
            customer: subscription.customer.clone(),
            metadata: subscription.metadata.clone(),
            status: subscription.status.name(),
            ends_with_period: subscription.cancel_at_period_end,
            ended_at: subscription.ended_at,
            items: subscription.items.iter().map(booked_item).collect(),
        });
        Books { now: self.now, purchases, subscriptions: subscriptions.collect() }
    }

    fn booked_invoice(&self, invoice: &Invoice) -> BookedPurchase {
        let links = invoice.payments.iter().filter(|link| link.amount_paid.is_some());
        let payments: Vec<_> =
            links.filter_map(|link| self.payment_of(&link.intent)).map(|at| &self.payments[at]).collect();
        let began = |session: &&Session| session.invoice.as_ref() == Some(&invoice.id);
        let session = self.sessions.iter().find(began);
        let own = payments.first().filter(|_| invoice.subscription.is_none());
        BookedPurchase {
            invoice: Some(invoice.id.clone()),
            subscription: invoice.subscription.clone(),
            customer: Some(invoice.customer.clone()),
            paid_at: invoice.paid_at.unwrap_or(invoice.created),
            total: invoice.total(),
            from_balance: -invoice.balance_used(),
            out_of_band: invoice.out_of_band,
            lines: invoice.lines.iter().map(|line| self.booked_line(line)).collect(),
            payment_metadata: own.map(|payment| payment.metadata.clone()).unwrap_or_default(),
            invoice_metadata: invoice.metadata.clone(),
            subscription_metadata: invoice.subscription_metadata.clone(),
            ..self.booked(session, &payments)
        }
    }

    /// A session that is paid and made no invoice.
    fn booked_session(&self, session: &Session) -> Option<BookedPurchase> {
        if session.invoice.is_some() || session.subscription.is_some() || session.payment_status == "unpaid" {
            return None;
        }
        let payment = session.intent.as_deref().and_then(|intent| self.payment_of(intent));
        let payment = payment.map(|at| &self.payments[at]);
        let paid_at = payment.map_or(session.created, |payment| payment.charged_at);
        let lines = session.lines.iter().map(|line| BookedLine {
            price: line.price.id.clone(),
            lookup_key: line.price.lookup_key.clone(),
            price_metadata: line.price.metadata.clone(),
            product_metadata: self.product_metadata(&line.price),
            quantity: line.quantity,
            amount: line.subtotal - line.discount,
            period: (paid_at, paid_at),
            item: None,
            proration: false,
        });
        Some(BookedPurchase {
            customer: session.customer.clone(),
            paid_at,
            total: session.total,
            lines: lines.collect(),
            payment_metadata: payment.map(|payment| payment.metadata.clone()).unwrap_or_default(),
            ..self.booked(Some(session), payment.as_slice())
        })
    }

    /// A payment without a session or invoice: what it is for stands in its metadata only.
    fn booked_payment_alone(&self, payment: &Payment) -> Option<BookedPurchase> {
        let of_session = |session: &Session| session.intent.as_ref() == Some(&payment.intent);
        let is_alone = payment.invoice.is_none() && !self.sessions.iter().any(of_session);
        (is_alone && payment.status == PaymentStatus::Succeeded).then(|| BookedPurchase {
            customer: payment.customer.clone(),
            paid_at: payment.charged_at,
            total: payment.amount,
            payment_metadata: payment.metadata.clone(),
            ..self.booked(None, &[payment])
        })
    }

    fn booked(&self, session: Option<&Session>, payments: &[&Payment]) -> BookedPurchase {
        let payments: Vec<_> = payments.iter().map(|payment| self.booked_payment(payment)).collect();
        BookedPurchase {
            invoice: None,
            session: session.map(|session| session.id.clone()),
            subscription: None,
            customer: None,
            paid_at: self.now,
            total: 0,
            amount: payments.iter().map(|payment| payment.amount).sum(),
            from_balance: 0,
            out_of_band: false,
            refunded: payments.iter().map(|payment| payment.refunded).sum(),
            disputed: payments.iter().map(|payment| payment.disputed).sum(),
            payments,
            lines: Vec::new(),
            client_reference_id: session.and_then(|session| session.client_reference_id.clone()),
            session_metadata: session.map(|session| session.metadata.clone()).unwrap_or_default(),
            payment_metadata: Metadata::new(),
            invoice_metadata: Metadata::new(),
            subscription_metadata: Metadata::new(),
        }
    }

    fn booked_line(&self, line: &Line) -> BookedLine {
        BookedLine {
            price: line.price.id.clone(),
            lookup_key: line.price.lookup_key.clone(),
            price_metadata: line.price.metadata.clone(),
            product_metadata: self.product_metadata(&line.price),
            quantity: line.quantity,
            amount: line.amount - line.discount,
            period: line.period,
            item: line.item.clone(),
            proration: line.proration.is_some(),
        }
    }

    fn product_metadata(&self, price: &Price) -> Metadata {
        let product = self.products.iter().find(|known| known.id == price.product);
        product.map(|known| known.metadata.clone()).unwrap_or_default()
    }

    fn booked_payment(&self, payment: &Payment) -> BookedPayment {
        let of_it = |dispute: &&Dispute| dispute.intent == payment.intent && dispute.holds_funds();
        let refunds = self.refunds.iter().filter(|refund| refund.intent == payment.intent);
        BookedPayment {
            payment_intent: payment.intent.clone(),
            amount: payment.amount,
            refunded: refunds.filter(|refund| refund.status.stands()).map(|refund| refund.amount).sum(),
            disputed: self.disputes.iter().filter(of_it).map(|dispute| dispute.amount).sum(),
        }
    }
}

fn booked_item(item: &Item) -> BookedItem {
    BookedItem {
        id: item.id.clone(),
        price: item.price.id.clone(),
        lookup_key: item.price.lookup_key.clone(),
        quantity: item.quantity,
        period: item.period,
    }
}
