//! Purchases of one SKU: a short form of [`Stripe::checkout`].
//!
//! Invariant: the price is the SKU's, whose id is the same in every account.

use super::{
    CartSpec, CouponSpec, Mode, Receipt, Stripe, Tender,
    account::Account,
    plan::{Interval, Metadata},
};

/// The coupon that a buyer redeems.
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
    /// Whose customer buys. Stripe doesn't learn of the account by this, only by what follows.
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
}

impl Stripe {
    /// A one-off purchase: `charge.succeeded`, `payment_intent.succeeded`, `checkout.session.completed`;
    /// of a free one the last only.
    #[must_use]
    pub fn buy_pack(&self, checkout: &Checkout) -> Receipt {
        self.receipt(|account| account.buy_one(checkout, None, |cart| cart))
    }

    /// A one-off purchase by a method that takes days: `payment_intent.processing` and an unpaid
    /// `checkout.session.completed`. [`Stripe::payment_arrives`] or [`Stripe::payment_fails`] ends it.
    #[must_use]
    pub fn buy_pack_async(&self, checkout: &Checkout) -> Receipt {
        let delayed = |cart| CartSpec { tender: Tender::Delayed, ..cart };
        self.receipt(|account| account.buy_one(checkout, None, delayed))
    }

    /// A new subscription: `customer.subscription.created` (before basil incomplete at first, then updated),
    /// the events of its first invoice, `checkout.session.completed`.
    #[must_use]
    pub fn subscribe(&self, checkout: &Checkout, interval: Interval) -> Receipt {
        self.receipt(|account| account.buy_one(checkout, Some(interval), |cart| cart))
    }
}

impl Account {
    fn buy_one(
        &mut self,
        checkout: &Checkout,
        interval: Option<Interval>,
        refine: impl FnOnce(CartSpec) -> CartSpec,
    ) -> Receipt {
        let price = self.sku(&checkout.sku, checkout.price_cents, interval).id;
        let cart = CartSpec {
            account: (!checkout.guest).then(|| checkout.account.clone()),
            mode: if interval.is_some() { Mode::Subscription } else { Mode::Payment },
            items: vec![(price, 1)],
            metadata: checkout.metadata.clone(),
            payment_metadata: checkout.payment_metadata.clone(),
            client_reference_id: checkout.client_reference_id.clone(),
            coupon: (checkout.coupon == Coupon::Free).then(|| CouponSpec::forever(100)),
            ..CartSpec::default()
        };
        self.check_out(&refine(cart))
    }
}
